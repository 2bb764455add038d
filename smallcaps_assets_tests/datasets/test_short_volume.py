"""Short volume: known on the session after the one it was traded on."""

from datetime import UTC, date, datetime

import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.short_volume import ShortVolume, ratios_follow_from_volumes, short_volume
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source import wire
from smallcaps_assets_tests.datasets.vendor import Vendor

THURSDAY, FRIDAY, TUESDAY = date(2024, 1, 11), date(2024, 1, 12), date(2024, 1, 16)  # Monday was a holiday

Row = tuple[str, date, float, float, float | None]


def answered(*sent: Row, days: tuple[date, ...] = (FRIDAY, TUESDAY)) -> list[Rows]:
    """The partitions, which pass their contract."""
    rows = pl.DataFrame(sent, schema=wire.SHORT_VOLUME.schema, orient="row")
    vendor = Vendor(short_volume=lambda first, last: rows.filter(pl.col("traded_on").is_between(first, last)))
    parts = list(short_volume(Run("short_volume", tuple(map(Partition, days))), polygon=vendor))
    for part in parts:
        assert contracts.verdict(ShortVolume, contracts.conform(ShortVolume, part.frame)).passed
    return parts


def test_a_row_belongs_to_the_session_after_its_trade_date() -> None:
    friday, tuesday = answered(
        ("GME", THURSDAY, 40.0, 100.0, 40.0), ("GME", FRIDAY, 50.0, 100.0, 50.0), ("GME", TUESDAY, 60.0, 100.0, 60.0)
    )
    assert friday.frame["traded_on"].to_list() == [THURSDAY]
    assert tuesday.frame["traded_on"].to_list() == [FRIDAY]
    assert tuesday.frame["known_at"].to_list() == [datetime(2024, 1, 16, 9, 0, tzinfo=UTC)]


def test_a_row_sent_twice_is_stored_once_and_a_session_alone_equals_its_part_of_a_run() -> None:
    row: Row = ("GME", FRIDAY, 50.0, 100.0, 50.0)
    _, tuesday = answered(row, row)
    assert (tuesday.frame.height, tuesday.metadata["sent_twice_in_the_run"]) == (1, 1)
    (alone,) = answered(row, row, days=(TUESDAY,))
    assert alone.frame.equals(tuesday.frame)


def test_sessions_without_rows_are_empty() -> None:
    parts = answered()
    assert [part.frame.height for part in parts] == [0, 0]
    assert ratios_follow_from_volumes(parts[0].frame, {}).passed


def test_the_contract_refuses_a_session_that_sees_its_own_short_volume() -> None:
    _, tuesday = answered(("GME", FRIDAY, 50.0, 100.0, 50.0))
    own = contracts.conform(ShortVolume, tuesday.frame).with_columns(traded_on="session")
    assert not contracts.verdict(ShortVolume, own).passed


def test_ratios_are_percent_of_the_total() -> None:
    def judged(short: float, total: float, ratio: float | None) -> bool:
        _, tuesday = answered(("GME", FRIDAY, short, total, ratio))
        return ratios_follow_from_volumes(tuesday.frame, {}).passed

    assert judged(50.0, 100.0, 50.4)
    assert judged(50.0, 100.0, None)
    assert judged(0.0, 0.0, 0.0)
    assert not judged(50.0, 100.0, 0.5)
    assert not judged(101.0, 100.0, 101.0)
