"""Splits: repeated and contradictory rows are set aside, with the price as evidence."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.splits import Splits, accepted_splits_show_in_prices, judged, price_ratios, splits
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source import wire
from smallcaps_assets_tests.datasets.vendor import Vendor

FRIDAY, TUESDAY, WEDNESDAY = date(2024, 1, 12), date(2024, 1, 16), date(2024, 1, 17)  # Monday was a holiday

Sent = tuple[str, str, date, float, float]


def bars(*rows: tuple[date, str, float, float]) -> pl.LazyFrame:
    """(session, ticker, open, close)."""
    schema = {"session": pl.Date, "ticker": pl.String, "open": pl.Float64, "close": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").lazy()


PRICES = bars((FRIDAY, "GEVO", 0.5, 0.5), (TUESDAY, "GEVO", 5.1, 5.0), (WEDNESDAY, "GEVO", 5.0, 5.0))


def answered(run_sessions: list[date], *sent: Sent, prices: pl.LazyFrame = PRICES) -> list[Rows]:
    """The partitions when the vendor sends these (id, ticker, executed_on, from, to)."""
    rows = pl.DataFrame(sent, schema=wire.SPLITS.schema, orient="row")

    def between(first: date, last: date) -> pl.DataFrame:
        return rows.filter(pl.col("executed_on").is_between(first, last))

    run = Run("splits", tuple(map(Partition, run_sessions)))
    return list(splits(run, daily_bars=prices, polygon=Vendor(splits=between)))


def reasons(part: Rows) -> dict[str, str]:
    """Reason by the vendor's id; the rows pass the contract."""
    assert contracts.verdict(Splits, contracts.conform(Splits, part.frame)).passed
    return dict(part.frame.select("vendor_id", "reason").iter_rows())


def test_a_lone_split_is_accepted_without_evidence() -> None:
    (part,) = answered([TUESDAY], ("a", "NEWX", TUESDAY, 10.0, 1.0))
    assert reasons(part) == {"a": "accepted"}
    assert part.frame["price_ratio"].to_list() == [None]


def test_of_repeated_rows_one_is_accepted_also_if_the_ratio_is_written_otherwise() -> None:
    (part,) = answered([TUESDAY], ("b", "GEVO", TUESDAY, 100.0, 10.0), ("a", "GEVO", TUESDAY, 10.0, 1.0))
    assert reasons(part) == {"a": "accepted", "b": "duplicate"}


def test_of_contradictory_rows_the_one_that_the_price_shows_is_accepted() -> None:
    (part,) = answered([TUESDAY], ("a", "GEVO", TUESDAY, 20.0, 1.0), ("b", "GEVO", TUESDAY, 10.0, 1.0))
    assert reasons(part) == {"a": "contradicted", "b": "accepted"}
    assert part.frame["price_ratio"].to_list() == pytest.approx([10.2, 10.2])  # 5.1 over 0.5
    assert part.metadata == {"accepted": 1, "contradicted": 1, "executed_on_no_session": 0}


def test_contradictory_rows_that_no_price_supports_are_all_set_aside() -> None:
    (part,) = answered([TUESDAY], ("a", "GEVO", TUESDAY, 20.0, 1.0), ("b", "GEVO", TUESDAY, 5.0, 1.0))
    assert reasons(part) == {"a": "contradicted", "b": "contradicted"}
    (unknown,) = answered([TUESDAY], ("a", "NEWX", TUESDAY, 20.0, 1.0), ("b", "NEWX", TUESDAY, 10.0, 1.0))
    assert reasons(unknown) == {"a": "contradicted", "b": "contradicted"}


