"""What is said to be planted is there: gaps, hours, halts. That detectors see it: `test_recall.py`."""

from datetime import date
from functools import cache

import polars as pl

from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets_tests.source.emulator.synthetic_sample import market

SESSIONS = slice(100, 200)


@cache
def planted() -> pl.DataFrame:
    """All planted events of the looked-at sessions."""
    sessions = market().sessions()[SESSIONS]
    return pl.concat([market().planted(session).with_columns(session=pl.lit(session)) for session in sessions])


def test_sessions_have_a_handful_of_planted_tickers() -> None:
    counts = planted().group_by("session").agg(pl.col("ticker").n_unique())["ticker"]
    assert 3 <= counts.mean() <= 8  # type: ignore[operator]


def test_planted_events_lie_in_pre_market_regular_and_post_market_hours() -> None:
    segments = set()
    for row in planted().iter_rows(named=True):
        day_hours = hours(row["session"])
        start = row["first"] * 1_000_000
        segments.add("PM" if start < day_hours.open else "RTH" if start < day_hours.close else "AH")
    assert segments == {"PM", "RTH", "AH"}


def test_gap_sessions_gap_at_least_a_tenth_at_nine_twenty_nine() -> None:
    gaps = planted().filter(pl.col("detector") == "gap_and_go").to_dicts()
    for row in gaps:
        ticker, session = row["ticker"], row["session"]
        before = market().daily_of(ticker, market().sessions()[0], session)["c"][-2]
        (factor, *_) = [*_split(ticker, session), 1.0]
        minutes = market().minutes(ticker, session).filter(pl.col("t") < hours(session).open // 10**6)
        assert minutes["c"][-1] / (before * factor) >= 1.10


def _split(ticker: str, session: date) -> list[float]:
    rows = market().splits().filter(pl.col("ticker") == ticker, pl.col("execution_date") == session)
    return (rows["split_from"] / rows["split_to"]).to_list()


def test_patterned_sessions_trade_at_least_six_hundred_thousand_dollars() -> None:
    for row in planted().iter_rows(named=True):
        bar = market().daily(row["session"]).row(by_predicate=pl.col("T") == row["ticker"], named=True)
        assert bar["v"] * bar["vw"] >= 600_000


def test_nothing_trades_in_a_halt_and_it_reopens_with_a_reopening_print() -> None:
    found = 0
    for session in market().sessions()[SESSIONS][:40]:
        for halt in market().halts(session).iter_rows(named=True):
            found += 1
            trades = market().trades(halt["ticker"], session)
            sip = pl.col("sip_timestamp")
            assert trades.filter(sip > halt["halted_at"], sip < halt["resumed_at"]).is_empty()
            first = trades.filter(sip >= halt["resumed_at"]).row(0, named=True)
            assert first["sip_timestamp"] == halt["resumed_at"]
            assert first["conditions"] in ([28], [18])
            length = (halt["resumed_at"] - halt["halted_at"]) / 10**9
            assert 300 <= length <= 330 if halt["reason_code"] == "LUDP" else 1_800 <= length <= 3_600
    assert found >= 10
