"""What a ticker brings into a session: restriction, halt, short interest, evening news; null where not known."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Dataset, Rows, Run
from smallcaps_assets.datasets import carried_over as module
from smallcaps_assets.datasets.carried_over import CarriedOver, carried_over, most_restrictions_are_known
from smallcaps_assets.datasets.daily_bars import daily_bars
from smallcaps_assets.datasets.daily_metrics import daily_metrics
from smallcaps_assets.datasets.halts import halts
from smallcaps_assets.datasets.news import news
from smallcaps_assets.datasets.short_interest import short_interest
from smallcaps_assets.partitions import Partition
from smallcaps_assets.sessions import NEW_YORK

FRIDAY, TUESDAY = date(2024, 1, 12), date(2024, 1, 16)  # no session between them
INPUTS = {each.name: each for each in (daily_metrics, daily_bars, halts, short_interest, news)}
Given = dict[str, list[dict[str, Any]]]


def at(clock: str, day: date = FRIDAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=NEW_YORK)


def metric(
    session: date, prior_close: float = 10.0, bar_session: date = FRIDAY, ticker: str = "GEVO"
) -> dict[str, Any]:
    return {"session": session, "ticker": ticker, "prior_close": prior_close, "bar_session": bar_session}


def bar(low: float, session: date = FRIDAY, ticker: str = "GEVO") -> dict[str, Any]:
    return {"session": session, "ticker": ticker, "low": low}


def halt(began: datetime, resumed: datetime | None, session: date = FRIDAY, ticker: str = "GEVO") -> dict[str, Any]:
    return {"session": session, "ticker": ticker, "reason_code": "T1", "halted_at": began, "resumed_at": resumed}


def article(name: str, published: datetime, *said: str) -> dict[str, Any]:
    insights = ["GEVO"] * len(said)
    told = {"tickers": ["GEVO"], "insight_tickers": insights, "sentiments": list(said)}
    return {"session": FRIDAY, "article_id": name, "published_at": published, **told}


def report(session: date, settled_on: date, days: float) -> dict[str, Any]:
    return {
        "session": session,
        "ticker": "GEVO",
        "settled_on": settled_on,
        "short_interest": 5e6,
        "days_to_cover": days,
    }


def frame(dataset: Dataset, rows: list[dict[str, Any]]) -> pl.LazyFrame:
    schema = dataset.empty().schema
    local = {name: pl.Datetime("ns", NEW_YORK.key) for name, kind in schema.items() if isinstance(kind, pl.Datetime)}
    told = [{name: row.get(name) for name in schema} for row in rows]
    return pl.DataFrame(told, schema={**schema, **local}).cast({name: schema[name] for name in local}).lazy()


QUIET: Given = {
    "daily_metrics": [metric(FRIDAY, bar_session=date(2024, 1, 11)), metric(TUESDAY)],
    "daily_bars": [bar(9.5)],
}


def computed(given: Given, absent: dict[str, frozenset[Partition]] | None = None, *days: date) -> Rows:
    run = Run("carried_over", tuple(map(Partition, days or (TUESDAY,))), absent=absent or {})
    frames = {name: frame(dataset, {**QUIET, **given}.get(name, [])) for name, dataset in INPUTS.items()}
    (*_, part) = list(carried_over(run, **frames))
    assert contracts.verdict(CarriedOver, contracts.conform(CarriedOver, part.frame)).passed
    return part


def gevo(given: Given, absent: dict[str, frozenset[Partition]] | None = None) -> dict[str, Any]:
    return computed(given, absent).frame.filter(ticker="GEVO").row(0, named=True)


def test_a_quiet_ticker_by_hand() -> None:
    assert gevo({}) == {
        "session": TUESDAY,
        "ticker": "GEVO",
        "ssr": False,
        "halts_on_file": False,
        "halt_code": None,
        "halted_at": None,
        "halt_resumed_at": None,
        "short_interest": None,
        "settled_on": None,
        "days_to_cover": None,
        "evening_mentions": 0,
        "evening_sentiments": 0,
        "evening_sentiment_sum": 0.0,
        "known_at": at("04:00", TUESDAY),
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"daily_bars": [bar(9.0)]}, True),  # Friday's low restricts Tuesday: the next session, over a long weekend
        ({"daily_bars": [bar(9.01)]}, False),
        ({"daily_bars": []}, None),  # Friday is not in the lake
        ({"daily_bars": [bar(9.0, ticker="AMC")]}, None),  # it traded on Friday under another name
        (
            {"daily_bars": [bar(9.0, ticker="AMC")], "daily_metrics": [metric(TUESDAY, bar_session=date(2024, 1, 11))]},
            False,  # it did not trade on Friday
        ),
        ({"daily_metrics": [metric(TUESDAY)], "daily_bars": [bar(9.0)]}, None),  # Friday's previous close is unknown
        ({"daily_metrics": [metric(FRIDAY, 9.9), metric(TUESDAY, 5.0)], "daily_bars": [bar(9.0)]}, False),
    ],
)
def test_the_day_before_restricts_the_day(given: Given, expected: bool | None) -> None:
    assert gevo(given)["ssr"] is expected


def test_a_halt_that_is_not_over_comes_along_and_one_that_is_does_not() -> None:
    row = gevo({"halts": [halt(at("19:50"), at("07:30", TUESDAY))]})
    assert (row["halted_at"], row["halt_code"]) == (at("19:50"), "T1")
    assert (row["halt_resumed_at"], row["halts_on_file"]) == (at("07:30", TUESDAY), True)
    over = gevo({"halts": [halt(at("15:00"), at("15:30"))]})
    assert (over["halted_at"], over["halts_on_file"]) == (None, True)


def test_a_halt_that_no_file_ends_is_over_once_the_ticker_has_a_bar_after_it() -> None:
    thursday = date(2024, 1, 11)
    began = halt(at("12:00", thursday), None, thursday)
    assert gevo({"halts": [began]})["halted_at"] is None  # its last bar is Friday's
    still: Given = {"halts": [began], "daily_metrics": [metric(TUESDAY, bar_session=thursday)]}
    assert gevo(still)["halted_at"] == at("12:00", thursday)


def test_the_newest_report_that_is_public_counts() -> None:
    reports = [
        report(date(2024, 1, 10), date(2023, 12, 27), 2.0),
        report(date(2023, 12, 27), date(2023, 12, 13), 1.0),
        report(date(2024, 1, 17), date(2024, 1, 3), 9.0),  # public on Wednesday
    ]
    row = gevo({"short_interest": reports})
    assert (row["days_to_cover"], row["settled_on"]) == (2.0, date(2023, 12, 27))
    assert gevo({"short_interest": [report(TUESDAY, date(2024, 1, 2), 3.0)]})["days_to_cover"] == 3.0
    long_ago = sessions.before(TUESDAY, module.REPORTED_BEFORE + 1)[0]
    assert gevo({"short_interest": [report(long_ago, date(2023, 11, 24), 3.0)]})["days_to_cover"] is None


def test_the_evening_begins_after_the_close() -> None:
    articles = [
        article("a", at("16:00:00"), "positive"),
        article("b", at("16:00:01"), "negative"),
        article("c", at("19:00:00")),
    ]
    row = gevo({"news": articles})
    assert (row["evening_mentions"], row["evening_sentiments"], row["evening_sentiment_sum"]) == (2, 1, -1.0)


def test_evening_news_that_were_not_asked_for_are_unknown_not_none() -> None:
    row = gevo({}, {"news": frozenset({Partition(FRIDAY)})})
    assert (row["evening_mentions"], row["evening_sentiments"], row["evening_sentiment_sum"]) == (None, None, None)
    assert gevo({"daily_bars": []})["evening_mentions"] is None


def test_a_session_is_the_same_alone_and_in_a_run_of_several() -> None:
    given: Given = {"halts": [halt(at("19:50"), None)], "daily_bars": [bar(8.0)]}
    alone, together = computed(given), computed(given, None, FRIDAY, TUESDAY)
    assert alone.frame.equals(together.frame)
    assert alone.metadata == {"halted_at": 1, "short_interest": 0, "ssr": 1}


def test_many_unknown_restrictions_are_shown_unless_there_is_no_session_before() -> None:
    rows = pl.concat([computed({}).frame] * 100).with_columns(ticker=pl.Series([f"A{k}" for k in range(100)]))
    unknown = pl.int_range(pl.len())
    for count, passes in ((5, True), (6, False), (100, True)):
        stored = rows.with_columns(ssr=pl.when(unknown >= count).then("ssr"))
        assert most_restrictions_are_known(stored, {}).passed is passes
