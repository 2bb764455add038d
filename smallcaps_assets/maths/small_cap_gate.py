"""The small-cap gate: each rule that a ticker can fail, in the order in which a reason is given."""

import polars as pl


def failing(
    *,
    min_price: float,
    max_price: float,
    max_market_cap: float,
    unknown_cap_is_member: bool,
    max_float: float,
    kinds: list[str],
    unknown_kind_is_member: bool,
    exchanges: list[str],
    unknown_exchange_is_member: bool,
    min_dollar_volume: float,
    unknown_history_is_member: bool,
) -> dict[str, pl.Expr]:
    """By rule, in order, whether a row fails it. A comparison with null fails nothing: unknown has its own rule.

    Rows: ``active``, ``close_raw`` and ``price`` (USD), ``kind``, ``market_cap`` (USD), ``float_shares``,
    ``primary_exchange`` (MIC), ``mean_dollar_volume_20`` (USD). Prices and dollar volume are bounded inclusively, cap
    and float exclusively.
    """
    cap, kind, exchange = pl.col("market_cap"), pl.col("kind"), pl.col("primary_exchange")
    rules = {
        "not in the reference": pl.col("active").is_null(),
        "not listed": ~pl.col("active"),
        "no bar before": pl.col("close_raw").is_null() & (not unknown_history_is_member),
        "price": ~pl.col("price").is_between(min_price, max_price),
        "kind": ~kind.is_in(kinds),
        "market cap unknown": cap.is_null() & (not unknown_cap_is_member),
        "market cap": cap >= max_market_cap,
        "float": pl.col("float_shares") >= max_float,
        "kind unknown": kind.is_null() & (not unknown_kind_is_member),
        "exchange unknown": exchange.is_null() & (not unknown_exchange_is_member),
        "exchange": ~exchange.is_in(exchanges),
        "dollar volume unknown": pl.col("mean_dollar_volume_20").is_null() & (not unknown_history_is_member),
        "dollar volume": pl.col("mean_dollar_volume_20") < min_dollar_volume,
    }
    return {rule: fails.fill_null(False) for rule, fails in rules.items()}


def all_failed(rules: dict[str, pl.Expr]) -> pl.Expr:
    """``failed``: the names of the rules that a row fails, in order; empty for a member."""
    return pl.concat_list(pl.when(fails).then(pl.lit(rule)) for rule, fails in rules.items()).list.drop_nulls()
