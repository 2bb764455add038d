"""Shares outstanding: asked for once a month, and a ticker unknown to the service is data."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.shares_outstanding import (
    SharesOutstanding,
    SharesRules,
    first_of_month,
    most_tickers_are_found,
    shares_outstanding,
)
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source import wire
from smallcaps_assets_tests.datasets.vendor import Vendor

FIRST, SECOND = date(2024, 2, 1), date(2024, 2, 2)


def listing(*rows: tuple[date, str, str | None, bool]) -> pl.LazyFrame:
    """(session, ticker, kind, active)."""
    names = {"session": pl.Date, "ticker": pl.String, "kind": pl.String, "active": pl.Boolean}
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(security_id="id:" + pl.col("ticker")).lazy()


def prices(*rows: tuple[date, str, float, int]) -> pl.LazyFrame:
    """(session, ticker, close_raw, sessions_before)."""
    names = {"session": pl.Date, "ticker": pl.String, "close_raw": pl.Float64, "sessions_before": pl.Int64}
    return pl.DataFrame(rows, schema=names, orient="row").lazy()


def details(**told: Any) -> pl.DataFrame:
    """The service's row about a ticker."""
    blank: dict[str, Any] = dict.fromkeys(wire.TICKER_DETAILS.schema)
    return pl.DataFrame([{**blank, "ticker": "X", **told}], schema=wire.TICKER_DETAILS.schema)


def computed(
    listed: pl.LazyFrame, priced: pl.LazyFrame, told: dict[str, pl.DataFrame | None], *days: date
) -> tuple[list[Rows], list[tuple[Any, ...]]]:
    """The partitions, which pass their contract, and what was asked."""
    vendor = Vendor(ticker_details=lambda ticker, _on: told[ticker])
    run = Run("shares_outstanding", tuple(map(Partition, days or (FIRST,))))
    parts = list(shares_outstanding(run, tickers=listed, daily_metrics=priced, polygon=vendor, config=SharesRules()))
    for part in parts:
        assert contracts.verdict(SharesOutstanding, contracts.conform(SharesOutstanding, part.frame)).passed
    return parts, [arguments for _, arguments in vendor.asked]


@pytest.mark.parametrize(
    ("session", "first"),
    [(date(2024, 2, 1), True), (date(2024, 2, 2), False), (date(2024, 1, 2), True), (date(2024, 9, 3), True)],
)
def test_the_first_session_of_a_month_is_not_always_its_first_day(session: date, first: bool) -> None:
    assert first_of_month(session) is first


def test_the_count_of_this_class_is_used_and_the_weighted_one_where_it_is_missing_or_zero() -> None:
    names = ("A", "B", "C", "D")
    told: dict[str, pl.DataFrame | None] = {
        "A": details(share_class_shares=5e6, weighted_shares=9e6, market_cap=7e7),
        "B": details(weighted_shares=9e6),
        "C": details(share_class_shares=0.0, weighted_shares=9e6),
        "D": details(),
    }
    (part,), _ = computed(
        listing(*((FIRST, name, "CS", True) for name in names)), prices(*((FIRST, n, 2.0, 99) for n in names)), told
    )
    rows = part.frame.sort("ticker")
    assert rows["shares"].to_list() == [5e6, 9e6, 9e6, None]
    assert rows["vendor_market_cap"].to_list() == [7e7, None, None, None]
    assert rows["security_id"].to_list() == ["id:A", "id:B", "id:C", "id:D"]
    assert rows["known_at"].to_list()[0] == datetime(2024, 2, 1, 9, 0, tzinfo=UTC)  # 04:00 New York
    assert part.metadata == {"asked": 4, "not_found": 0, "weighted_count": 2, "without_count": 1}


def test_a_ticker_the_service_does_not_know_is_a_row() -> None:
    (part,), _ = computed(listing((FIRST, "GONE", "CS", True)), prices((FIRST, "GONE", 2.0, 99)), {"GONE": None})
    assert part.frame.select("ticker", "found", "shares").rows() == [("GONE", False, None)]
    assert part.metadata["not_found"] == 1


def test_only_active_stocks_with_a_price_that_could_pass_are_asked_for() -> None:
    kinds = {"CS": "CS", "ADR": "ADRC", "NONE": None, "ETF": "ETF", "WRT": "WARRANT"}
    listed = listing(
        *((FIRST, ticker, kind, True) for ticker, kind in kinds.items()),
        *((FIRST, ticker, "CS", True) for ticker in ("LOW", "HIGH", "EDGE", "TOP", "NEVER")),
        (FIRST, "DEAD", "CS", False),
    )
    closes = {"LOW": 0.009, "EDGE": 0.01, "TOP": 100.0, "HIGH": 100.01, "DEAD": 2.0, **dict.fromkeys(kinds, 2.0)}
    priced = prices(*((FIRST, ticker, close, 99) for ticker, close in closes.items()))
    _, asked = computed(listed, priced, dict.fromkeys(closes))
    assert asked == [(ticker, FIRST) for ticker in ("ADR", "CS", "EDGE", "NONE", "TOP")]


def test_within_the_month_only_a_ticker_with_its_first_bar_is_asked_for() -> None:
    listed = listing(*((day, name, "CS", True) for day in (FIRST, SECOND) for name in ("OLD", "NEW")))
    priced = prices((FIRST, "OLD", 2.0, 99), (SECOND, "OLD", 2.0, 100), (SECOND, "NEW", 2.0, 1))
    parts, asked = computed(listed, priced, {"OLD": details(), "NEW": details()}, FIRST, SECOND)
    assert asked == [("OLD", FIRST), ("NEW", SECOND)]
    assert [part.frame["ticker"].to_list() for part in parts] == [["OLD"], ["NEW"]]


def test_a_session_on_which_nobody_is_due_has_no_rows_and_asks_nothing() -> None:
    listed, priced = listing((SECOND, "OLD", "CS", True)), prices((SECOND, "OLD", 2.0, 99))
    (part,), asked = computed(listed, priced, {}, SECOND)
    assert part.frame.height == 0
    assert asked == []
    assert most_tickers_are_found(part.frame, {}).passed


def test_the_contract_refuses_shares_of_what_was_not_found() -> None:
    (part,), _ = computed(
        listing((FIRST, "A", "CS", True)), prices((FIRST, "A", 2.0, 9)), {"A": details(share_class_shares=1e6)}
    )
    rows = contracts.conform(SharesOutstanding, part.frame)
    assert not contracts.verdict(SharesOutstanding, rows.with_columns(found=pl.lit(False))).passed


@pytest.mark.parametrize(("asked", "lacking", "passes"), [(50, 10, True), (50, 11, False), (5, 5, True), (6, 6, False)])
def test_one_ticker_in_five_or_five_may_lack_a_count_and_no_more(asked: int, lacking: int, passes: bool) -> None:
    names = [f"T{i}" for i in range(asked)]
    listed = listing(*((FIRST, name, "CS", True) for name in names))
    priced = prices(*((FIRST, name, 2.0, 99) for name in names))
    told: dict[str, pl.DataFrame | None] = dict.fromkeys(names, details(share_class_shares=1e6))
    (part,), _ = computed(listed, priced, {**told, **dict.fromkeys(names[:lacking])})
    assert most_tickers_are_found(part.frame, {}).passed is passes
