"""Sale conditions decide which trades set prices and which count in volume."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.conditions import (
    FORM_T,
    NO_VOLUME,
    RULES,
    SETS_HIGH_LOW,
    SETS_LAST,
    STATUS,
    high_low_updates,
    price_updates,
    volume_updates,
)

TRADE: dict[str, pl.DataType] = {"conditions": pl.List(pl.Int32), "regular": pl.Boolean()}


def updates(conditions: list[int] | None, *, regular: bool | None = True) -> tuple[bool, bool, bool]:
    """(high and low, last, volume) of one trade."""
    trade = pl.DataFrame({"conditions": [conditions], "regular": [regular]}, schema=TRADE)
    listed, hours = pl.col("conditions"), pl.col("regular")
    row = trade.select(
        high_low_updates(listed, hours).alias("high_low"),
        price_updates(listed, hours).alias("last"),
        volume_updates(listed).alias("volume"),
    ).row(0)
    return row[0], row[1], row[2]


@pytest.mark.parametrize(
    ("conditions", "high_low", "last", "volume"),
    [
        (None, True, True, True),
        ([], True, True, True),
        ([14, 41], True, True, True),  # an intermarket sweep
        ([8], True, True, True),  # the closing print
        ([37], False, False, True),  # an odd lot
        ([14, 37, 41], False, False, True),  # one condition is enough
        ([2], False, False, True),  # average price
        ([7], False, False, True),
        ([20], False, False, True),
        ([29], False, False, True),
        ([53], False, False, True),
        ([10], True, False, True),  # derivatively priced
        ([32], True, False, True),  # sold out of sequence
        ([15], False, False, False),  # the official close repeats the auction
        ([16], False, False, False),
        ([38], True, True, False),  # a corrected consolidated close
        ([35], False, False, True),  # against the vendor's table
        ([41], True, True, True),
        ([60], True, True, True),  # a short-sale restriction describes the security
        ([68, 37], False, False, True),
        ([99], False, False, True),  # unknown: volume only
        ([99, 15], False, False, False),
    ],
)
def test_a_trade_updates_what_all_its_conditions_allow(
    conditions: list[int] | None, high_low: bool, last: bool, volume: bool
) -> None:
    assert updates(conditions) == (high_low, last, volume)


def test_form_t_sets_prices_outside_regular_hours_only() -> None:
    assert updates([12], regular=True) == (False, False, True)
    assert updates([12], regular=False) == (True, True, True)
    assert updates([12, 14, 41], regular=False) == (True, True, True)
    assert updates([12, 37], regular=False) == (False, False, True)
    assert updates([13], regular=False) == (False, False, True)
    assert updates([12, 10], regular=False) == (True, False, True)


def test_form_t_at_an_unknown_hour_sets_no_price() -> None:
    assert updates([12], regular=None) == (False, False, True)
    assert updates([14], regular=None) == (True, True, True)


@pytest.mark.parametrize("kind", [pl.Int64, pl.Int32, pl.Int16, pl.Int8, pl.UInt8])
def test_the_width_of_the_ids_does_not_matter(kind: type[pl.DataType]) -> None:
    trades = pl.DataFrame({"conditions": [[37], [14]]}, schema={"conditions": pl.List(kind)})
    assert trades.select(price_updates(pl.col("conditions"), pl.lit(True))).to_series().to_list() == [False, True]


def test_no_trades_have_no_updates() -> None:
    trades = pl.DataFrame({"conditions": []}, schema={"conditions": pl.List(pl.Int64)})
    assert trades.select(price_updates(pl.col("conditions"), pl.lit(True)).alias("last")).height == 0


def test_the_rules_are_stated_once_and_in_order() -> None:
    ids = [rule.condition for rule in RULES]
    assert ids == sorted(set(ids))
    assert not STATUS & set(ids)
    assert SETS_LAST <= SETS_HIGH_LOW
    assert FORM_T not in SETS_HIGH_LOW
    assert {15, 16, 38} == NO_VOLUME


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([rule.condition for rule in RULES]), max_size=4), st.booleans())
def test_an_expression_is_the_conjunction_of_its_rules(conditions: list[int], regular: bool) -> None:
    rules = {rule.condition: rule for rule in RULES}
    chosen = [rules[condition] for condition in conditions if regular or condition != FORM_T]
    assert updates(conditions, regular=regular) == (
        all(rule.high_low for rule in chosen),
        all(rule.last for rule in chosen),
        all(rule.volume for rule in chosen),
    )
