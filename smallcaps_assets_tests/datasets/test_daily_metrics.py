"""Daily metrics: windows end the session before, on the split basis of the session."""

from datetime import date

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.daily_metrics import (
    DailyMetrics,
    daily_metrics,
    no_open_jumps_like_a_missing_split,
    number_of_tickers_is_usual,
)
from smallcaps_assets.partitions import Partition

ALL = sessions.between(date(2023, 1, 3), date(2024, 6, 28))
SESSION = ALL[300]

Bar = tuple[date, str, float, float, float, float, float]


def bars(*rows: Bar) -> pl.LazyFrame:
    """(session, ticker, open, high, low, close, volume)."""
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64)
    return pl.DataFrame(rows, schema={"session": pl.Date, "ticker": pl.String, **prices}, orient="row").lazy()


def before(count: int, close: float = 10.0, volume: float = 100.0, ticker: str = "GEVO") -> list[Bar]:
    """A bar in each of the ``count`` sessions before, one dollar wide around its close."""
    return [(s, ticker, close, close + 0.5, close - 0.5, close, volume) for s in ALL[300 - count : 300]]


def splits(*rows: tuple[date, str, float, float, bool]) -> pl.LazyFrame:
    """(session, ticker, from, to, accepted)."""
    names = {"session": pl.Date, "ticker": pl.String, "split_from": pl.Float64, "split_to": pl.Float64}
    return pl.DataFrame(rows, schema={**names, "accepted": pl.Boolean}, orient="row").lazy()


Listing = tuple[date, str, str, list[str], bool]


def lists(*rows: Listing) -> pl.LazyFrame:
    """(session, ticker, security, earlier ids, active)."""
    names = [("session", pl.Date()), ("ticker", pl.String()), ("security_id", pl.String())]
    schema = pl.Schema([*names, ("earlier_ids", pl.List(pl.String)), ("active", pl.Boolean())])
    return pl.DataFrame(rows, schema=schema, orient="row").lazy()


def computed(
    daily: pl.LazyFrame,
    actions: pl.LazyFrame | None = None,
    session: date = SESSION,
    listed: pl.LazyFrame | None = None,
) -> pl.DataFrame:
    """The session's rows, which pass their contract."""
    run = Run("daily_metrics", (Partition(session),))
    known = {"splits": splits() if actions is None else actions, "tickers": lists() if listed is None else listed}
    (part,) = daily_metrics(run, daily_bars=daily, **known)
    rows = contracts.conform(DailyMetrics, part.frame)
    verdict = contracts.verdict(DailyMetrics, rows)
    assert verdict.passed, verdict.metadata
    return rows


def test_the_sessions_own_bar_and_later_ones_are_never_used() -> None:
    wild = [(s, "GEVO", 99.0, 999.0, 9.0, 99.0, 1e9) for s in ALL[300:303]]
    assert computed(bars(*before(30), *wild)).equals(computed(bars(*before(30))))


def test_a_tickers_row_by_hand() -> None:
    """Closes 10, 11, 9, 10, 12 with volumes 100 .. 500; each bar is one dollar wide around its close."""
    closes, volumes = (10.0, 11.0, 9.0, 10.0, 12.0), (100.0, 200.0, 300.0, 400.0, 500.0)
    days = zip(ALL[295:300], closes, volumes, strict=True)
    rows = [(s, "GEVO", c, c + 0.5, c - 0.5, c, v) for s, c, v in days]
    row = computed(bars(*rows)).row(0, named=True)
    assert row["bar_session"] == ALL[299]
    assert (row["close_raw"], row["prior_close"], row["sessions_before"]) == (12.0, 12.0, 5)
    assert (row["mean_volume_20"], row["median_volume_20"]) == (300.0, 300.0)
    # 1,000 + 2,200 + 2,700 + 4,000 + 6,000 over 5
    assert row["mean_dollar_volume_20"] == 3_180.0
    assert (row["high_252"], row["low_252"], row["low_5"]) == (12.5, 8.5, 8.5)
    assert (row["atr_14"], row["atr_21"], row["true_range_pct_p88"]) == (None, None, None)


