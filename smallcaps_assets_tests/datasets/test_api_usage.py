"""API usage: counts, classes of errors and shares of the limit, by hand."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.api_usage import (
    ApiUsage,
    ApiUsageConfig,
    api_usage,
    usage_stays_below_the_share_of_the_limit,
)
from smallcaps_assets.partitions import WHOLE
from smallcaps_assets.source.ledger import COLUMNS, empty

REAL = "api.massive.com"


def asked(at: str, endpoint: str = "trades", **other: Any) -> dict[str, Any]:
    """A request of 2026-11-26, or of the date that is written before the clock, that went well."""
    day, _, clock = at.rpartition(" ")
    sent = datetime.fromisoformat(f"{day or '2026-11-26'}T{clock}").replace(tzinfo=UTC)
    usual = {"service": REAL, "requests_per_minute": 10, "status": 200, "rows": 5, "bytes": 100, "milliseconds": 50.0}
    return {"requested_at": sent, "endpoint": endpoint, "page": 1, "attempt": 1} | usual | other


def used(*requests: dict[str, Any], config: ApiUsageConfig | None = None) -> Rows:
    """The dataset of these requests, which passes its contract."""
    ledger = pl.DataFrame(list(requests), schema=COLUMNS) if requests else empty()
    run = Run("api_usage", (WHOLE,))
    (part,) = api_usage(run, ledger=ledger.lazy(), config=config or ApiUsageConfig())
    part = part._replace(frame=contracts.conform(ApiUsage, part.frame))
    assert contracts.verdict(ApiUsage, part.frame).passed
    return part


def test_a_days_requests_of_an_endpoint_by_hand() -> None:
    slow = [asked("10:00:30", milliseconds=float(ms)) for ms in range(1, 20)]
    other = asked("10:01:00", "quotes", rows=7, bytes=1000)
    first, second = used(*slow, asked("10:01:59", milliseconds=10.0), other).frame.rows(named=True)
    assert (first["endpoint"], first["requests"], first["rows"], first["bytes"]) == ("quotes", 1, 7, 1000)
    assert (second["endpoint"], second["requests"], second["rows"], second["bytes"]) == ("trades", 20, 100, 2000)
    assert (second["mean_ms"], second["p95_ms"]) == (10.0, 19.0)  # 190 + 10 over 20; the 19th of 20
    assert (first["busiest_minute"], second["busiest_minute"]) == (1, 19)


@pytest.mark.parametrize(
    ("status", "fault", "column"),
    [
        (429, "HTTP 429: too many", "errors_429"),
        (404, "HTTP 404: none", "errors_4xx"),
        (400, "HTTP 400: bad", "errors_4xx"),
        (499, "HTTP 499", "errors_4xx"),
        (500, "HTTP 500", "errors_5xx"),
        (503, "HTTP 503", "errors_5xx"),
        (None, "no whole reply", "no_reply"),
        (200, "the reply is not what was agreed", "broken_replies"),
        (302, "HTTP 302", "broken_replies"),
        (200, None, None),
    ],
)
def test_what_went_wrong_is_counted_once_by_its_class(
    status: int | None, fault: str | None, column: str | None
) -> None:
    row = used(asked("10:00:00", status=status, fault=fault)).frame.row(0, named=True)
    classes = ("errors_429", "errors_4xx", "errors_5xx", "no_reply", "broken_replies")
    assert [name for name in classes if row[name]] == ([column] if column else [])


def test_the_limit_is_the_accounts_all_endpoints_together() -> None:
    trades = [asked("10:00:10")] * 4 + [asked("10:02:00")] * 2
    quotes = [asked("10:00:59", "quotes")] * 3
    for row in used(*trades, *quotes).frame.rows(named=True):
        assert (row["service_busiest_minute"], row["limit_per_minute"]) == (7, 10)
        # 9 requests in the two minutes that had some, which allow 20
        assert (row["busiest_minute_share"], row["active_minutes_share"]) == (0.7, 0.45)


def test_a_minute_is_measured_by_the_limit_that_held_in_it_and_without_a_limit_there_is_no_share() -> None:
    slower = [asked("11:00:00", requests_per_minute=4)] * 3
    row = used(*[asked("10:00:00")] * 5, *slower).frame.row(0, named=True)
    assert (row["limit_per_minute"], row["service_busiest_minute"]) == (4, 5)
    assert (row["busiest_minute_share"], row["active_minutes_share"]) == (0.75, 8 / 14)
    unlimited = used(*[asked("10:00:00")] * 5, asked("10:00:01", "flat file trades_v1", requests_per_minute=0))
    assert unlimited.frame["busiest_minute_share"].to_list() == [0.5, 0.5]
    free = used(asked("10:00:00", service="emulator", requests_per_minute=0)).frame.row(0, named=True)
    assert (free["limit_per_minute"], free["busiest_minute_share"], free["active_minutes_share"]) == (None, None, None)


def test_retries_are_the_requests_after_the_first_attempt() -> None:
    row = used(asked("10:00:00"), asked("10:00:01", attempt=2), asked("10:00:02", attempt=3)).frame.row(0, named=True)
    assert (row["requests"], row["retries"]) == (3, 2)


def test_the_month_is_summed_day_by_day_over_all_endpoints_and_begins_anew() -> None:
    part = used(
        asked("2026-11-29 23:59:59"),
        asked("2026-11-30 00:00:00", "quotes"),
        asked("2026-11-30 10:00:00"),
        asked("2026-11-30 10:00:00", service="emulator"),
        asked("2026-12-01 00:00:00"),
    )
    columns = ("day", "service", "endpoint", "month_requests", "month_bytes")
    assert part.frame.select(columns).rows() == [
        (date(2026, 11, 29), REAL, "trades", 1, 100),
        (date(2026, 11, 30), REAL, "quotes", 3, 300),
        (date(2026, 11, 30), REAL, "trades", 3, 300),
        (date(2026, 11, 30), "emulator", "trades", 1, 100),
        (date(2026, 12, 1), REAL, "trades", 1, 100),
    ]
    assert part.metadata["months"].md_str.splitlines()[2:] == [
        f"| 2026-11 | {REAL} | 3 | 0.0 |",
        "| 2026-11 | emulator | 1 | 0.0 |",
        f"| 2026-12 | {REAL} | 1 | 0.0 |",
    ]
    assert part.metadata["month_requests"] == 1


def test_the_tables_show_the_newest_days_and_bars_of_their_requests() -> None:
    days = [asked("2026-11-01 10:00:00")] + [asked("2026-11-25 10:00:00")] * 10 + [asked("2026-11-26 10:00:00")]
    shown = used(*days, config=ApiUsageConfig(shown_days=2)).metadata
    assert shown["requests"] == 12
    assert shown["by_day"].md_str.splitlines()[2:] == [
        f"| 2026-11-25 | {REAL} | 10 | 10 | 100.0 | 100.0 | {'█' * 30} |",
        f"| 2026-11-26 | {REAL} | 1 | 10 | 10.0 | 10.0 | ███ |",
    ]
    assert f"| 2026-11-26 | {REAL} | trades | 1 | 0 | 0 | 0 | 5 | 0.0 | 50.0 | 50.0 |" in shown["by_endpoint"].md_str
    assert "2026-11-01" not in shown["by_endpoint"].md_str


@pytest.mark.parametrize(("requests", "passes"), [(8, True), (9, False)])
def test_the_check_warns_above_the_share_and_not_at_it(requests: int, passes: bool) -> None:
    verdict = usage_stays_below_the_share_of_the_limit(used(*[asked("10:00:00")] * requests).frame, {})
    assert verdict.passed is passes
    if not passes:
        worst = f"{REAL} on 2026-11-26: 9 requests in a minute, 90% of the limit of 10"
        assert (verdict.metadata["worst"], verdict.metadata["warns_above"]) == (worst, 0.8)


def test_the_configured_share_is_the_one_that_is_judged_by_and_weeks_past_are_not_judged() -> None:
    busy = [asked("10:00:00")] * 9
    assert usage_stays_below_the_share_of_the_limit(used(*busy, config=ApiUsageConfig(warn_share=0.9)).frame, {}).passed
    later = used(*busy, asked("2026-12-03 10:00:00"))
    assert usage_stays_below_the_share_of_the_limit(later.frame, {}).passed
    earlier = used(*busy, asked("2026-12-02 10:00:00"))
    assert not usage_stays_below_the_share_of_the_limit(earlier.frame, {}).passed


def test_without_a_ledger_there_are_no_rows_and_nothing_to_warn_of() -> None:
    part = used()
    assert (part.frame.height, part.metadata) == (0, {"requests": 0})
    assert usage_stays_below_the_share_of_the_limit(part.frame, {}).passed


def test_the_contract_refuses_more_errors_than_requests() -> None:
    wrong = used(asked("10:00:00")).frame.with_columns(errors_5xx=pl.lit(2, dtype=pl.Int64))
    assert not contracts.verdict(ApiUsage, wrong).passed
