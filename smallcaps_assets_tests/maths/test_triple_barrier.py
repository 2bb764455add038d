"""First touches on a tape, worked by hand, and the laws they obey."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.triple_barrier import CENSORED, Touches, first_touch, meta_label, volatility_target

AT = [0, 1, 2, 3, 4, 5]
PATH = [100.0, 101.0, 99.0, 103.0, 96.0, 100.0]


def touched(touches: Touches) -> list[tuple[int, int, float]]:
    labelled = zip(touches.label.tolist(), touches.touch.tolist(), touches.ret.round(6).tolist(), strict=True)
    return list(labelled)


def test_the_barrier_met_first_gives_the_label() -> None:
    assert touched(first_touch(AT, PATH, [0, 3], [0.02, 0.02], horizon_ns=5)) == [(1, 3, 0.03), (-1, 4, -0.067961)]


def test_a_barrier_is_met_when_it_is_reached_exactly() -> None:
    assert touched(first_touch([0, 1], [100, 125], [0], [0.25], horizon_ns=9)) == [(1, 1, 0.25)]
    assert touched(first_touch([0, 1], [100, 75], [0], [0.25], horizon_ns=9)) == [(-1, 1, -0.25)]
    assert touched(first_touch([0, 1], [100, 124.99], [0], [0.25], horizon_ns=1)) == [(0, 1, 0.2499)]


def test_profit_and_loss_are_multiples_of_the_target() -> None:
    assert touched(first_touch(AT, PATH, [0], [0.01], profit=3, loss=4, horizon_ns=5)) == [(1, 3, 0.03)]
    assert touched(first_touch(AT, PATH, [0], [0.01], profit=3.1, loss=4, horizon_ns=5)) == [(-1, 4, -0.04)]


def test_a_short_side_profits_from_a_fall() -> None:
    assert touched(first_touch(AT, PATH, [0, 0], [0.02, 0.04], horizon_ns=5, side=[-1, -1])) == [
        (-1, 3, -0.03),
        (1, 4, 0.04),
    ]


@pytest.mark.parametrize("off", [0.0, -1.0])
def test_a_multiple_of_zero_or_less_switches_its_barrier_off(off: float) -> None:
    assert touched(first_touch(AT, PATH, [0], [0.02], profit=off, horizon_ns=5)) == [(-1, 4, -0.04)]
    assert touched(first_touch(AT, PATH, [3], [0.02], loss=off, horizon_ns=2)) == [(0, 5, -0.029126)]


def test_a_tick_at_the_horizon_is_in_the_path_and_one_after_is_not() -> None:
    assert touched(first_touch(AT, PATH, [0], [0.02], horizon_ns=3)) == [(1, 3, 0.03)]
    assert touched(first_touch(AT, PATH, [0], [0.02], horizon_ns=2)) == [(0, 2, -0.01)]


def test_without_a_tick_inside_the_horizon_the_entry_itself_is_the_touch() -> None:
    assert touched(first_touch([0, 100], [10, 20], [0], [0.1], horizon_ns=50)) == [(0, 0, 0.0)]


def test_later_ticks_of_the_entry_instant_are_in_the_path() -> None:
    assert touched(first_touch([5, 5, 5, 6], [10, 9, 12, 10], [1], [0.1], horizon_ns=0)) == [(1, 2, 0.333333)]
    assert touched(first_touch([5, 5, 6], [10, 10.5, 99], [0], [0.1], horizon_ns=0)) == [(0, 1, 0.05)]


def test_a_path_that_the_tape_ends_is_censored_and_never_zero() -> None:
    touches = first_touch(AT, PATH, [4, 5], [0.5, 0.5], horizon_ns=2)
    assert touches.label.tolist() == [CENSORED, CENSORED]
    assert touches.touch.tolist() == [-1, -1]
    assert np.isnan(touches.ret).all()


def test_a_tape_that_ends_at_the_horizon_is_whole() -> None:
    assert touched(first_touch(AT, PATH, [4], [0.5], horizon_ns=1)) == [(0, 5, 0.041667)]


def test_a_touch_before_the_end_of_a_short_tape_counts() -> None:
    assert touched(first_touch(AT, PATH, [3], [0.02], horizon_ns=10**18)) == [(-1, 4, -0.067961)]


def test_no_entries_give_no_labels_even_on_an_empty_tape() -> None:
    for touches in (first_touch([], [], [], [], horizon_ns=1), first_touch(AT, PATH, [], [], horizon_ns=1)):
        assert [len(part) for part in touches] == [0, 0, 0]
        assert touches.label.dtype == np.int8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at": [0, 2, 1]}, r"at\[2\] = 1 is earlier"),
        ({"at": [0, 1]}, "unequal lengths: at has 2, price has 3"),
        ({"price": [1.0, float("nan"), 1.0]}, r"price\[1\] = nan"),
        ({"entry": [0, 3]}, r"entry\[1\] = 3 is outside 0\.\.2"),
        ({"entry": [-1, 0]}, r"entry\[0\] = -1"),
        ({"target": [0.1]}, "unequal lengths: entry has 2, target has 1"),
        ({"target": [0.1, 0.0]}, r"target\[1\] = 0\.0 is not a finite return above 0"),
        ({"target": [float("nan"), 0.1]}, r"target\[0\] = nan"),
        ({"side": [1, 0]}, r"side\[1\] = 0\.0 is neither 1 nor -1"),
        ({"horizon_ns": -1}, "horizon_ns is -1"),
        ({"horizon_ns": 0.5}, "horizon_ns is 0.5"),
        ({"profit": float("nan")}, "profit is not a number"),
    ],
)
def test_bad_arguments_are_refused_by_name_and_position(change: dict[str, object], message: str) -> None:
    right = {"at": [0, 1, 2], "price": [1.0, 1.0, 1.0], "entry": [0, 1], "target": [0.1, 0.1], "horizon_ns": 1}
    with pytest.raises(ValueError, match=message):
        first_touch(**{**right, **change})  # type: ignore[arg-type]


TAPES = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([90.0, 95.0, 99.0, 100.0, 101.0, 105.0])), min_size=1)
MULTIPLE = st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0])


@settings(max_examples=150, deadline=None)
@given(TAPES, MULTIPLE, MULTIPLE, st.integers(0, 12), st.integers(0, 2**32))
def test_first_touch_is_its_definition(
    ticks: list[tuple[int, float]], profit: float, loss: float, horizon: int, seed: int
) -> None:
    at, price = np.cumsum([gap for gap, _ in ticks]).tolist(), [p for _, p in ticks]
    rng = np.random.default_rng(seed)
    side, target = rng.choice([-1, 1], len(at)), rng.choice([0.01, 0.02, 0.04], len(at))
    touches = first_touch(at, price, range(len(at)), target, profit=profit, loss=loss, horizon_ns=horizon, side=side)
    for i in range(len(at)):
        path = [j for j in range(i + 1, len(at)) if at[j] <= at[i] + horizon]
        returns = {j: side[i] * (price[j] / price[i] - 1.0) for j in [i, *path]}
        hits = [
            (j, 1 if profit > 0 and returns[j] >= profit * target[i] else -1)
            for j in path
            if (profit > 0 and returns[j] >= profit * target[i]) or (loss > 0 and returns[j] <= -loss * target[i])
        ]
        if hits:
            assert (touches.touch[i], touches.label[i]) == hits[0]
            assert touches.ret[i] == returns[hits[0][0]]
        elif at[-1] < at[i] + horizon:
            assert (touches.touch[i], touches.label[i]) == (-1, CENSORED)
        else:
            assert (touches.touch[i], touches.label[i]) == (path[-1] if path else i, 0)
            assert touches.ret[i] == returns[path[-1] if path else i]


@settings(max_examples=80, deadline=None)
@given(TAPES, st.integers(0, 30))
def test_a_farther_target_is_never_touched_earlier(ticks: list[tuple[int, float]], horizon: int) -> None:
    at, price = np.cumsum([gap for gap, _ in ticks]), [p for _, p in ticks]
    entry = np.arange(len(at))
    near = first_touch(at, price, entry, np.full(len(at), 0.01), horizon_ns=horizon)
    far = first_touch(at, price, entry, np.full(len(at), 0.03), horizon_ns=horizon)
    touched_far = abs(far.label) == 1
    assert (abs(near.label[touched_far]) == 1).all()
    assert (near.touch[touched_far] <= far.touch[touched_far]).all()


@settings(max_examples=80, deadline=None)
@given(TAPES, st.integers(0, 30), st.integers(1, 50))
def test_a_longer_tape_changes_no_label_but_a_censored_one(
    ticks: list[tuple[int, float]], horizon: int, cut: int
) -> None:
    at, price = np.cumsum([gap for gap, _ in ticks]), np.array([p for _, p in ticks])
    entry = np.arange(min(cut, len(at)))
    target = np.full(len(entry), 0.02)
    short = first_touch(at[:cut], price[:cut], entry, target, horizon_ns=horizon)
    long = first_touch(at, price, entry, target, horizon_ns=horizon)
    settled = (short.label != CENSORED) & (at[:cut][-1] != at[:cut] + horizon)
    assert (short.label[settled] == long.label[settled]).all()
    assert (short.touch[settled] == long.touch[settled]).all()


def test_the_volatility_target_is_known_from_the_third_bar_on() -> None:
    # Returns 0.1 and −0.1, span 3 (α = ½): weights ⅓ and ⅔, mean −1/30, variance ⅓·0.1333² + ⅔·0.0667² = 0.00889,
    # bias 1/(1 − 5/9) = 2.25: √0.02 = 0.141421.
    target = volatility_target([100.0, 110.0, 99.0], span=3)
    assert np.isnan(target[:2]).all()
    assert target[2] == pytest.approx(0.02**0.5)


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_short_series_has_no_volatility(length: int) -> None:
    target = volatility_target([5.0] * length)
    assert len(target) == length
    assert np.isnan(target).all()


def test_the_volatility_target_is_polars_own_and_reads_no_later_bar() -> None:
    close = 10 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 300)))
    target = volatility_target(close, span=20)
    returns = pl.Series(close).pct_change()
    assert target[2:] == pytest.approx(returns.ewm_std(span=20, bias=False, adjust=True).to_numpy()[2:], rel=1e-9)
    assert volatility_target(close[:150], span=20)[2:].tolist() == target[2:150].tolist()


def test_a_span_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"span is 0\.5"):
        volatility_target([1.0, 2.0, 3.0], span=0.5)


def test_a_meta_label_says_whether_the_side_earned() -> None:
    assert meta_label([0.1, -0.1, 0.1, -0.1, 0.0], [1, 1, -1, -1, 1]).tolist() == [1, 0, 0, 1, 0]
    assert meta_label([], []).dtype == np.int8


def test_a_censored_return_has_no_meta_label() -> None:
    with pytest.raises(ValueError, match=r"ret\[1\] = nan is no return"):
        meta_label([0.1, float("nan")], [1, 1])
