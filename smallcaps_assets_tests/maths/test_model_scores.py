"""Scores of a model on its test rows."""

import math
from datetime import date

import polars as pl
import pytest

from smallcaps_assets.maths.model_scores import base_rate, judged

DAY = date(2024, 3, 4)
TEST = pl.DataFrame(
    {
        "session": [DAY] * 4,
        "ticker": ["AAA", "AAA", "BBB", "BBB"],
        "label": [1, -1, 1, 0],
        "weight": [0.5, 0.5, 1.0, 2.0],
        "o_upper": [0.03, 0.03, 0.01, 0.01],
        "o_lower": [-0.02, -0.02, -0.01, -0.01],
    }
)


def test_the_base_rate_is_the_share_of_ups_by_weight() -> None:
    assert base_rate(TEST) == pytest.approx(1.5 / 4)


def test_scores_are_of_up_against_the_rest_and_rows_count_by_weight() -> None:
    p = pl.Series([0.8, 0.4, 0.6, 0.1]).to_numpy()
    found = judged(TEST, p, 0.5, draws=50, seed=0)
    assert found["brier"] == pytest.approx((0.5 * 0.04 + 0.5 * 0.16 + 1.0 * 0.16 + 2.0 * 0.01) / 4)
    assert found["brier_skill"] == pytest.approx(1 - 0.07 / 0.25)
    assert found["log_loss_base"] == pytest.approx(math.log(2))
    assert found["log_loss"] == pytest.approx(
        -(0.5 * math.log(0.8) + 0.5 * math.log(0.6) + math.log(0.6) + 2 * math.log(0.9)) / 4
    )
    assert found["auc"] == 1.0
    assert found["driftless"] == pytest.approx((2 * 0.4 + 2 * 0.5) / 4)  # rows alike
    assert found["top_decile_precision"] == 1.0
    assert found["brier_skill_low"] is not None
    assert found["brier_skill_low"] <= 1 - 0.07 / 0.25 <= (found["brier_skill_high"] or 0)


def test_what_one_class_or_one_ticker_session_leaves_undefined_is_null() -> None:
    one = judged(TEST.filter(label=1), pl.Series([0.8, 0.6]).to_numpy(), 0.5, draws=20, seed=0)
    assert (one["auc"], one["auc_low"], one["auc_high"]) == (None, None, None)
    alone = judged(TEST.head(2), pl.Series([0.8, 0.6]).to_numpy(), 0.5, draws=20, seed=0)
    assert alone["auc"] == 1.0
    assert (alone["auc_low"], alone["brier_skill_low"]) == (None, None)


def test_the_order_of_rows_does_not_matter() -> None:
    p = pl.Series("p", [0.8, 0.4, 0.6, 0.1])
    turned = TEST.with_columns(p).reverse()
    assert judged(TEST, p.to_numpy(), 0.4, 20, 1) == pytest.approx(
        judged(turned.drop("p"), turned["p"].to_numpy(), 0.4, 20, 1)
    )


def test_each_row_may_have_a_base_rate_of_its_own() -> None:
    p = pl.Series([0.8, 0.4, 0.6, 0.1]).to_numpy()
    same, one = (judged(TEST, p, base, 20, 1) for base in (pl.Series([0.4] * 4).to_numpy(), 0.4))
    assert same == one
    other = judged(TEST, p, pl.Series([0.4, 0.4, 0.4, 0.0]).to_numpy(), 20, 1)
    # the last row's forecast of 0 was right: 0.5 · 0.36 + 0.5 · 0.16 + 1 · 0.36 of weight 4
    assert other["brier_skill"] == pytest.approx(1 - 0.07 / ((0.18 + 0.08 + 0.36) / 4))
