"""News: an article belongs to the market day in which it was published."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.news import News, articles_name_their_tickers, market_day, news
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source import wire
from smallcaps_assets_tests.datasets.vendor import Vendor

FRIDAY, TUESDAY = date(2024, 1, 12), date(2024, 1, 16)  # Monday was a holiday; 20:00 New York is 01:00 UTC


def article(article_id: str, published_at: datetime, **told: Any) -> dict[str, Any]:
    """An article as the client gives it."""
    lists = {"tickers": ["GME"], "keywords": [], "insights": []}
    return {"article_id": article_id, "published_at": published_at, "title": "Headline", **lists, **told}


def answered(*sent: dict[str, Any], days: tuple[date, ...] = (FRIDAY, TUESDAY)) -> list[Rows]:
    """The partitions, which pass their contract."""
    blank: dict[str, Any] = dict.fromkeys(wire.NEWS.schema)
    rows = pl.DataFrame([{**blank, **row} for row in sent], schema=wire.NEWS.schema)
    published = pl.col("published_at").cast(pl.Int64)
    vendor = Vendor(news=lambda since, until: rows.filter(published.is_between(since, until, closed="left")))
    parts = list(news(Run("news", tuple(map(Partition, days))), polygon=vendor))
    assert len(vendor.asked) == len(days)
    for part in parts:
        verdict = contracts.verdict(News, contracts.conform(News, part.frame))
        assert verdict.passed, verdict.metadata
    return parts


@pytest.mark.parametrize(
    ("published_at", "session"),
    [
        (datetime(2024, 1, 12, 1, 0, tzinfo=UTC), FRIDAY),  # Thursday 20:00
        (datetime(2024, 1, 13, 0, 59, 59, tzinfo=UTC), FRIDAY),
        (datetime(2024, 1, 13, 1, 0, tzinfo=UTC), TUESDAY),  # Friday 20:00
        (datetime(2024, 1, 14, 15, 0, tzinfo=UTC), TUESDAY),
        (datetime(2024, 1, 16, 21, 0, tzinfo=UTC), TUESDAY),
    ],
)
def test_a_market_day_ends_at_the_after_market_close(published_at: datetime, session: date) -> None:
    parts = answered(article("a", published_at))
    assert [part.partition.session for part in parts if part.frame.height] == [session]


def test_after_an_early_close_the_next_market_day_begins_at_17_00() -> None:
    since, until = market_day(date(2024, 7, 5))  # the session after the half day of 3 July
    assert since == int(datetime(2024, 7, 3, 21, 0, tzinfo=UTC).timestamp()) * 10**9
    assert until == int(datetime(2024, 7, 6, 0, 0, tzinfo=UTC).timestamp()) * 10**9


def test_the_calendars_first_market_day_begins_with_its_pre_market() -> None:
    since, _ = market_day(date(2003, 9, 10))
    assert since == int(datetime(2003, 9, 10, 8, 0, tzinfo=UTC).timestamp()) * 10**9


def test_insights_become_two_lists_and_an_article_without_them_has_none() -> None:
    insights = [
        {"ticker": "GME", "sentiment": "negative", "reasoning": "Dilution."},
        {"ticker": "AMC", "sentiment": None, "reasoning": None},
    ]
    at = datetime(2024, 1, 16, 15, 0, tzinfo=UTC)
    _, part = answered(article("a", at, insights=insights), article("b", at, keywords=["earnings"]))
    told = part.frame.sort("article_id").select("insight_tickers", "sentiments", "keywords", "known_at")
    assert told.rows() == [(["GME", "AMC"], ["negative", None], [], at), ([], [], ["earnings"], at)]


def test_an_article_sent_twice_is_stored_once_and_counted() -> None:
    at = datetime(2024, 1, 16, 15, 0, tzinfo=UTC)
    _, part = answered(article("a", at), article("a", at))
    assert (part.frame.height, part.metadata["sent_twice"]) == (1, 1)


def test_a_session_without_news_is_empty() -> None:
    parts = answered()
    assert [part.frame.height for part in parts] == [0, 0]
    assert articles_name_their_tickers(parts[0].frame, {}).passed


def test_the_contract_refuses_an_article_of_another_market_day() -> None:
    _, part = answered(article("a", datetime(2024, 1, 16, 15, 0, tzinfo=UTC)))
    rows = contracts.conform(News, part.frame)
    for shift in ("10h", "-4d"):
        moved = rows.with_columns(pl.col("published_at").dt.offset_by(shift))
        assert not contracts.verdict(News, moved).passed


def test_one_article_without_ticker_is_usual_and_two_of_three_are_not() -> None:
    at = datetime(2024, 1, 16, 15, 0, tzinfo=UTC)
    _, one = answered(article("a", at, tickers=[]), article("b", at), article("c", at))
    _, two = answered(article("a", at, tickers=[]), article("b", at, tickers=[]), article("c", at))
    assert articles_name_their_tickers(one.frame, {}).passed
    assert not articles_name_their_tickers(two.frame, {}).passed
