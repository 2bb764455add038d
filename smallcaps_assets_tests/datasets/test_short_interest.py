"""Short interest: public two weeks after its settlement date, not on it."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.short_interest import (
    ShortInterest,
    ShortInterestRules,
    days_to_cover_follow_from_volume,
    short_interest,
)
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source import wire
from smallcaps_assets_tests.datasets.vendor import Vendor

DAYS = sessions.between(date(2024, 1, 9), date(2024, 1, 17))  # 9, 10, 11, 12, 16, 17

Report = tuple[str, date, float, float | None, float | None]


def answered(*sent: Report, days: list[date] = DAYS, lag: int = 14) -> dict[date, Rows]:
    """The partitions by session, which pass their contract."""
    rows = pl.DataFrame(sent, schema=wire.SHORT_INTEREST.schema, orient="row")
    vendor = Vendor(short_interest=lambda first, last: rows.filter(pl.col("settled_on").is_between(first, last)))
    run = Run("short_interest", tuple(map(Partition, days)))
    parts = list(short_interest(run, polygon=vendor, config=ShortInterestRules(publication_lag_days=lag)))
    for part in parts:
        assert contracts.verdict(ShortInterest, contracts.conform(ShortInterest, part.frame)).passed
    return {part.partition.session: part for part in parts if part.partition.session}


@pytest.mark.parametrize(
    ("settled", "public"),
    [
        (date(2023, 12, 29), date(2024, 1, 12)),  # a Friday, 14 days later a session
        (date(2023, 12, 30), date(2024, 1, 16)),  # 13 January is a Saturday, Monday a holiday
        (date(2024, 1, 3), date(2024, 1, 17)),
    ],
)
def test_a_report_belongs_to_the_first_session_two_weeks_after_settlement(settled: date, public: date) -> None:
    parts = answered(("GME", settled, 5e6, 1e6, 5.0))
    assert [day for day, part in parts.items() if part.frame.height] == [public]
    assert parts[public].frame["known_at"][0] == datetime(public.year, public.month, public.day, 9, tzinfo=UTC)
    assert parts[public].metadata["settled_on"] == str(settled)


def test_the_lag_is_a_rule() -> None:
    parts = answered(("GME", date(2024, 1, 9), 5e6, 1e6, 5.0), lag=0)
    assert [day for day, part in parts.items() if part.frame.height] == [date(2024, 1, 9)]


def test_a_report_sent_twice_is_stored_once_and_one_that_contradicts_it_is_refused() -> None:
    row: Report = ("GME", date(2023, 12, 29), 5e6, 1e6, 5.0)
    parts = answered(row, row)
    assert (parts[DAYS[3]].frame.height, parts[DAYS[3]].metadata["sent_twice_in_the_run"]) == (1, 1)
    rows = contracts.conform(ShortInterest, parts[DAYS[3]].frame)
    other = rows.with_columns(short_interest=pl.lit(6e6))
    assert not contracts.verdict(ShortInterest, pl.concat([rows, other])).passed


def test_a_session_alone_equals_its_part_of_a_run() -> None:
    sent: list[Report] = [("GME", date(2023, 12, 30), 5e6, 1e6, 5.0), ("AMC", date(2024, 1, 2), 1e6, None, None)]
    together = answered(*sent)
    for day in DAYS:
        assert answered(*sent, days=[day])[day].frame.equals(together[day].frame)


def test_the_contract_refuses_a_report_from_after_its_session() -> None:
    rows = contracts.conform(ShortInterest, answered(("GME", date(2023, 12, 29), 5e6, 1e6, 5.0))[DAYS[3]].frame)
    late = rows.with_columns(settled_on=pl.lit(date(2024, 1, 16)))
    assert not contracts.verdict(ShortInterest, late).passed


def test_days_to_cover_that_do_not_follow_from_the_volume_are_refused() -> None:
    def judged(cover: float) -> bool:
        part = answered(("GME", date(2023, 12, 29), 5e6, 1e6, cover))[DAYS[3]]
        return days_to_cover_follow_from_volume(part.frame, {}).passed

    assert [judged(cover) for cover in (5.0, 5.2, 5.3, 1.0)] == [True, True, False, True]
    assert days_to_cover_follow_from_volume(contracts.empty(ShortInterest), {}).passed
