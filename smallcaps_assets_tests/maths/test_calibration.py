"""Calibration of raw probabilities."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.calibration import Method, calibrate, calibrated

METHODS: tuple[Method, ...] = ("platt", "isotonic")


def overconfident(rows: int = 4000, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Raw probabilities of twice the true log odds, plus a half; labels by the true ones."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(size=rows)
    label = np.where(draw.random(rows) < 1 / (1 + np.exp(-odds)), 1, -1)
    return 1 / (1 + np.exp(-(2 * odds + 0.5))), label


def test_platt_finds_the_curve_that_undoes_an_overconfident_model() -> None:
    raw, label = overconfident()
    told = json.loads(calibrate("platt", raw, label, np.ones(len(raw))))
    # odds = (raw odds − 0.5) / 2
    assert told["curves"][0]["slope"] == pytest.approx(0.5, abs=0.04)
    assert told["curves"][0]["intercept"] == pytest.approx(-0.25, abs=0.07)


@pytest.mark.parametrize("method", METHODS)
def test_of_the_rows_forecast_at_about_a_share_that_share_comes_true(method: Method) -> None:
    raw, label = overconfident()
    after = calibrated(calibrate(method, raw, label, np.ones(len(raw))), raw)
    high, said_high = after > 0.7, raw > 0.9
    assert float(np.mean(label[high] == 1)) == pytest.approx(float(after[high].mean()), abs=0.03)
    assert float(np.mean(label[said_high] == 1)) < 0.85  # as the raw probability was not


def test_a_platt_curve_of_four_kinds_of_rows_is_the_one_worked_by_hand() -> None:
    # raw 1/3: 10 hits of 40, raw 2/3: 30 of 40, which Platt's targets 1/42 and 41/42 pull to 0.262 and 0.738; of even
    # sides the intercept is 0, and the slope a solves 80 ln 2 (σ(a ln 2) − 0.738) + 4 (a − 1) = 0: a = 1.3247
    raw = np.repeat([1 / 3, 2 / 3], 40)
    label = np.concatenate([np.repeat([1, -1], [10, 30]), np.repeat([1, -1], [30, 10])])
    after = calibrated(calibrate("platt", raw, label, np.ones(80)), [1 / 3, 2 / 3])
    high = 1 / (1 + np.exp(-1.3247 * np.log(2)))
    assert 80 * np.log(2) * (high - (30 * 41 + 10) / 42 / 40) + 4 * 0.3247 == pytest.approx(0, abs=0.01)
    assert after.tolist() == pytest.approx([1 - high, high], abs=1e-4)


def test_isotonic_steps_are_the_pooled_shares() -> None:
    raw = np.repeat([0.1, 0.4, 0.6, 0.9], 10)
    hits = [2, 6, 4, 9]  # the two in the middle are out of order and become 10 of 20
    label = np.concatenate([np.repeat([1, -1], [hit, 10 - hit]) for hit in hits])
    text = calibrate("isotonic", raw, label, np.ones(40))
    assert calibrated(text, [0.0, 0.1, 0.4, 0.6, 0.9, 1.0]).tolist() == pytest.approx([0.2, 0.2, 0.5, 0.5, 0.9, 0.9])


@pytest.mark.parametrize("method", METHODS)
def test_weights_count_and_their_scale_does_not(method: Method) -> None:
    raw, label = overconfident(300)
    weight = np.where(label == 1, 3.0, 1.0)
    even, heavy = (calibrated(calibrate(method, raw, label, of), raw) for of in (np.ones(300), weight))
    assert heavy.mean() > even.mean() + 0.1
    scaled = calibrated(calibrate(method, raw, label, weight * 1e-6), raw)
    assert scaled.tolist() == pytest.approx(heavy.tolist(), abs=1e-9)


def test_rows_of_no_weight_change_nothing_but_the_count() -> None:
    raw, label = overconfident(200)
    wrong = np.concatenate([label, -label])
    weight = np.concatenate([np.ones(200), np.zeros(200)])
    with_them = json.loads(calibrate("platt", np.concatenate([raw, raw]), wrong, weight))["curves"][0]
    alone = json.loads(calibrate("platt", raw, label, np.ones(200)))["curves"][0]
    assert alone["slope"] > 0.3
    assert with_them == pytest.approx(alone)


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ([1, -1] * 14 + [1], "29 rows, and 30 are needed"),
        ([1] * 40, "0 rows of -1, and 5 are needed"),
        ([1] * 36 + [-1] * 4, "4 rows of -1, and 5 are needed"),
    ],
)
def test_too_few_rows_or_one_class_leave_the_raw_probability_and_say_why(label: list[int], reason: str) -> None:
    raw = np.linspace(0.2, 0.8, len(label))
    text = calibrate("platt", raw, label, np.ones(len(label)))
    assert json.loads(text) == {"method": "none", "reason": reason}
    assert calibrated(text, raw).tolist() == raw.tolist()


def test_thirty_rows_with_five_of_a_class_are_enough() -> None:
    label = np.repeat([1, -1], [25, 5])
    assert json.loads(calibrate("platt", np.linspace(0.8, 0.2, 30), label, np.ones(30)))["method"] == "platt"


def test_a_model_that_ranks_upside_down_is_made_flat_at_the_base_rate() -> None:
    raw = np.repeat([0.3, 0.7], 50)
    label = np.concatenate([np.repeat([1, -1], [40, 10]), np.repeat([1, -1], [10, 40])])
    after = calibrated(calibrate("platt", raw, label, np.ones(100)), [0.1, 0.5, 0.9])
    assert after.tolist() == pytest.approx([0.5, 0.5, 0.5])


def test_rows_that_are_told_apart_without_an_error_give_a_finite_curve() -> None:
    raw, label = np.repeat([0.1, 0.9], 20), np.repeat([-1, 1], 20)
    for method in METHODS:
        low, high = calibrated(calibrate(method, raw, label, np.ones(40)), [0.1, 0.9])
        assert 1 / 22 - 1e-6 <= low < high <= 21 / 22 + 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_three_classes_are_each_calibrated_against_the_rest_and_add_up_to_one(method: Method) -> None:
    draw = np.random.default_rng(5)
    true = draw.dirichlet([2, 5, 2], size=3000)
    label = np.array([-1, 0, 1])[(draw.random(3000)[:, None] > true.cumsum(axis=1)).sum(axis=1)]
    raw = true**3 / (true**3).sum(axis=1, keepdims=True)
    after = calibrated(calibrate(method, raw, label, np.ones(3000)), raw)
    assert after.sum(axis=1).tolist() == pytest.approx(np.ones(3000).tolist())
    assert np.abs(after - true).mean() < 0.6 * np.abs(raw - true).mean()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(METHODS))
def test_a_calibrated_probability_never_falls_as_the_raw_one_rises(seed: int, method: Method) -> None:
    draw = np.random.default_rng(seed)
    label = draw.permutation(np.repeat([1, -1], [20, 20]))
    text = calibrate(method, draw.random(40), label, draw.random(40))
    after = calibrated(text, np.linspace(0, 1, 101))
    assert (np.diff(after) >= 0).all()
    assert ((after > 0) & (after < 1)).all()


def test_what_is_no_probability_is_refused_by_its_place() -> None:
    with pytest.raises(ValueError, match=r"raw\[1\] = 1\.5 is no probability"):
        calibrate("platt", [0.5, 1.5], [1, -1], [1, 1])
    with pytest.raises(ValueError, match=r"raw\[0\] = nan is no probability"):
        calibrated('{"method": "none"}', [float("nan")])
    with pytest.raises(ValueError, match="unequal lengths"):
        calibrate("platt", [0.5, 0.5], [1], [1, 1])
    with pytest.raises(ValueError, match="neither"):
        calibrate("platt", [[0.5, 0.5]], [1], [1])
