"""Float: the vendor's latest value belongs to no session that it came after."""

from datetime import UTC, date, datetime

import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.float_shares import FloatShares, float_shares, floats_are_parts_of_the_shares
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source import wire
from smallcaps_assets_tests.datasets.vendor import Vendor

TUESDAY, WEDNESDAY = date(2024, 1, 16), date(2024, 1, 17)


def answered(*rows: tuple[str, date, float, float | None]) -> list[Rows]:
    """Tuesday's and Wednesday's partitions; (ticker, effective_on, free_float, percent) are the vendor's rows."""
    latest = pl.DataFrame(rows, schema=wire.FLOAT_SHARES.schema, orient="row")
    vendor = Vendor(float_shares=lambda: latest)
    parts = list(float_shares(Run("float_shares", (Partition(TUESDAY), Partition(WEDNESDAY))), polygon=vendor))
    assert len(vendor.asked) == 1
    for part in parts:
        assert contracts.verdict(FloatShares, contracts.conform(FloatShares, part.frame)).passed
    return parts


def test_a_value_counts_from_the_session_after_it_took_effect() -> None:
    tuesday, wednesday = answered(("A", date(2024, 1, 12), 1e6, 50.0), ("B", TUESDAY, 2e6, 60.0))
    assert tuesday.frame["ticker"].to_list() == ["A"]
    assert wednesday.frame["ticker"].to_list() == ["A", "B"]
    assert (tuesday.metadata["not_yet_in_effect"], wednesday.metadata["not_yet_in_effect"]) == (1, 0)
    assert wednesday.frame["known_at"][0] == datetime(2024, 1, 17, 9, 0, tzinfo=UTC)


def test_of_a_ticker_sent_twice_the_newest_value_is_kept() -> None:
    (tuesday, _) = answered(("A", date(2024, 1, 11), 1e6, None), ("A", date(2024, 1, 10), 3e6, None))
    assert tuesday.frame["free_float"].to_list() == [1e6]
    assert tuesday.metadata["sent_twice"] == 1


def test_without_values_every_session_is_an_empty_partition() -> None:
    assert [part.frame.height for part in answered()] == [0, 0]


def test_the_contract_refuses_a_float_of_its_own_session() -> None:
    tuesday, _ = answered(("A", date(2024, 1, 12), 1e6, 50.0))
    rows = contracts.conform(FloatShares, tuesday.frame)
    assert not contracts.verdict(FloatShares, rows.with_columns(effective_on="session")).passed


def test_many_floats_over_all_shares_are_refused() -> None:
    old = date(2024, 1, 10)
    one, _ = answered(("A", old, 1e6, 120.0), ("B", old, 1e6, 100.0))
    two, _ = answered(("A", old, 1e6, 120.0), ("B", old, 1e6, 100.1))
    assert floats_are_parts_of_the_shares(one.frame, {}).passed
    assert not floats_are_parts_of_the_shares(two.frame, {}).passed
