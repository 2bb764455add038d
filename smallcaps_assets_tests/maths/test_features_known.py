"""Market state, news and short interest at a bar's close: what was known then, null where nothing was."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.maths.features_known import known_features
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, Schema

DAY = date(2024, 1, 16)
STATE: Schema = {
    "session": pl.Date, "ticker": pl.String, "known_at": INSTANT, "halted": pl.Boolean, "halts": pl.Int64,
    "limit_side": pl.Int8, "luld_lower": pl.Float64, "luld_upper": pl.Float64, "ssr": pl.Boolean,
}  # fmt: skip
ARTICLE: Schema = {
    "article_id": pl.String, "published_at": INSTANT, "tickers": pl.List(pl.String),
    "insight_tickers": pl.List(pl.String), "sentiments": pl.List(pl.String),
}  # fmt: skip
CARRIED: Schema = {
    "session": pl.Date, "ticker": pl.String, "days_to_cover": pl.Float64, "evening_mentions": pl.Int64,
    "evening_sentiments": pl.Int64, "evening_sentiment_sum": pl.Float64,
}  # fmt: skip


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"{DAY}T{clock}").replace(tzinfo=UTC)


def state(clock: str, *values: Any, ticker: str = "GEVO") -> tuple[Any, ...]:
    return (DAY, ticker, at(clock), *values)


def article(name: str, clock: str, *said: str, ticker: str = "GEVO") -> tuple[Any, ...]:
    return (name, at(clock), [ticker], [ticker] * len(said), list(said))


def features(
    closed: list[str], states: Any = (), articles: Any = (), carried: Any = ((2.5, 0, 0, 0.0),)
) -> list[dict[str, Any]]:
    """Of bars of GEVO that close at 10 USD at these clocks."""
    bars = pl.DataFrame(
        [(DAY, "GEVO", at(clock), 10.0) for clock in closed],
        schema={"session": pl.Date, "ticker": pl.String, "closed_at": INSTANT, "close": pl.Float64},
        orient="row",
    )
    found = known_features(
        bars,
        pl.DataFrame(list(states), schema=STATE, orient="row"),
        pl.DataFrame(list(articles), schema=ARTICLE, orient="row"),
        pl.DataFrame([(DAY, "GEVO", *row) for row in carried], schema=CARRIED, orient="row"),
    )
    return found.sort("closed_at").drop(bars.columns).to_dicts()


def test_a_state_counts_from_its_own_instant_on() -> None:
    states = [
        state("09:00:00", False, 0, None, None, None, False),
        state("15:00:00", True, 1, None, None, None, True),
        state("15:05:00", False, 1, 1, 9.0, 11.0, True),
        state("15:00:00", False, 9, -1, 1.0, 2.0, False, ticker="AMC"),
    ]
    before, halted, after = features(["14:59:59", "15:00:00", "15:05:01"], states)
    names = ["f_halted", "f_halts_so_far", "f_limit_side", "f_short_sale_restricted"]
    assert [before[name] for name in names] == [0.0, 0.0, None, 0.0]
    assert [halted[name] for name in names] == [1.0, 1.0, None, 1.0]
    assert [after[name] for name in names] == [0.0, 1.0, 1.0, 1.0]
    assert (before["f_distance_to_luld_upper"], before["f_distance_to_luld_lower"]) == (None, None)
    assert after["f_distance_to_luld_upper"] == pytest.approx(0.1)
    assert after["f_distance_to_luld_lower"] == pytest.approx(-0.1)


def test_an_unknown_state_and_a_ticker_without_one_are_null_not_zero() -> None:
    unknown = features(["15:00:00"], [state("09:00:00", None, None, None, None, None, None)])
    assert unknown == features(["15:00:00"])
    assert {name: value for name, value in unknown[0].items() if value is not None} == {
        "f_news_count": 0.0,
        "f_short_interest_ratio": 2.5,
    }


def test_articles_count_from_their_instant_on_and_sentiment_is_the_mean_of_those_that_have_one() -> None:
    articles = [
        article("a", "13:00:00", "positive"),
        article("b", "14:00:00"),
        article("c", "14:00:00", "negative"),
        article("d", "15:00:01", "negative"),
        article("e", "13:00:00", "negative", ticker="AMC"),
    ]
    rows = features(["12:59:59", "13:00:00", "15:00:00", "15:00:01"], articles=articles)
    assert [row["f_news_count"] for row in rows] == [0.0, 1.0, 3.0, 4.0]
    assert [row["f_news_sentiment"] for row in rows] == [None, 1.0, 0.0, pytest.approx(-1 / 3)]


def test_what_was_published_after_the_prior_close_counts_too() -> None:
    (row,) = features(["15:00:00"], articles=[article("a", "13:00:00", "negative")], carried=[(1.0, 3, 2, 2.0)])
    assert (row["f_news_count"], row["f_news_sentiment"]) == (4.0, pytest.approx(1 / 3))


def test_where_the_evening_is_unknown_so_is_the_count_and_without_a_report_there_is_no_ratio() -> None:
    (row,) = features(["15:00:00"], articles=[article("a", "13:00:00", "negative")], carried=[(None, None, None, None)])
    assert (row["f_news_count"], row["f_news_sentiment"], row["f_short_interest_ratio"]) == (None, None, None)
    (lacking,) = features(["15:00:00"], carried=[])
    assert (lacking["f_news_count"], lacking["f_short_interest_ratio"]) == (None, None)