def test_a_reverse_split_at_the_open_of_the_session_changes_the_basis_but_not_the_raw_close() -> None:
    row = computed(bars(*before(20, 0.6, 1_000.0)), splits((SESSION, "GEVO", 10.0, 1.0, True))).row(0, named=True)
    assert row["close_raw"] == 0.6
    assert row["prior_close"] == pytest.approx(6.0)
    assert row["mean_volume_20"] == pytest.approx(100.0)
    assert row["mean_dollar_volume_20"] == pytest.approx(600.0)
    assert row["sessions_since_reverse_split"] == 0


def test_a_split_within_the_window_makes_no_range_of_its_own() -> None:
    """60 cents, then 6 dollars after ten for one: on one basis nothing moved but the dollar around each close."""
    old = [(s, "GEVO", 0.6, 0.65, 0.55, 0.6, 1_000.0) for s in ALL[280:290]]
    new = [(s, "GEVO", 6.0, 6.5, 5.5, 6.0, 100.0) for s in ALL[290:300]]
    row = computed(bars(*old, *new), splits((ALL[290], "GEVO", 10.0, 1.0, True))).row(0, named=True)
    assert row["atr_14"] == pytest.approx(1.0)
    assert (row["high_252"], row["low_252"]) == pytest.approx((6.5, 5.5))
    assert row["median_volume_20"] == pytest.approx(100.0)
    assert row["sessions_since_reverse_split"] == 10


def test_splits_set_aside_and_later_ones_play_no_part_and_forward_ones_are_no_reverse_splits() -> None:
    actions = splits((ALL[290], "GEVO", 10.0, 1.0, False), (ALL[301], "GEVO", 10.0, 1.0, True))
    plain = computed(bars(*before(30)))
    assert computed(bars(*before(30)), actions).equals(plain)
    assert plain["sessions_since_reverse_split"].to_list() == [None]
    forward = computed(bars(*before(30)), splits((SESSION, "GEVO", 1.0, 2.0, True))).row(0, named=True)
    assert (forward["prior_close"], forward["sessions_since_reverse_split"]) == (5.0, None)


def test_a_ticker_is_there_for_twenty_sessions_after_its_last_bar() -> None:
    assert computed(bars(before(20)[0])).height == 1
    assert computed(bars(before(21)[0])).height == 0


def test_usual_volume_needs_five_sessions_of_the_twenty() -> None:
    history = before(25, volume=7.0)
    four = computed(bars(*history[:9]))  # 25 to 17 sessions before: four of them within 20
    five = computed(bars(*history[:10]))
    assert four["mean_volume_20"].to_list() == [None]
    assert (five["mean_volume_20"].to_list(), five["median_volume_20"].to_list()) == ([7.0], [7.0])


def test_the_week_counts_sessions_not_bars() -> None:
    old, recent = before(6)[0], before(5)[0]
    assert computed(bars(old))["low_5"].to_list() == [None]
    assert computed(bars(old, recent))["low_5"].to_list() == [9.5]


def test_average_true_range_needs_as_many_ranges_as_it_says() -> None:
    assert computed(bars(*before(14)))["atr_14"].to_list() == [None]
    assert computed(bars(*before(15)))["atr_14"].to_list() == [1.0]
    assert computed(bars(*before(22)))["atr_21"].to_list() == [1.0]


def test_a_true_range_reaches_from_the_close_before() -> None:
    """Fourteen gaps from 10 to 12 and back: 12.5 − 10 = 2.5 up, 12 − 9.5 = 2.5 down."""
    rows = [
        (s, "GEVO", c, c + 0.5, c - 0.5, c, 1.0) for s, c in zip(ALL[285:300], [10.0, 12.0] * 7 + [10.0], strict=True)
    ]
    assert computed(bars(*rows))["atr_14"].to_list() == [2.5]


def test_the_percentile_needs_sixty_ranges_and_interpolates() -> None:
    """True ranges of 1 % .. 60 % of 10 dollars: the 88th percentile lies at place 0.88 × 59 = 51.92, so 52.92 %."""
    assert computed(bars(*before(60)))["true_range_pct_p88"].to_list() == [None]
    rows = [(ALL[239], "GEVO", 10.0, 10.0, 10.0, 10.0, 1.0)]
    rows += [(ALL[239 + i], "GEVO", 10.0, 10.0 + 0.1 * i, 10.0, 10.0, 1.0) for i in range(1, 61)]
    assert computed(bars(*rows))["true_range_pct_p88"].item() == pytest.approx(0.5292)


