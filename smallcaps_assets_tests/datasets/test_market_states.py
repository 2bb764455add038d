"""A member's states: halts, bands and the restriction as they become known, and nothing of what comes later."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets import market_states as module
from smallcaps_assets.datasets.carried_over import carried_over
from smallcaps_assets.datasets.halts import halts
from smallcaps_assets.datasets.market_states import MarketStates, MarketStatesConfig, every_member_has_states
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.event_rows import SESSION, minute_rows, opens_at, walk

RUN = Run("market_states", (Partition(SESSION, "G"), Partition(SESSION, "H")))
Bars = list[tuple[int, float, float]]
FLAT: Bars = [(minute, 10.0, 100.0) for minute in range(390)]


def at(minute: float) -> datetime:
    """The instant so many minutes after the open."""
    return opens_at(SESSION) + timedelta(minutes=minute)


def halt(began: float, resumed: float | None, code: str = "LUDP") -> dict[str, Any]:
    over = None if resumed is None else at(resumed)
    return {"session": SESSION, "ticker": "GEVO", "reason_code": code, "halted_at": at(began), "resumed_at": over}


def rows_of(schema: Any, rows: list[dict[str, Any]]) -> pl.LazyFrame:
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema).lazy()


def inputs(bars: Bars | pl.DataFrame, *halted: dict[str, Any], close: float | None = 10.0, **carried: Any) -> Any:
    one = {"session": SESSION, "ticker": "GEVO"}
    before = {**one, "ssr": False, "halts_on_file": True, **carried}
    minutes = bars if isinstance(bars, pl.DataFrame) else minute_rows(SESSION, "GEVO", bars)
    known = pl.DataFrame({**one, "prior_close": close}, schema_overrides={"prior_close": pl.Float64})
    return {
        "universe": pl.DataFrame({**one, "member": True}).lazy(),
        "daily_metrics": known.lazy(),
        "carried_over": rows_of(carried_over.empty().schema, [before]),
        "halts": rows_of(halts.empty().schema, list(halted)),
        "minute_bars": minutes.lazy(),
    }


def computed(given_inputs: Any, config: MarketStatesConfig | None = None) -> pl.DataFrame:
    """The rows of GEVO, which pass their contract and their laws; H has no members."""
    asked = config or MarketStatesConfig()
    part, other = (
        part._replace(frame=contracts.conform(MarketStates, part.frame))
        for part in module.market_states(RUN, **given_inputs, config=asked)
    )
    assert other.frame.is_empty()
    verdict = contracts.verdict(MarketStates, part.frame)
    assert verdict.passed, verdict.metadata
    assert every_member_has_states(part.frame, given_inputs).passed
    assert module.prefix_stable(part.frame, given_inputs, asked).passed
    return part.frame


def when(rows: pl.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    """(minute from the open, values) of the rows at which one of these columns changes."""
    minute = (pl.col("known_at") - opens_at(SESSION)).dt.total_seconds() / 60
    told = rows.select(minute.alias("minute"), *names)
    same = pl.all_horizontal(pl.col(names).eq_missing(pl.col(names).shift(1))) & (pl.int_range(pl.len()) > 0)
    return told.filter(~same).rows()


def test_a_quiet_session_by_hand() -> None:
    rows = computed(inputs(FLAT))
    assert rows.height == 3
    assert rows.row(1, named=True) == {
        "session": SESSION,
        "ticker": "GEVO",
        "known_at": at(1),  # the opening print is known when its minute has ended
        "halted": False,
        "halt_code": None,
        "halts": 0,
        "luld_lower": 9.0,
        "luld_upper": 11.0,
        "reference_price": 10.0,
        "luld_tier": 2,
        "limit_side": 0,
        "ssr": False,
        "ssr_since": None,
    }
    assert when(rows, "luld_upper") == [(-330.0, None), (1.0, 11.0), (390.0, None)]


def test_bands_follow_the_reference_and_widen_before_the_close() -> None:
    rising = [(minute, 2.0 if minute < 100 else 2.5, 100.0) for minute in range(390)]
    known = when(computed(inputs(rising, close=2.0)), "luld_lower", "luld_upper")
    assert known[1] == (1.0, 1.6, 2.4)
    assert known[-2:] == [(365.0, 1.5, 3.5), (390.0, None, None)]  # 15:35: 2.5 ± 40 %
    steps = [row[0] for row in known[2:-2]]
    assert steps == [101.0, 102.0, 103.0, 104.0, 105.0, 106.0]  # the mean of five minutes moves up to 2.5


def test_a_close_at_a_band_or_beyond_is_told() -> None:
    jump = [(0, 10.0, 100.0), *[(minute, 10.0, 100.0) for minute in range(1, 60)], (60, 12.0, 1.0), (61, 10.0, 1.0)]
    assert when(computed(inputs(jump)), "limit_side")[2:4] == [(61.0, 1), (62.0, 0)]


def test_a_halt_has_no_bands_and_trading_that_resumes_waits_for_its_first_minute() -> None:
    bars = [(minute, 10.0, 100.0) for minute in range(31)] + [(minute, 12.0, 100.0) for minute in range(36, 390)]
    rows = computed(inputs(bars, halt(30.2, 35.2)))
    assert when(rows, "halted", "halt_code", "halts", "reference_price") == [
        (-330.0, False, None, 0, None),
        (1.0, False, None, 0, 10.0),
        (30.2, True, "LUDP", 1, None),
        (35.2, False, None, 1, None),
        (37.0, False, None, 1, pytest.approx(34 / 3)),  # opens at 10, as drawn: the mean is (12 + 10 + 12) / 3
        (38.0, False, None, 1, pytest.approx(35 / 3)),
        (40.0, False, None, 1, pytest.approx(142 / 12)),  # a minute before it was less than 1 % away
        (42.0, False, None, 1, 12.0),
        (390.0, False, None, 1, None),
    ]


def test_a_halt_of_the_day_before_holds_from_the_first_row_on() -> None:
    rows = computed(inputs(FLAT, halt_code="T1", halted_at=at(-800), halt_resumed_at=at(-120)))
    assert when(rows, "halted", "halt_code", "halts") == [(-330.0, True, "T1", 0), (-120.0, False, None, 0)]


def test_without_halt_files_it_is_not_known_whether_a_member_trades() -> None:
    assert computed(inputs(FLAT, halts_on_file=False))["halted"].null_count() == 3
    bars = [bar for bar in FLAT if not 30 < bar[0] < 40]
    known = when(computed(inputs(bars, halt(30.5, 40.5), halts_on_file=False)), "halted", "halts")
    assert known == [(-330.0, None, None), (30.5, True, 1), (40.5, None, 1)]


def test_a_sale_ten_percent_below_restricts_from_the_end_of_its_minute() -> None:
    before = [(-5, 8.0, 100.0), (-1, 10.0, 100.0)]  # the pre-market sets nothing off
    fall = [*before, (0, 10.0, 100.0), (1, 9.0, 100.0), (2, 10.0, 100.0)]
    known = when(computed(inputs(fall)), "ssr", "ssr_since")
    assert known == [(-330.0, False, None), (2.0, True, SESSION)]


@pytest.mark.parametrize(
    ("carried", "close", "lowest", "expected"),
    [
        (True, 10.0, 10.0, [(-330.0, True, date(2024, 1, 12))]),
        (True, 10.0, 8.9, [(-330.0, True, date(2024, 1, 12)), (2.0, True, SESSION)]),  # set off again
        (None, 10.0, 10.0, [(-330.0, None, None)]),
        (None, 10.0, 8.9, [(-330.0, None, None), (2.0, True, SESSION)]),
        (False, None, 8.9, [(-330.0, False, None), (1.0, None, None)]),  # before the open nothing can set it off
        (True, None, 8.9, [(-330.0, True, date(2024, 1, 12))]),
    ],
)
def test_what_is_carried_over_and_what_is_unknown(
    carried: bool | None, close: float | None, lowest: float, expected: list[tuple[Any, ...]]
) -> None:
    bars = [(0, 10.0, 100.0), (1, lowest, 100.0), (2, 10.0, 100.0)]
    assert when(computed(inputs(bars, close=close, ssr=carried)), "ssr", "ssr_since") == expected


def test_without_a_previous_close_there_are_no_bands() -> None:
    assert computed(inputs(FLAT, close=None))["luld_lower"].null_count() == 2


@pytest.mark.parametrize(("close", "bands"), [(2.0, 0), (2.01, 1), (50.0, 0), (49.9, 1)])
def test_a_previous_close_five_times_off_the_first_price_is_of_another_split_basis(close: float, bands: int) -> None:
    rows = computed(inputs([(0, 10.0, 100.0), (1, 10.0, 100.0)], close=close))
    assert (rows["luld_tier"].drop_nulls().len() > 0) is bool(bands)
    assert rows["ssr"][-1] is {0: None, 1: close > 10}[bands]


def test_a_member_that_does_not_trade_has_bands_around_the_previous_close() -> None:
    rows = computed(inputs(minute_rows(SESSION, "GEVO", FLAT).clear()))
    assert when(rows, "luld_lower", "luld_upper") == [(-330.0, None, None), (5.0, 9.0, 11.0), (390.0, None, None)]


def test_tier_1_is_what_the_run_says() -> None:
    rows = computed(inputs(FLAT), MarketStatesConfig(tier_1=["GEVO"]))
    assert when(rows, "luld_tier", "luld_upper")[1] == (1.0, 1, 10.5)
    assert when(rows, "luld_upper")[2] == (365.0, 11.0)


def test_on_an_early_close_bands_widen_25_minutes_before_it() -> None:
    friday = date(2026, 11, 27)
    day = sessions.hours(friday)
    wanted = pl.DataFrame({"session": [friday], "ticker": ["GEVO"], "prior_close": [2.0], "luld_tier": [2]})
    rows = module.states(
        wanted.cast({"luld_tier": pl.Int8}),
        minute_rows(friday, "GEVO", [(0, 2.0, 1.0)]),
        halts.empty(),
        carried_over.empty(),
    )
    clocks = sessions.new_york(pl.col("known_at")).dt.strftime("%H:%M")
    known = rows.select(clocks, "luld_upper", "ssr").rows()
    assert known == [("04:00", None, None), ("09:31", 2.4, None), ("12:35", 2.8, None), ("13:00", None, None)]
    assert rows["known_at"].cast(pl.Int64)[0] == day.premarket_opens_at


def test_before_the_plan_and_the_rule_there_are_none() -> None:
    long_ago = date(2010, 6, 1)
    wanted = pl.DataFrame({"session": [long_ago], "ticker": ["GEVO"], "prior_close": [10.0], "luld_tier": [2]})
    bars = minute_rows(long_ago, "GEVO", [(0, 10.0, 1.0), (1, 5.0, 1.0)])
    (row,) = module.states(wanted.cast({"luld_tier": pl.Int8}), bars, halts.empty(), carried_over.empty()).to_dicts()
    assert (row["luld_lower"], row["ssr"], row["ssr_since"]) == (None, False, None)


def test_a_member_without_states_is_found() -> None:
    known = inputs(FLAT)
    other = pl.DataFrame({"session": SESSION, "ticker": "GME", "member": True})
    verdict = every_member_has_states(computed(known), {"universe": pl.concat([known["universe"], other.lazy()])})
    assert (verdict.passed, verdict.metadata["such_as"]) == (False, "GME")


def test_a_state_that_looks_ahead_fails_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = module.regular_minutes

    def ahead(*given_frames: pl.DataFrame) -> pl.DataFrame:
        return honest(*given_frames).with_columns(pl.col("open", "low", "close", "mean").shift(-1))

    known = inputs(walk(SESSION, "GEVO"))
    monkeypatch.setattr(module, "regular_minutes", ahead)
    (part, _) = module.market_states(RUN, **known, config=MarketStatesConfig())
    verdict = module.prefix_stable(part.frame, known, MarketStatesConfig())
    assert (verdict.passed, verdict.metadata["why"]) == (False, "what came after changes them")


def test_rows_of_other_inputs_fail_the_law_and_say_so() -> None:
    stored = computed(inputs(FLAT))
    verdict = module.prefix_stable(stored, inputs(FLAT, close=2.5), MarketStatesConfig())
    assert verdict.metadata["why"] == "the inputs give other states now: materialize again"


@settings(max_examples=15, deadline=None)
@given(
    seed=st.sampled_from("ABCDEF"),
    began=st.floats(-100, 380),
    lasts=st.one_of(st.none(), st.floats(1, 200)),
    instant=st.floats(-330, 389),
)
def test_what_was_known_at_an_instant_does_not_change_with_what_comes_after(
    seed: str, began: float, lasts: float | None, instant: float
) -> None:
    bars = walk(SESSION, f"G{seed}").with_columns(ticker=pl.lit("GEVO"))
    known = inputs(bars, halt(began, None if lasts is None else began + lasts))
    cut = module.until(known, pl.lit(at(instant)).cast(pl.Datetime("ns", "UTC")))
    by_then = pl.col("known_at") <= at(instant)
    whole, part = (
        next(iter(module.market_states(RUN, **each, config=MarketStatesConfig()))).frame.filter(by_then)
        for each in (known, cut)
    )
    assert whole.equals(part)


def test_a_run_says_how_many_members_were_halted_or_restricted() -> None:
    part: Rows = next(iter(module.market_states(RUN, **inputs(FLAT, halt(30, 40)), config=MarketStatesConfig())))
    assert part.metadata == {"members": 1, "halted": 1, "ssr": 0}
