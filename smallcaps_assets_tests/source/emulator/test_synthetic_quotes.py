"""Quotes bracket the trades, with the oddities of a real feed around them."""

from datetime import date

import polars as pl

from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets_tests.source.emulator.synthetic_sample import market, sample

SIZES = ("bid_size", "ask_size")


def two_sided() -> pl.Expr:
    """Quotes with a bid and an ask."""
    return (pl.col("bid_price") > 0) & (pl.col("ask_price") > 0)


def test_every_price_setting_trade_on_an_exchange_lies_inside_the_standing_quote() -> None:
    for ticker, session in sample()[:60]:
        ignored = pl.col("conditions").list.set_intersection([10, 15, 16, 37]).list.len().fill_null(0) > 0
        setting = (
            market().trades(ticker, session).filter(pl.col("exchange") != 4, pl.col("correction").is_null(), ~ignored)
        )
        quotes = market().quotes(ticker, session).select("sip_timestamp", "bid_price", "ask_price")
        seen = setting.join_asof(quotes, on="sip_timestamp")
        inside = (pl.col("bid_price") <= pl.col("price")) & (pl.col("price") <= pl.col("ask_price"))
        assert seen.filter(inside.fill_null(value=False)).height == setting.height, (ticker, session)


def test_the_first_quote_is_one_sided_and_the_last_is_empty() -> None:
    for ticker, session in sample()[:10]:
        quotes = market().quotes(ticker, session)
        assert quotes["sip_timestamp"].is_sorted()
        first, last = quotes.row(0, named=True), quotes.row(-1, named=True)
        assert (first["bid_price"] > 0, first["ask_price"], first["ask_size"]) == (True, 0.0, 0.0)
        assert (last["bid_price"], last["ask_price"], last["bid_size"]) == (0.0, 0.0, 0.0)
        assert hours(session).pre_open <= first["sip_timestamp"] <= last["sip_timestamp"] < hours(session).post_close


def test_some_quotes_are_locked_crossed_or_one_sided() -> None:
    quotes = pl.concat([market().quotes(*place) for place in sample()[:20]])
    both = quotes.filter(two_sided())
    for odd in (
        both.filter(pl.col("bid_price") == pl.col("ask_price")).height,
        both.filter(pl.col("bid_price") > pl.col("ask_price")).height,
        quotes.height - both.height,
    ):
        assert 0 < odd < quotes.height / 50


def test_sizes_turn_from_round_lots_into_shares_on_the_third_of_november_2025() -> None:
    before = market().quotes("AGKF", date(2025, 10, 31)).filter(two_sided())
    after = market().quotes("AGKF", date(2025, 11, 3)).filter(two_sided())
    for size in SIZES:
        assert before[size].median() < 30  # type: ignore[operator]
        assert (after[size] % 100 == 0).all()
        assert after[size].min() >= 100  # type: ignore[operator]


def test_spreads_are_wider_where_trading_is_thin() -> None:
    session = date(2024, 5, 1)
    spread = {
        ticker: market()
        .quotes(ticker, session)
        .filter(two_sided())
        .select((pl.col("ask_price") / pl.col("bid_price") - 1).median())
        .item()
        for ticker in ("AGKF", "RTNZ")
    }
    assert spread["RTNZ"] < spread["AGKF"] < 0.03


def test_every_halt_is_quoted_as_one() -> None:
    halts = [
        (session, halt)
        for session in market().sessions()[60:100]
        for halt in market().halts(session).iter_rows(named=True)
    ]
    assert len(halts) > 5
    for session, halt in halts:
        during = pl.col("sip_timestamp").is_between(halt["halted_at"], halt["resumed_at"])
        quotes = market().quotes(halt["ticker"], session).filter(during)
        assert quotes.filter(pl.col("conditions").list.contains(43)).height == 1