def test_history_ends_252_sessions_before() -> None:
    row = computed(bars(*before(253)[:1], *before(10), (ALL[48], "GEVO", 1.0, 50.0, 1.0, 1.0, 1.0)))
    assert row["sessions_before"].to_list() == [11]
    assert row["high_252"].to_list() == [50.0]


def test_one_run_over_sessions_equals_a_run_for_each_to_the_byte() -> None:
    daily = [
        (s, t, p, p * 1.07, p * 0.91, p * 1.01, 1_000.0 + i)
        for t, first in (("GEVO", 0), ("AMC", 200), ("LATE", 297))
        for i, s in enumerate(ALL[first:310])
        for p in [1.1 + (i * 37 % 11) / 7]
    ]
    actions = splits(
        (ALL[20], "GEVO", 3.0, 1.0, True),
        (ALL[290], "GEVO", 1.0, 7.0, True),
        (ALL[304], "GEVO", 30.0, 1.0, True),
        (ALL[306], "AMC", 1.0, 3.0, True),
    )
    wanted = ALL[299:310]
    run = Run("daily_metrics", tuple(map(Partition, wanted)))
    together = list(daily_metrics(run, daily_bars=bars(*daily), splits=actions, tickers=lists()))
    assert [part.partition.session for part in together] == wanted
    for part, session in zip(together, wanted, strict=True):
        window = pl.col("session").is_between(sessions.before(session, 252)[0], session)
        alone = computed(bars(*daily).filter(window), actions.filter(window), session)
        assert contracts.conform(DailyMetrics, part.frame).equals(alone)


def test_a_session_with_a_fifth_fewer_tickers_than_usual_is_refused() -> None:
    market = [bar for i in range(10) for bar in before(20, ticker=f"T{i}")]
    rows = computed(bars(*market))

    def judged(today: int) -> bool:
        own = [(SESSION, f"T{i}", 1.0, 1.0, 1.0, 1.0, 1.0) for i in range(today)]
        return number_of_tickers_is_usual(rows, {"daily_bars": bars(*market, *own)}).passed

    assert [judged(count) for count in (0, 7, 8, 10, 12, 13)] == [False, False, True, True, True, False]


def test_what_is_usual_needs_five_sessions() -> None:
    rows = computed(bars(*before(4)))
    assert number_of_tickers_is_usual(rows, {"daily_bars": bars(*before(4))}).passed
    assert number_of_tickers_is_usual(contracts.empty(DailyMetrics), {"daily_bars": bars()}).passed


@pytest.mark.parametrize(("opened", "passes"), [(10.0, True), (49.9, True), (50.0, False), (2.1, True), (2.0, False)])
def test_an_open_far_from_the_prior_close_is_a_split_that_is_missing(opened: float, passes: bool) -> None:
    rows = computed(bars(*before(5)))
    own = bars((SESSION, "GEVO", opened, opened, opened, opened, 1.0))
    assert no_open_jumps_like_a_missing_split(rows, {"daily_bars": own}).passed is passes
    assert no_open_jumps_like_a_missing_split(contracts.empty(DailyMetrics), {"daily_bars": own}).passed


def test_an_open_that_a_known_split_explains_is_no_jump() -> None:
    rows = computed(bars(*before(5)), splits((SESSION, "GEVO", 10.0, 1.0, True)))
    own = bars((SESSION, "GEVO", 100.0, 100.0, 100.0, 100.0, 1.0))
    assert no_open_jumps_like_a_missing_split(rows, {"daily_bars": own}).passed


def test_the_contract_refuses_a_row_that_rests_on_its_own_session_or_leaves_its_year() -> None:
    rows = computed(bars(*before(5)))
    assert not contracts.verdict(DailyMetrics, rows.with_columns(bar_session="session")).passed
    assert not contracts.verdict(DailyMetrics, rows.with_columns(prior_close=pl.lit(11.0))).passed
