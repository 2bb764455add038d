"""Which trades may set a price and which count in volume, by their sale conditions: the consolidated update rules.

A trade updates a field only if all its conditions allow it. Two choices are not in the vendor's table: outside
regular hours Form T (12) does not stop a trade from setting a price, because there all trades carry it; and a
condition that the table does not know counts in volume only. A trade of less than a share sets no price either: that
is for the caller, who has the size. Conditions are ids of *trades*; the same numbers mean other things on quotes.

Source: the vendor's condition reference as of 2026-07-09, after the CTA and UTP consolidated tape specifications.
"""

from typing import NamedTuple

import polars as pl

FORM_T = 12


class Rule(NamedTuple):
    """What a trade with this condition may update on the consolidated tape."""

    condition: int
    name: str
    high_low: bool
    last: bool
    volume: bool


RULES: tuple[Rule, ...] = (
    Rule(1, "Acquisition", True, True, True),
    Rule(2, "Average Price Trade", False, False, True),
    Rule(3, "Automatic Execution", True, True, True),
    Rule(4, "Bunched Trade", True, True, True),
    Rule(5, "Bunched Sold Trade", True, False, True),
    Rule(6, "CAP Election", True, True, True),
    Rule(7, "Cash Sale", False, False, True),
    Rule(8, "Closing Prints", True, True, True),
    Rule(9, "Cross Trade", True, True, True),
    Rule(10, "Derivatively Priced", True, False, True),
    Rule(11, "Distribution", True, True, True),
    Rule(FORM_T, "Form T/Extended Hours", False, False, True),
    Rule(13, "Extended Hours (Sold Out Of Sequence)", False, False, True),
    Rule(14, "Intermarket Sweep", True, True, True),
    Rule(15, "Market Center Official Close", False, False, False),
    Rule(16, "Market Center Official Open", False, False, False),
    Rule(17, "Market Center Opening Trade", True, True, True),
    Rule(18, "Market Center Reopening Trade", True, True, True),
    Rule(19, "Market Center Closing Trade", True, True, True),
    Rule(20, "Next Day", False, False, True),
    Rule(21, "Price Variation Trade", False, False, True),
    Rule(22, "Prior Reference Price", True, False, True),
    Rule(23, "Rule 155 Trade (AMEX)", True, True, True),
    Rule(24, "Rule 127 (NYSE Only)", True, True, True),
    Rule(25, "Opening Prints", True, True, True),
    Rule(27, "Stopped Stock (Regular Trade)", True, True, True),
    Rule(28, "Re-Opening Prints", True, True, True),
    Rule(29, "Seller", False, False, True),
    Rule(30, "Sold Last", True, True, True),
    Rule(31, "Sold Last and Stopped Stock", True, True, True),
    Rule(32, "Sold (Out Of Sequence)", True, False, True),
    Rule(33, "Sold (Out of Sequence) and Stopped Stock", True, False, True),
    Rule(34, "Split Trade", True, True, True),
    # The vendor's table lets 35 set a price; its bars show that it never does.
    Rule(35, "Stock Option", False, False, True),
    Rule(36, "Yellow Flag Regular Trade", True, True, True),
    Rule(37, "Odd Lot Trade", False, False, True),
    Rule(38, "Corrected Consolidated Close", True, True, False),
    Rule(41, "Trade Thru Exempt", True, True, True),
    Rule(52, "Contingent Trade", False, False, True),
    Rule(53, "Qualified Contingent Trade", False, False, True),
    Rule(55, "Opening Reopening Trade Detail", True, True, True),
)

STATUS: frozenset[int] = frozenset({*range(57, 61), *range(62, 72)})
"""Short-sale restriction and financial status: they describe the security, and restrict no update."""

SETS_LAST: frozenset[int] = STATUS | {rule.condition for rule in RULES if rule.last}
SETS_HIGH_LOW: frozenset[int] = STATUS | {rule.condition for rule in RULES if rule.high_low}
NO_VOLUME: frozenset[int] = frozenset(rule.condition for rule in RULES if not rule.volume)


def price_updates(conditions: pl.Expr, regular: pl.Expr) -> pl.Expr:
    """Whether a trade may set the last price, and so an open, a close, a sign or a barrier: Boolean, never null.

    Args:
        conditions: a list of integers; null and empty mean a regular trade.
        regular: Boolean, whether the trade was in regular hours.

    >>> trades = pl.DataFrame({"conditions": [None, [14, 41], [37], [12], [12], [10], [99]],
    ...                        "regular": [True, True, True, True, False, True, True]})
    >>> trades.select(price_updates(pl.col("conditions"), pl.col("regular"))).to_series().to_list()
    [True, True, False, False, True, False, False]
    """
    return _all_in(conditions, SETS_LAST, regular)


def high_low_updates(conditions: pl.Expr, regular: pl.Expr) -> pl.Expr:
    """Whether a trade may set a bar's high or low: Boolean, never null. It may though it may not set the last price.

    >>> trades = pl.DataFrame({"conditions": [[10], [12, 32], [12, 32]], "regular": [True, True, False]})
    >>> trades.select(high_low_updates(pl.col("conditions"), pl.col("regular"))).to_series().to_list()
    [True, False, True]
    """
    return _all_in(conditions, SETS_HIGH_LOW, regular)


def volume_updates(conditions: pl.Expr) -> pl.Expr:
    """Whether a trade counts in volume: Boolean, never null. Official opens and closes repeat an auction and do not.

    >>> trades = pl.DataFrame({"conditions": [None, [37], [15], [8, 16], [99]]})
    >>> trades.select(volume_updates(pl.col("conditions"))).to_series().to_list()
    [True, True, False, False, True]
    """
    return ~_any_in(conditions, NO_VOLUME)


def _all_in(conditions: pl.Expr, allowed: frozenset[int], regular: pl.Expr) -> pl.Expr:
    """All conditions allow it; Form T does outside regular hours, which an unknown ``regular`` is not."""
    with_form_t = conditions.list.agg(pl.element().is_in(sorted(allowed | {FORM_T})).all()).fill_null(True)
    form_t = conditions.list.contains(FORM_T).fill_null(False)
    return with_form_t & ~(form_t & regular.fill_null(True))


def _any_in(conditions: pl.Expr, refused: frozenset[int]) -> pl.Expr:
    return conditions.list.agg(pl.element().is_in(sorted(refused)).any()).fill_null(False)
