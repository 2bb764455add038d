"""Dividends: rows that agree in all but the id are one."""

from datetime import date
from typing import Any

import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.dividends import Dividends, dividends, few_rows_are_repeated
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source import wire
from smallcaps_assets_tests.datasets.vendor import Vendor

FRIDAY, TUESDAY = date(2024, 1, 12), date(2024, 1, 16)  # Monday was a holiday


def paid(vendor_id: str, ticker: str = "KO", ex_on: date = TUESDAY, cash_amount: float = 0.46, **told: Any) -> Any:
    """A row as the client gives it."""
    blank: dict[str, Any] = dict.fromkeys(wire.DIVIDENDS.schema)
    return {**blank, "vendor_id": vendor_id, "ticker": ticker, "ex_on": ex_on, "cash_amount": cash_amount, **told}


def answered(*sent: Any, days: tuple[date, ...] = (FRIDAY, TUESDAY)) -> list[Rows]:
    """The partitions, which pass their contract."""
    rows = pl.DataFrame(sent, schema=wire.DIVIDENDS.schema)
    vendor = Vendor(dividends=lambda first, last: rows.filter(pl.col("ex_on").is_between(first, last)))
    parts = list(dividends(Run("dividends", tuple(map(Partition, days))), polygon=vendor))
    assert len(vendor.asked) == 1
    for part in parts:
        assert contracts.verdict(Dividends, contracts.conform(Dividends, part.frame)).passed
    return parts


def test_of_rows_that_agree_in_all_but_the_id_one_is_accepted() -> None:
    _, part = answered(paid("b"), paid("a"))
    assert part.frame.select("vendor_id", "reason").rows() == [("a", "accepted"), ("b", "duplicate")]
    assert part.metadata == {"accepted": 1, "duplicate": 1, "ex_on_no_session": 0}


def test_a_special_dividend_beside_the_regular_one_is_no_duplicate() -> None:
    _, part = answered(paid("a", kind="CD"), paid("b", kind="SC"), paid("c", cash_amount=1.0), paid("d", "PEP"))
    assert part.frame["accepted"].to_list() == [True] * 4


def test_an_ex_date_without_trading_belongs_to_the_next_session() -> None:
    friday, tuesday = answered(paid("a", ex_on=date(2024, 1, 15)), paid("b", ex_on=FRIDAY))
    assert (friday.frame["vendor_id"].to_list(), tuesday.frame["vendor_id"].to_list()) == (["b"], ["a"])
    assert tuesday.metadata["ex_on_no_session"] == 1


def test_sessions_without_dividends_are_empty_and_a_session_alone_equals_its_part_of_a_run() -> None:
    assert [part.frame.height for part in answered()] == [0, 0]
    sent = [paid("a", ex_on=date(2024, 1, 13)), paid("b"), paid("c", ex_on=FRIDAY)]
    (alone,) = answered(*sent, days=(TUESDAY,))
    assert alone.frame.equals(answered(*sent)[1].frame)


def test_the_contract_refuses_a_flag_that_contradicts_its_reason() -> None:
    _, part = answered(paid("a"))
    rows = contracts.conform(Dividends, part.frame).with_columns(accepted=pl.lit(False))
    assert not contracts.verdict(Dividends, rows).passed


def test_one_repeated_row_is_usual_and_two_of_four_are_not() -> None:
    _, one = answered(paid("a"), paid("b"))
    _, two = answered(paid("a"), paid("b"), paid("c", "PEP"), paid("d", "PEP"))
    assert few_rows_are_repeated(one.frame, {}).passed
    assert not few_rows_are_repeated(two.frame, {}).passed
