"""From articles to mentions: once an article and ticker, with what it says of that ticker alone."""

from datetime import UTC, datetime

import polars as pl

from smallcaps_assets.maths.news_mentions import counted, mentions

AT = datetime(2024, 1, 16, 14, 0, tzinfo=UTC)
ARTICLES = pl.DataFrame(
    [
        ("a", AT, ["GEVO", "AMC", "GEVO"], ["AMC", "XYZ"], ["negative", "positive"]),
        ("b", AT, ["GEVO"], ["GEVO"], ["positive"]),
        ("c", AT, ["GEVO"], ["GEVO"], ["neutral"]),
        ("d", AT, ["GEVO"], [], []),
        ("e", AT, [], [], []),
    ],
    schema={
        "article_id": pl.String,
        "published_at": pl.Datetime("ns", "UTC"),
        "tickers": pl.List(pl.String),
        "insight_tickers": pl.List(pl.String),
        "sentiments": pl.List(pl.String),
    },
    orient="row",
)


def test_an_article_mentions_a_ticker_once_and_the_sentiment_is_of_that_ticker() -> None:
    found = mentions(ARTICLES).sort("article_id", "ticker")
    assert found.select("article_id", "ticker", "sentiment").rows() == [
        ("a", "AMC", -1.0),
        ("a", "GEVO", None),
        ("b", "GEVO", 1.0),
        ("c", "GEVO", 0.0),
        ("d", "GEVO", None),
    ]


def test_mentions_without_a_sentiment_count_as_mentions_only() -> None:
    found = mentions(ARTICLES).group_by("ticker").agg(counted()).sort("ticker")
    assert found.rows() == [("AMC", 1, 1, -1.0), ("GEVO", 4, 2, 1.0)]


def test_no_articles_make_no_mentions() -> None:
    assert mentions(ARTICLES.clear()).height == 0