@pytest.mark.parametrize(("opened", "reason"), [(6.0, "accepted"), (4.0, "contradicted")])
def test_agreement_ends_at_a_fifth_of_the_price(opened: float, reason: str) -> None:
    """10 / (6.0 / 0.5) − 1 = −16.7 %; 10 / (4.0 / 0.5) − 1 = +25 %."""
    prices = bars((FRIDAY, "GEVO", 0.5, 0.5), (TUESDAY, "GEVO", opened, 5.0))
    sent: list[Sent] = [("a", "GEVO", TUESDAY, 10.0, 1.0), ("b", "GEVO", TUESDAY, 50.0, 1.0)]
    (part,) = answered([TUESDAY], *sent, prices=prices)
    assert reasons(part)["a"] == reason


def test_two_ratios_equally_far_from_the_price_are_both_set_aside() -> None:
    rows = pl.DataFrame(
        {
            "session": [TUESDAY, TUESDAY],
            "ticker": ["GEVO", "GEVO"],
            "vendor_id": ["a", "b"],
            "executed_on": [TUESDAY, TUESDAY],
            "split_from": [7.0, 9.0],
            "split_to": [8.0, 8.0],
            "price_ratio": [1.0, 1.0],
        }
    )
    assert judged(rows)["reason"].to_list() == ["contradicted", "contradicted"]


def test_an_execution_date_without_trading_belongs_to_the_next_session() -> None:
    parts = answered([FRIDAY, TUESDAY], ("a", "GEVO", date(2024, 1, 15), 10.0, 1.0), ("b", "X", FRIDAY, 1.0, 2.0))
    assert [reasons(part) for part in parts] == [{"b": "accepted"}, {"a": "accepted"}]
    assert parts[1].metadata["executed_on_no_session"] == 1


def test_the_price_ratio_uses_a_close_of_the_five_sessions_before_and_none_older() -> None:
    old = bars((date(2024, 1, 8), "A", 1.0, 1.0), (TUESDAY, "A", 2.0, 2.0))  # 5 sessions: 9, 10, 11, 12, 16
    assert price_ratios(old).collect()["price_ratio"].to_list() == [None, 2.0]
    older = bars((date(2024, 1, 5), "A", 1.0, 1.0), (TUESDAY, "A", 2.0, 2.0))
    assert price_ratios(older).collect()["price_ratio"].to_list() == [None, None]


def test_one_run_over_sessions_equals_a_run_for_each() -> None:
    sent: list[Sent] = [("a", "GEVO", TUESDAY, 10.0, 1.0), ("b", "GEVO", WEDNESDAY, 1.0, 2.0), ("c", "A", FRIDAY, 1, 2)]
    together = answered([FRIDAY, TUESDAY, WEDNESDAY], *sent)
    alone = [
        answered([session], *sent, prices=PRICES.filter(pl.col("session") <= session))[0]
        for session in (FRIDAY, TUESDAY, WEDNESDAY)
    ]
    assert all(one.frame.equals(other.frame) for one, other in zip(together, alone, strict=True))


def test_sessions_without_splits_are_empty_partitions() -> None:
    parts = answered([FRIDAY, TUESDAY])
    assert [part.frame.height for part in parts] == [0, 0]


def test_the_contract_refuses_two_accepted_splits_and_a_flag_that_contradicts_its_reason() -> None:
    (part,) = answered([TUESDAY], ("a", "GEVO", TUESDAY, 10.0, 1.0), ("b", "GEVO", TUESDAY, 10.0, 1.0))
    rows = contracts.conform(Splits, part.frame)
    both = rows.with_columns(accepted=pl.lit(True), reason=pl.lit("accepted"))
    assert not contracts.verdict(Splits, both).passed
    assert not contracts.verdict(Splits, rows.with_columns(accepted=pl.lit(False))).passed


def test_an_accepted_split_that_the_price_does_not_show_is_refused() -> None:
    (seen,) = answered([TUESDAY], ("a", "GEVO", TUESDAY, 10.0, 1.0))
    assert accepted_splits_show_in_prices(seen.frame, {}).passed
    (unseen,) = answered([TUESDAY], ("a", "GEVO", TUESDAY, 1.0, 10.0))
    assert not accepted_splits_show_in_prices(unseen.frame, {}).passed
    assert accepted_splits_show_in_prices(contracts.empty(Splits), {}).passed
