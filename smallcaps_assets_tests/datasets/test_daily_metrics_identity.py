"""Daily metrics follow the security: through renames, not to the next holder of a ticker, and not twice."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets.datasets.daily_metrics import no_two_tickers_have_the_same_bars
from smallcaps_assets_tests.datasets.test_daily_metrics import ALL, SESSION, Bar, bars, before, computed, lists, splits


def held(ticker: str, security: str, first: int, last: int = 300) -> list[tuple[date, str, str, list[str], bool]]:
    """The ticker is this security's from one ordinal of a session to another, both included."""
    return [(session, ticker, security, [], True) for session in ALL[first : last + 1]]


def under(ticker: str, history: list[Bar]) -> list[Bar]:
    """The same bars under another ticker."""
    return [(bar[0], ticker, *bar[2:]) for bar in history]


def test_a_renamed_ticker_has_the_row_that_it_would_have_without_the_rename() -> None:
    history = [(s, t, o + i / 10, h + i / 10, lo + i / 10, c + i / 10, v) for i, (s, t, o, h, lo, c, v) in
               enumerate(before(80))]  # fmt: skip
    plain = computed(bars(*history), listed=lists(*held("GEVO", "BBG1", 220)))
    renamed = [*under("OLD", history[:70]), *history[70:]]
    known = lists(*held("OLD", "BBG1", 220, 289), *held("GEVO", "BBG1", 290))
    assert plain["sessions_before"].to_list() == [80]
    assert computed(bars(*renamed), listed=known).equals(plain)


def test_a_ticker_renamed_this_very_morning_has_its_history_and_the_old_name_no_row() -> None:
    known = lists(*held("OLD", "BBG1", 270, 299), *held("NEW", "BBG1", 300))
    found = computed(bars(*under("OLD", before(30))), listed=known)
    assert found.select("ticker", "sessions_before").rows() == [("NEW", 30)]


def test_a_reused_ticker_begins_anew_from_its_first_bar() -> None:
    history = [*before(30, close=500.0)[:20], *before(10)]
    known = lists(*held("GEVO", "BBG1", 270, 289), *held("GEVO", "BBG2", 290))
    found = computed(bars(*history), listed=known).row(0, named=True)
    assert (found["sessions_before"], found["high_252"], found["prior_close"]) == (10, 10.5, 10.0)
    gone = lists(*held("GEVO", "BBG1", 270, 299), *held("GEVO", "BBG2", 300))
    assert computed(bars(*before(30)), listed=gone).height == 0


def test_a_split_under_the_old_name_is_applied_to_the_bars_before_it() -> None:
    old = under("OLD", [bar for bar in before(30, 0.6, 1_000.0) if bar[0] < ALL[285]])
    history = [*old, *under("OLD", before(15, 6.0)[:5]), *before(10, 6.0)]
    known = lists(*held("OLD", "BBG1", 270, 289), *held("NEW", "BBG1", 290))
    found = computed(bars(*[(b[0], b[1].replace("GEVO", "NEW"), *b[2:]) for b in history]),
                     splits((ALL[285], "OLD", 10.0, 1.0, True)), listed=known).row(0, named=True)  # fmt: skip
    assert found["ticker"] == "NEW"
    assert (found["sessions_before"], found["sessions_since_reverse_split"]) == (30, 15)
    assert found["mean_volume_20"] == pytest.approx(100.0)


def test_history_of_the_list_that_begins_late_or_has_a_gap_is_filled_from_the_nearest_list() -> None:
    whole = computed(bars(*before(30)), listed=lists(*held("GEVO", "BBG1", 270)))
    late = lists(*held("GEVO", "BBG1", 298))
    gap = lists(*held("GEVO", "BBG1", 270, 280), *held("GEVO", "BBG1", 290))
    assert computed(bars(*before(30)), listed=late).equals(whole)
    assert computed(bars(*before(30)), listed=gap).equals(whole)
    assert computed(bars(*before(30)), listed=lists()).equals(whole)


