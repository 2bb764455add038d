"""Bands of recorded sessions: volatility pauses begin at one; minutes give nearly the reference of the trades."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from smallcaps_assets import sessions
from smallcaps_assets.datasets.carried_over import carried_over
from smallcaps_assets.datasets.market_states import states
from smallcaps_assets.maths.luld_bands import MINUTE, reference_prices
from smallcaps_assets.source.emulator.luld import _references as by_trades
from smallcaps_assets.source.emulator.recorded import RecordedMarket
from smallcaps_assets_tests.real_minutes import INSTANT, LONG_NAMES, halts_of
from smallcaps_assets_tests.shared import SHARED, needs_shared

RECORDED = SHARED / "realdata" / "recorded"
REACHED = 0.005  # of the band: what the approximate reference may leave
WITHIN = 0.01
PAUSED = [("GWAV", "2024-06-03"), ("NXU", "2023-12-27"), ("SINT", "2024-05-28"), ("XTIA", "2024-03-13")]


@pytest.fixture(scope="module")
def market() -> RecordedMarket:
    return RecordedMarket(RECORDED)


def minutes(market: RecordedMarket, ticker: str, day: date) -> pl.DataFrame:
    """Rows of `minute_bars`, as far as states read them."""
    bars = market.minutes(ticker, day).rename(LONG_NAMES)
    at = (pl.col("t") * 1_000_000).cast(INSTANT)
    hours = sessions.with_hours(bars.lazy().with_columns(session=pl.lit(day), ticker=pl.lit(ticker), started_at=at))
    return hours.with_columns(segment=sessions.segment(pl.col("started_at"))).collect()


@needs_shared
def test_recorded_volatility_pauses_begin_where_a_price_has_reached_a_band(market: RecordedMarket) -> None:
    reached, unknown = [], 0
    for ticker, day in ((ticker, date.fromisoformat(text)) for ticker, text in PAUSED):
        bars = minutes(market, ticker, day)
        pauses = halts_of(market, [day]).filter(pl.col("ticker") == ticker, pl.col("reason_code") == "LUDP")
        # of three of them the reverse split of the day was not recorded: the first price tells the class of the stock
        close = bars.filter(pl.col("segment") == "RTH")["open"][0]
        known = pl.DataFrame({"session": [day], "ticker": [ticker], "prior_close": [close], "luld_tier": [2]})
        rows = states(known.cast({"luld_tier": pl.Int8}), bars, pauses, carried_over.empty())
        for pause in pauses["halted_at"]:
            last = bars.filter(pl.col("started_at") <= pause).tail(1)
            then = rows.filter(pl.col("known_at") <= last["started_at"][0]).tail(1)
            if (upper := then["luld_upper"][0]) is None:
                unknown += 1
                continue
            up, down = last["high"][0] / upper - 1, 1 - last["low"][0] / then["luld_lower"][0]
            reached.append(max(up, down) >= -REACHED)
            paused = rows.filter(pl.col("known_at") == pause)
            assert paused["halted"].to_list() == [True]
            resumed = rows.filter(pl.col("known_at") > pause, ~pl.col("halted").fill_null(False))["known_at"][0]
            assert resumed - pause >= timedelta(minutes=5)
    assert (reached, unknown) == ([True] * 7, 2)  # two began before a minute had ended after the resumption before


@needs_shared
@pytest.mark.parametrize(("ticker", "day"), [("VXRT", date(2020, 3, 17)), ("BCRX", date(2020, 4, 15))])
def test_the_reference_of_minutes_is_within_a_hundredth_of_that_of_trades(
    market: RecordedMarket, ticker: str, day: date
) -> None:
    hours = sessions.hours(day)
    count = (hours.closes_at - hours.opens_at) // MINUTE
    bars = minutes(market, ticker, day).filter(pl.col("segment") == "RTH")
    place = ((bars["started_at"].cast(pl.Int64) - hours.opens_at) // MINUTE).to_numpy()
    known = {name: np.full(count, np.nan) for name in ("open", "vwap", "trades")}
    for name, values in known.items():
        values[place] = bars[name].to_numpy()
    none = np.full(count, np.nan)
    trades = np.nan_to_num(known["trades"])
    of_minutes = reference_prices([0] * count, known["open"], known["vwap"], trades, [False] * count, none)
    recorded = pl.scan_parquet(RECORDED / "trades.parquet").filter(
        pl.col("ticker") == ticker, pl.col("sip_timestamp").is_between(hours.opens_at, hours.closes_at - 1)
    )
    tape = recorded.select("sip_timestamp", "price").sort("sip_timestamp", maintain_order=True).collect()
    changes = by_trades(tape["sip_timestamp"].to_numpy(), tape["price"].to_numpy(), hours.closes_at, hours.closes_at)
    at, price = (np.array(column) for column in zip(*changes, strict=True))
    ends = hours.opens_at + MINUTE * np.arange(1, count + 1)
    off = np.abs(of_minutes / price[np.searchsorted(at, ends, side="right") - 1] - 1)
    assert len(changes) > 20
    assert np.mean(off <= WITHIN) >= 0.97
    assert np.max(off) <= 0.03
