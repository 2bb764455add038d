"""Who is listed: the mixture, the lives, and what is known of shares, splits, news and shorts."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.market import FACILITIES
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.source.emulator.synthetic_sample import market

LAST = date(2026, 3, 31)
CAP = 2e9


def by_ticker() -> dict[str, dict[str, object]]:
    """Listings by ticker, the later of a reused one."""
    return {row["ticker"]: row for row in market().listings().iter_rows(named=True)}


def test_the_market_has_every_kind_of_security() -> None:
    kinds = market().listings()["type"].value_counts().to_dict(as_series=False)
    counts = dict(zip(kinds["type"], kinds["count"], strict=True))
    assert (counts["ETF"], counts["WARRANT"], counts["UNIT"], counts["ADRC"], counts[None]) == (4, 2, 1, 1, 1)
    assert set(market().listings()["primary_exchange"]) == {"XNYS", "XNAS", "XASE", "ARCX"}
    assert market().listings()["ticker"].str.head(1).n_unique() >= 13


def test_about_forty_common_stocks_are_small_and_some_giants_are_cheap() -> None:
    prices = market().daily(LAST).select("T", "c").rows()
    stocks = [
        (shares * price, price)
        for ticker, price in prices
        if by_ticker()[ticker]["type"] == "CS"
        for shares in [market().shares(ticker, LAST)]
        if shares
    ]
    small = [price for cap, price in stocks if cap < CAP]
    assert len(small) >= 35
    assert np.mean([0.5 <= price <= 20 for price in small]) >= 0.95
    assert len([price for cap, price in stocks if cap > 5e10 and price < 20]) == 4


def test_a_delisted_ticker_trades_no_more() -> None:
    gone = market().listings().filter(pl.col("delisted").is_not_null(), pl.col("ticker") == "TQZD").row(0, named=True)
    bars = market().daily_of("TQZD", date(2024, 1, 2), LAST)
    assert bars["t"].max() < gone["delisted"]
    assert market().trades("TQZD", gone["delisted"]).is_empty()
    assert market().shares("TQZD", gone["delisted"]) is None


def test_a_rename_keeps_the_security_and_ends_the_old_ticker_as_the_new_one_starts() -> None:
    names = market().listings().filter(pl.col("composite_figi").is_duplicated()).sort("listed")
    old, new = names.rows(named=True)
    assert old["delisted"] == new["listed"]
    assert (old["cik"], old["list_date"]) == (new["cik"], new["list_date"])
    assert market().daily_of(old["ticker"], date(2024, 1, 2), LAST)["t"].max() < new["listed"]
    assert market().daily_of(new["ticker"], date(2024, 1, 2), LAST)["t"].min() == new["listed"]
    assert market().renames().filter(pl.col("composite_figi") == new["composite_figi"])["ticker"].to_list() == [
        old["ticker"],
        new["ticker"],
    ]


def test_a_reused_ticker_is_two_securities_with_a_gap_between() -> None:
    both = market().listings().filter(pl.col("ticker").is_duplicated()).sort("listed").rows(named=True)
    assert len(both) == 2
    assert both[0]["composite_figi"] != both[1]["composite_figi"]
    assert both[0]["cik"] != both[1]["cik"]
    assert both[0]["delisted"] < both[1]["listed"]
    assert market().daily_of(both[0]["ticker"], both[0]["delisted"], both[1]["listed"] - timedelta(days=1)).is_empty()


def test_a_new_listing_starts_within_the_market() -> None:
    listed = market().listings().filter(pl.col("list_date") > date(2024, 1, 2), pl.col("list_date") == pl.col("listed"))
    for ticker, on in listed.select("ticker", "list_date").rows():
        assert market().daily_of(ticker, on - timedelta(days=30), LAST)["t"].min() == on


def test_a_split_moves_raw_prices_and_shares_against_each_other() -> None:
    true = market().splits().unique("execution_date", keep="first", maintain_order=True)
    for ticker, on, split_from, split_to in true.select("ticker", "execution_date", "split_from", "split_to").rows():
        bars = market().daily_of(ticker, on - timedelta(days=7), on)
        factor = split_from / split_to
        assert bars["o"][-1] / bars["c"][-2] / factor == pytest.approx(1, abs=0.45)
        after, before = market().shares(ticker, on), market().shares(ticker, bars["t"][-2])
        assert after is not None
        assert before is not None
        assert after / before * factor == pytest.approx(1, abs=0.35)


def test_some_split_rows_are_duplicated_and_some_contradict() -> None:
    pairs = market().splits().group_by("ticker", "execution_date").agg(pl.len(), pl.col("split_from").n_unique())
    doubled = pairs.filter(pl.col("len") == 2)["split_from"]
    assert set(doubled) == {1, 2}
    assert market().splits()["id"].is_unique().all()


def test_dividends_are_in_order_and_lower_the_open_a_little() -> None:
    rows = market().dividends()
    assert rows.height > 40
    assert (rows["declaration_date"] < rows["ex_dividend_date"]).all()
    assert (rows["ex_dividend_date"] < rows["pay_date"]).all()


def test_a_missing_share_count_is_missing() -> None:
    unknown = [ticker for ticker in market().daily(LAST)["T"] if market().shares(ticker, LAST) is None]
    assert len(unknown) == 1
    assert unknown[0] not in market().float_shares()["ticker"].to_list()


def test_floats_are_below_the_shares() -> None:
    for ticker, free in market().float_shares().select("ticker", "free_float").rows():
        assert 0 < free < (market().shares(ticker, LAST) or 0)


def test_short_interest_is_settled_twice_a_month_and_divides_as_it_says() -> None:
    rows = market().short_interest().filter(pl.col("ticker") == "AGKF", pl.col("settlement_date").dt.year() == 2025)
    assert rows.height == 24
    days = (rows["short_interest"] / rows["avg_daily_volume"]).round(2).clip(1.0)
    assert rows["days_to_cover"].to_list() == pytest.approx(days.to_list(), abs=0.0101)


def test_short_volume_is_part_of_the_session_and_its_ratio_is_a_percentage() -> None:
    rows = market().short_volume(LAST).join(market().daily(LAST), left_on="ticker", right_on="T")
    assert (rows["total_volume"] < rows["v"]).all()
    assert (rows["short_volume"] == rows["exempt_volume"] + rows["non_exempt_volume"]).all()
    assert rows["short_volume_ratio"].is_between(20, 70).all()
    for part, whole in (("", "short_volume"), ("_exempt", "exempt_volume")):
        reported = [pl.col(f"{facility}_short_volume{part}") for facility in FACILITIES]
        assert (rows.select(pl.sum_horizontal(reported)).to_series() == rows[whole]).all()
        assert rows.select(pl.min_horizontal(reported) >= 0).to_series().all()


def test_every_gap_session_has_news_before_its_open() -> None:
    news = market().news()
    assert news["published_utc"].is_sorted()
    assert news["id"].is_unique().all()
    told = {
        (row["tickers"][0], row["published_utc"][:10]): row["published_utc"]
        for row in news.reverse().iter_rows(named=True)
    }
    for session in market().sessions()[100:120]:
        for ticker in market().planted(session).filter(pl.col("detector") == "gap_and_go")["ticker"]:
            published = datetime.fromisoformat(told[(ticker, session.isoformat())])
            assert published.timestamp() * 10**9 < hours(session).open


def test_early_news_has_no_insights() -> None:
    news = market().news()
    assert news.filter(pl.col("published_utc") < "2024-02-28")["insights"].is_null().all()
    assert news.filter(pl.col("published_utc") > "2024-03-02")["insights"].is_not_null().all()


def test_most_small_caps_trade_enough_to_be_members() -> None:
    sessions = market().sessions()[200:220]
    dollars = (
        pl.concat([market().daily(session) for session in sessions])
        .group_by("T")
        .agg((pl.col("v") * pl.col("vw")).mean().alias("usd"))
    )
    stocks = dollars.filter(pl.col("T").is_in([ticker for ticker, row in by_ticker().items() if row["type"] == "CS"]))
    assert stocks.filter(pl.col("usd") >= 100_000).height >= 40


def test_a_span_without_sessions_is_refused() -> None:
    with pytest.raises(ValueError, match="2024-07-06"):
        SyntheticMarket(start=date(2024, 7, 6), end=date(2024, 7, 7))
