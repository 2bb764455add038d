"""Daily bars that were not recorded, from recorded minutes or trades."""

from datetime import date

import polars as pl

from smallcaps_assets.source.emulator.aggregate import daily_bar
from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.conditions import FORM_T
from smallcaps_assets.source.emulator.market import BAR

MILLISECOND = 1_000_000


def daily_from_minutes(ticker: str, session: date, minutes: pl.DataFrame) -> pl.DataFrame:
    """One row [ticker, date, BAR], or none without a regular minute.

    Open, high, low and close are those of the regular minutes, so that a closing auction printed after 16:00:00 is
    missing from them; volume and count are the sums from 04:00 to 20:00, vw the volume-weighted mean of the minutes'.
    """
    regular = hours(session)
    inside = pl.col("t").is_between(regular.open // MILLISECOND, regular.close // MILLISECOND, closed="left")
    traded = minutes.filter(inside)
    volume = float(minutes["v"].sum())
    weighed = None if minutes["vw"].null_count() else float((minutes["vw"] * minutes["v"]).sum()) / volume
    bar = {
        "v": volume,
        "vw": None if weighed is None else round(weighed, 4),
        "o": traded["o"].first(),
        "c": traded["c"].last(),
        "h": traded["h"].max(),
        "l": traded["l"].min(),
        "n": None if minutes["n"].null_count() else minutes["n"].sum(),
    }
    return _named(ticker, session, pl.DataFrame([bar], schema=BAR).filter(traded.height > 0))


def daily_from_trades(ticker: str, session: date, trades: pl.DataFrame) -> pl.DataFrame:
    """One row [ticker, date, BAR], or none when no trade set an open.

    Trades recorded without conditions are taken for Form T outside regular hours, by the clock: they count as volume.
    """
    regular = hours(session)
    outside = ~pl.col("sip_timestamp").is_between(regular.open, regular.close, closed="left")
    form_t = pl.when(outside & pl.col("conditions").is_null()).then(pl.lit([FORM_T])).otherwise(pl.col("conditions"))
    return _named(ticker, session, daily_bar(trades.with_columns(form_t.alias("conditions")), regular))


def _named(ticker: str, session: date, bar: pl.DataFrame) -> pl.DataFrame:
    return bar.select(pl.lit(ticker).alias("ticker"), pl.lit(session).alias("date"), *BAR)
