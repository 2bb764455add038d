"""The short-sale restriction of SEC Rule 201 (Reg SHO). Source: `spec/market_rules.md` 2.4.

A sale in regular hours 10 % or more below the previous close sets it off, for the rest of that day and the whole next
trading day, pre-market and after-market included; it may be set off again on the next day, which extends it. The rule
speaks of the listing market's close and of the last consolidated sale; we have the vendor's close and its prices of
eligible trades, which may miss or add a sale that touches the threshold by a fraction of a cent.
"""

from datetime import date

import polars as pl

SINCE = date(2011, 2, 28)  # before, no sale restricts anything
FALL = 0.10
ROUNDING = 1e-9  # relative: a sale at 90 % sharp counts, whatever a split factor left of the close


def sets_off(price: pl.Expr, previous_close: pl.Expr) -> pl.Expr:
    """Whether a sale at the price, in regular hours, sets the restriction off; null where one of both is unknown.

    >>> sales = pl.DataFrame({"sale": [9.0, 9.01, None], "close": [10.0, 10.0, 10.0]})
    >>> sales.select(sets_off(pl.col("sale"), pl.col("close"))).to_series().to_list()
    [True, False, None]
    """
    return price <= previous_close * (1 - FALL) * (1 + ROUNDING)


def carried_over(low: pl.Expr, previous_close: pl.Expr, traded: pl.Expr) -> pl.Expr:
    """Whether the day before restricts the day: from its low, the close before it, and whether it traded at all.

    A day without a trade sets nothing off; one whose low or previous close is not known tells nothing: null.

    >>> days = pl.DataFrame({"low": [9.0, None, None], "close": [10.0, 10.0, 10.0], "traded": [True, False, True]})
    >>> days.select(carried_over(pl.col("low"), pl.col("close"), pl.col("traded"))).to_series().to_list()
    [True, False, None]
    """
    return pl.when(~traded).then(pl.lit(False)).otherwise(sets_off(low, previous_close))


def in_force(carried: pl.Expr, set_off: pl.Expr) -> pl.Expr:
    """Whether short sales are restricted: carried over, or set off today. Unknown only where neither says yes.

    >>> rows = pl.DataFrame({"carried": [None, None, False], "today": [True, False, False]})
    >>> rows.select(in_force(pl.col("carried"), pl.col("today"))).to_series().to_list()
    [True, None, False]
    """
    return carried | set_off
