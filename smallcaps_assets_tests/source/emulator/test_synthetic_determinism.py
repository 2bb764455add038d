"""The same market in every process, in any order, and at any end."""

import subprocess
import sys
from datetime import date
from hashlib import sha256

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from smallcaps_assets.source.emulator.draws import Purpose, generator
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket

START, SHORT, LONG = date(2024, 1, 2), date(2024, 6, 28), date(2024, 12, 31)
SESSION = date(2024, 6, 20)


def fingerprint(market: SyntheticMarket) -> str:
    """A hash over what the market says about one session."""
    frames = [
        market.daily(SESSION),
        market.short_volume(SESSION),
        market.news(),
        market.short_interest(),
        market.listings(),
    ]
    for ticker in market.daily(SESSION)["T"].to_list()[:6]:
        frames += [market.trades(ticker, SESSION), market.quotes(ticker, SESSION), market.minutes(ticker, SESSION)]
    return sha256("".join(frame.write_json() for frame in frames).encode()).hexdigest()


def test_another_process_makes_the_same_market() -> None:
    code = (
        "from smallcaps_assets_tests.source.emulator.test_synthetic_determinism import *\n"
        "import sys; sys.stdout.write(fingerprint(SyntheticMarket(7, 60, START, SHORT)))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert other.stdout == fingerprint(SyntheticMarket(7, 60, START, SHORT))


def test_another_seed_makes_another_market() -> None:
    assert (
        not SyntheticMarket(8, 60, START, SHORT)
        .daily(SESSION)
        .equals(SyntheticMarket(7, 60, START, SHORT).daily(SESSION))
    )


def test_the_order_of_questions_does_not_matter() -> None:
    one, two = SyntheticMarket(7, 60, START, SHORT), SyntheticMarket(7, 60, START, SHORT)
    tickers = one.daily(SESSION)["T"].to_list()[:8]
    forward = [one.trades(ticker, SESSION) for ticker in tickers]
    two.news()
    backward = [two.trades(ticker, SESSION) for ticker in reversed(tickers)]
    for here, there in zip(forward, reversed(backward), strict=True):
        assert_frame_equal(here, there)


def test_a_later_end_changes_no_row_of_the_past() -> None:
    short, long = SyntheticMarket(7, 60, START, SHORT), SyntheticMarket(7, 60, START, LONG)
    for session in short.sessions():
        assert_frame_equal(short.daily(session), long.daily(session))
        assert_frame_equal(short.planted(session), long.planted(session))
        assert_frame_equal(short.halts(session), long.halts(session))
    for ticker in short.daily(SESSION)["T"].to_list()[:10]:
        assert_frame_equal(short.trades(ticker, SESSION), long.trades(ticker, SESSION))
        assert_frame_equal(short.quotes(ticker, SESSION), long.quotes(ticker, SESSION))
        assert short.shares(ticker, SESSION) == long.shares(ticker, SESSION)
    known = short.news()
    assert_frame_equal(known, long.news().head(known.height))
    settled = short.short_interest()
    assert_frame_equal(settled, long.short_interest().head(settled.height))
    splits = short.splits()
    assert_frame_equal(splits, long.splits().head(splits.height))


def test_more_tickers_leave_the_first_ones_as_they_were() -> None:
    few, many = SyntheticMarket(7, 20, START, SHORT), SyntheticMarket(7, 80, START, SHORT)
    daily = few.daily(SESSION)
    assert_frame_equal(daily, many.daily(SESSION).filter(pl.col("T").is_in(daily["T"].to_list())))
    ticker = daily["T"][3]
    assert_frame_equal(few.trades(ticker, SESSION), many.trades(ticker, SESSION))


def test_streams_of_different_keys_differ() -> None:
    keys = [
        (7, Purpose.TAPE, 0, 1),
        (7, Purpose.TAPE, 1, 1),
        (7, Purpose.TAPE, 0, 2),
        (7, Purpose.PATH, 0, 1),
        (8, Purpose.TAPE, 0, 1),
    ]
    firsts = {float(generator(*key).random()) for key in keys}
    assert len(firsts) == len(keys)
    assert np.array_equal(generator(*keys[0]).random(3), generator(*keys[0]).random(3))
