"""What a price before a dividend is multiplied with to be net of it and of all that followed: polygon.md §8.4."""

from bisect import bisect_left
from datetime import date

import polars as pl

from smallcaps_assets.source.emulator.directory import Directory


def dividend_factors(directory: Directory, page: pl.DataFrame) -> pl.Series:
    """``historical_adjustment_factor`` of the dividends in ``page`` (``ticker``, ``ex_dividend_date``), 6 decimals.

    The product of 1 − cash / last close before the ex-date (both on today's split basis) over this dividend and the
    ticker's later ones; an announced one counts nothing yet. Null where a close is not known.
    """
    wanted = page["ticker"].unique()
    known = directory.dividends.filter(pl.col("ticker").is_in(wanted.implode())).sort(
        "ex_dividend_date", descending=True
    )
    factors: dict[tuple[str, date], float | None] = {}
    for ticker in wanted.to_list():
        bars = directory.market.daily_of(ticker, directory.sessions[0], directory.today)
        sessions, closes = bars["t"].to_list(), bars["c"].to_list()
        product: float | None = 1.0
        paid = known.filter(pl.col("ticker") == ticker).select("ex_dividend_date", "cash_amount")
        for on, cash in paid.iter_rows():
            if on <= directory.today and product is not None:
                place = bisect_left(sessions, on) - 1
                product = (
                    product * _kept(directory, ticker, on, cash, sessions[place], closes[place]) if place >= 0 else None
                )
            factors[ticker, on] = None if product is None else round(product, 6)
    found = [factors[where] for where in page.select("ticker", "ex_dividend_date").iter_rows()]
    return pl.Series("historical_adjustment_factor", found, dtype=pl.Float64)


def _kept(directory: Directory, ticker: str, on: date, cash: float, before: date, close: float) -> float:
    """The part of the close that is left when the cash is paid out."""
    return 1 - cash * directory.factor(ticker, on) / (close * directory.factor(ticker, before))
