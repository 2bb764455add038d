"""The synthetic market agrees with itself: trades make the minutes and the day, to the share and the tick."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from smallcaps_assets.source.emulator.aggregate import daily_bar, minute_bars, second_bars
from smallcaps_assets.source.emulator.calendar import SECOND, hours
from smallcaps_assets.source.emulator.market import BAR
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.source.emulator.synthetic_sample import EARLY_CLOSES, market, patterned, sample


def with_condition(trades: pl.DataFrame, *conditions: int) -> pl.DataFrame:
    """Trades that carry any of the conditions."""
    carried = pl.col("conditions").list.set_intersection(list(conditions)).list.len() > 0
    return trades.filter(carried.fill_null(value=False))


def test_every_pattern_is_in_the_sample() -> None:
    assert len({pattern for pattern, _ in patterned()}) == 14


def test_trades_add_up_to_the_daily_bar_exactly() -> None:
    for ticker, session in sample():
        made = daily_bar(market().trades(ticker, session), hours(session))
        row = market().daily(session).filter(pl.col("T") == ticker).select(*BAR)
        assert_frame_equal(made, row, check_exact=True)


def test_trades_add_up_to_the_minute_bars_exactly() -> None:
    for ticker, session in sample():
        made = minute_bars(market().trades(ticker, session), hours(session))
        assert_frame_equal(made, market().minutes(ticker, session), check_exact=True)


def test_seconds_make_the_prices_of_the_minute_bars_and_no_more_than_their_volume() -> None:
    for ticker, session in sample()[:40]:
        seconds = second_bars(market().trades(ticker, session), hours(session))
        made = seconds.group_by(pl.col("t") // 60_000 * 60_000, maintain_order=True).agg(
            pl.col("o").first(), pl.col("c").last(), pl.col("h").max(), pl.col("l").min(), pl.col("v").sum()
        )
        minutes = market().minutes(ticker, session)
        # A minute may hold more: prints that set a high or low in a second that nothing opened.
        assert_frame_equal(made.select("t", "o", "c"), minutes.select("t", "o", "c"), check_exact=True)
        assert ((made["h"] <= minutes["h"]) & (made["l"] >= minutes["l"]) & (made["v"] <= minutes["v"])).all()


def test_regular_minutes_and_auctions_hold_the_daily_high_and_low() -> None:
    for ticker, session in sample():
        day = hours(session)
        minutes = market().minutes(ticker, session)
        regular = minutes.filter(pl.col("t").is_between(day.open // 10**6, day.close // 10**6, closed="left"))
        row = market().daily(session).row(by_predicate=pl.col("T") == ticker, named=True)
        assert (regular["h"].max(), regular["l"].min()) == (row["h"], row["l"])
        assert minutes["v"].sum() <= row["v"]


def test_the_trades_of_a_session_lie_in_it_in_order_on_the_microsecond() -> None:
    for ticker, session in sample():
        trades = market().trades(ticker, session)
        day = hours(session)
        assert trades["sip_timestamp"].is_between(day.pre_open, day.post_close, closed="left").all()
        assert trades.select("sip_timestamp", "sequence_number").equals(
            trades.select("sip_timestamp", "sequence_number").sort("sip_timestamp", "sequence_number")
        )
        assert (trades["sip_timestamp"] % 1_000 == 0).all()
        assert (trades["sequence_number"].diff().drop_nulls() > 0).all()
        assert (trades["participant_timestamp"] < trades["sip_timestamp"]).all()


@pytest.mark.parametrize("session", EARLY_CLOSES)
def test_early_closes_have_their_closing_print_after_one_and_nothing_after_five(session: date) -> None:
    day = hours(session)
    for ticker in ("AGKF", "RTNZ"):
        trades = market().trades(ticker, session)
        (closed,) = with_condition(trades, 8, 19)["sip_timestamp"]
        assert day.close < closed < day.close + SECOND
        assert trades.filter(pl.col("sip_timestamp") >= day.post_close).is_empty()


def test_off_exchange_prints_and_only_those_have_a_trf() -> None:
    trades = pl.concat([market().trades(*place) for place in sample()[:20]])
    dark = trades.filter(pl.col("exchange") == 4)
    assert dark.select(pl.col("trf_id", "trf_timestamp").is_not_null().all()).row(0) == (True, True)
    assert set(dark["trf_id"]) == {201, 202, 203}
    assert trades.filter(pl.col("exchange") != 4).select(pl.col("trf_id", "trf_timestamp").is_null().all()).row(0) == (
        True,
        True,
    )
    minutes_late = dark.filter(pl.col("sip_timestamp") - pl.col("trf_timestamp") > 60 * SECOND)
    assert 0 < minutes_late.height < dark.height / 20


def test_odd_lots_and_only_those_are_below_a_hundred_shares() -> None:
    trades = pl.concat([market().trades(*place) for place in sample()[:20]])
    odd = with_condition(trades, 37)
    assert odd["size"].max() < 100  # type: ignore[operator]
    assert 0.2 < odd.height / trades.height < 0.8
    assert trades.filter(pl.col("size") < 100).height == odd.height


def test_official_prices_repeat_the_auctions() -> None:
    trades = market().trades("AGKF", date(2024, 5, 1))
    opening, official_open = with_condition(trades, 17, 25), with_condition(trades, 16)
    closing, official_close = with_condition(trades, 8, 19), with_condition(trades, 15)
    assert opening.select("price", "size").equals(official_open.select("price", "size"))
    assert closing.select("price", "size").equals(official_close.select("price", "size"))


def test_corrections_follow_their_originals_minutes_later_under_the_same_id() -> None:
    places = [(ticker, session) for session in market().sessions()[200:212] for ticker in market().daily(session)["T"]]
    trades = pl.concat([market().trades(*place).with_columns(place=pl.lit(str(place))) for place in places[::4]])
    records = trades.filter(pl.col("correction") >= 10)
    pairs = records.join(trades.filter(pl.col("correction") < 10), on=["place", "id"], how="left", suffix="_original")
    assert pairs.height == records.height > 5
    assert set(pairs.select(pl.col("correction_original") * 100 + pl.col("correction")).to_series()) <= {112, 711, 810}
    delay = (pairs["sip_timestamp"] - pairs["sip_timestamp_original"]) / (60 * SECOND)
    assert delay.is_between(6, 33).all()
    assert (pairs["exchange"] == pairs["exchange_original"]).all()


def test_thin_names_have_minutes_without_bars() -> None:
    minutes = market().minutes("NWCV", date(2024, 5, 1))
    assert 8 <= minutes.height <= 60


def test_prices_lie_on_the_tick_unless_improved_off_exchange_or_averaged() -> None:
    for ticker, session in sample()[:20]:
        lit = market().trades(ticker, session).filter(pl.col("exchange") != 4, pl.col("correction").is_null())
        tick = pl.when(pl.col("price") >= 1).then(100).otherwise(1)
        units = (pl.col("price") * 10_000).round().cast(pl.Int64)
        assert lit.filter(units % tick != 0).height <= lit.height / 100


def test_unknown_tickers_and_days_give_typed_empty_frames() -> None:
    session, holiday = date(2024, 5, 1), date(2024, 7, 4)
    for ticker, on in (("NOSUCH", session), ("AGKF", holiday)):
        assert market().minutes(ticker, on).is_empty()
        assert market().trades(ticker, on).is_empty()
        assert market().quotes(ticker, on).is_empty()
    assert market().daily(holiday).is_empty()
    assert market().daily_of("NOSUCH", session, session).is_empty()
    assert market().halts(holiday).is_empty()
    assert market().short_volume(holiday).is_empty()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), index=st.integers(0, 59), at=st.integers(0, 40))
def test_any_seed_ticker_and_session_add_up(seed: int, index: int, at: int) -> None:
    other = SyntheticMarket(seed, 60, date(2024, 6, 3), date(2024, 7, 31))
    session = other.sessions()[at]
    daily = other.daily(session)
    row = daily[index % daily.height]
    trades = other.trades(row["T"][0], session)
    assert_frame_equal(daily_bar(trades, hours(session)), row.select(*BAR), check_exact=True)
    assert_frame_equal(minute_bars(trades, hours(session)), other.minutes(row["T"][0], session), check_exact=True)