def test_the_same_bars_under_two_names_are_found_on_five_sessions_and_not_on_four() -> None:
    history = before(30)
    both = bars(*history, *under("TWIN", history[-5:]), *under("NEAR", history[-4:]))
    listed = lists(*held("GEVO", "BBG1", 270), *held("TWIN", "BBG2", 270), *held("NEAR", "BBG3", 270))
    rows = computed(both, listed=listed)
    assert dict(rows.select("ticker", "duplicate_of").iter_rows()) == {"GEVO": None, "NEAR": None, "TWIN": "GEVO"}
    verdict = no_two_tickers_have_the_same_bars(rows, {"tickers": listed})
    assert not verdict.passed
    assert verdict.metadata["pairs"] == 1
    assert verdict.metadata["same_bars"].value.splitlines()[2:] == ["| GEVO | BBG1 | TWIN | BBG2 |"]


def test_one_bar_that_differs_or_a_session_without_volume_makes_no_duplicate() -> None:
    history = before(5)
    other = [*under("TWIN", history[:4]), (*under("TWIN", history[4:])[0][:6], 101.0)]
    still = [(*bar[:6], 0.0) for bar in history]
    for pair in (bars(*history, *other), bars(*still, *under("TWIN", still))):
        rows = computed(pair)
        assert rows["duplicate_of"].null_count() == 2
        assert no_two_tickers_have_the_same_bars(rows, {"tickers": lists()}).passed


def test_of_the_same_bars_the_listed_name_stands_for_the_one_that_is_not() -> None:
    history = before(30)
    rows = computed(bars(*history, *under("AAA", history)), listed=lists(*held("GEVO", "BBG1", 270)))
    assert dict(rows.select("ticker", "duplicate_of").iter_rows()) == {"AAA": "GEVO", "GEVO": None}


@pytest.mark.parametrize(("column", "times"), [("high", 3.0), ("low", 0.5), ("close", 1.04), ("volume", 3.0)])
def test_changing_the_sessions_own_bar_changes_no_metric_until_the_next_session(column: str, times: float) -> None:
    own = bars((SESSION, "GEVO", 10.0, 10.5, 9.5, 10.0, 100.0))
    plain = pl.concat([bars(*before(70)), own])
    changed = pl.concat([bars(*before(70)), own.with_columns(pl.col(column) * times)])
    assert computed(changed).equals(computed(plain))
    assert not computed(changed, session=ALL[301]).equals(computed(plain, session=ALL[301]))


def test_forward_and_reverse_splits_in_the_window_and_this_morning_leave_what_did_not_move() -> None:
    """Raw 6, 3 after two for one, 30 after one for ten, and three for one this morning: 10 USD on its basis."""
    raw = [(ALL[i], 6.0 if i < 280 else 3.0 if i < 290 else 30.0) for i in range(270, 300)]
    history = [(s, "GEVO", p, p * 1.05, p * 0.95, p, 3_000.0 / p) for s, p in raw]
    actions = splits((ALL[280], "GEVO", 1.0, 2.0, True), (ALL[290], "GEVO", 10.0, 1.0, True),
                     (SESSION, "GEVO", 1.0, 3.0, True))  # fmt: skip
    found = computed(bars(*history), actions).row(0, named=True)
    assert (found["close_raw"], found["prior_close"]) == (30.0, pytest.approx(10.0))
    assert (found["high_252"], found["low_252"], found["low_5"]) == pytest.approx((10.5, 9.5, 9.5))
    assert (found["atr_14"], found["atr_21"]) == pytest.approx((1.0, 1.0))
    assert found["mean_volume_20"] == pytest.approx(300.0)
    assert found["mean_dollar_volume_20"] == pytest.approx(3_000.0)
    assert found["sessions_since_reverse_split"] == 10
