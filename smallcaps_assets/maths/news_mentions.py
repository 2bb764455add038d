"""Articles as mentions: one row for each ticker that an article names, with what it says of that ticker."""

import polars as pl

SENTIMENTS = {"positive": 1.0, "neutral": 0.0, "negative": -1.0}


def mentions(articles: pl.DataFrame) -> pl.DataFrame:
    """(article_id, ticker, published_at, ``sentiment``) of articles with tickers, insight_tickers and sentiments.

    ``sentiment`` is 1 positive, 0 neutral, -1 negative; null where the article has no insight into the ticker, or one
    of another name. An article that names a ticker twice mentions it once.
    """
    named = articles.select("article_id", "published_at", ticker="tickers").explode("ticker").drop_nulls("ticker")
    said = (
        articles.select("article_id", ticker="insight_tickers", sentiment="sentiments")
        .explode("ticker", "sentiment")
        .unique(["article_id", "ticker"], keep="first", maintain_order=True)
        .with_columns(pl.col("sentiment").replace_strict(SENTIMENTS, default=None, return_dtype=pl.Float64))
    )
    once = named.unique(["article_id", "ticker"], maintain_order=True)
    return once.join(said, on=["article_id", "ticker"], how="left", validate="1:1", maintain_order="left").select(
        "article_id", "ticker", "published_at", "sentiment"
    )


def counted() -> list[pl.Expr]:
    """Of some mentions: how many, how many with a sentiment, and the sum of those."""
    said = pl.col("sentiment")
    return [
        pl.len().cast(pl.Int64).alias("mentions"),
        said.count().cast(pl.Int64).alias("sentiments"),
        said.sum().alias("sentiment_sum"),
    ]
