"""Marks of labels and weights, by hand."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from smallcaps_assets.reports.label_marks import balance, decay, effective, weights

JANUARY, FEBRUARY = date(2024, 1, 31), date(2024, 2, 1)
LABELS = pl.DataFrame(
    {
        "session": [JANUARY, JANUARY, JANUARY, FEBRUARY],
        "barriers": ["plain"] * 4,
        "label": pl.Series([1, -1, 0, None], dtype=pl.Int8),
        "upper": [0.15] * 4,
        "lower": [-0.10] * 4,
        "detector": ["flush", "flush", None, "flush"],
    }
)


def shares(marks: pl.DataFrame, kind: str, label: str) -> dict[str, tuple[Any, Any]]:
    own = marks.filter(panel=f"plain by {kind}", label=label)
    return {series: (value, rows) for series, value, rows in own.select("series", "value", "rows").rows()}


def test_every_outcome_has_its_share_and_a_driftless_walk_its_share_of_the_touches() -> None:
    marks = balance(LABELS)
    assert shares(marks, "all", "all") == {
        "+1": (0.25, 1),
        "0": (0.25, 1),
        "-1": (0.25, 1),
        "censored": (0.25, 1),
        "driftless +1": (pytest.approx(0.2), 2),  # 0.10 / 0.25 of the two of four that touched
    }
    assert shares(marks, "month", "2024-02")["censored"] == (1.0, 1)
    assert shares(marks, "month", "2024-02")["driftless +1"] == (0.0, 0)
    assert shares(marks, "detector", "flush")["+1"] == (pytest.approx(1 / 3), 1)
    assert shares(marks, "detector", "before its event")["0"] == (1.0, 1)


def weighed(*rows: tuple[float, float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "session": [JANUARY] * len(rows),
            "ticker": ["AAA"] * len(rows),
            "barriers": ["plain"] * len(rows),
            "weight": [weight for weight, _ in rows],
            "uniqueness": [uniqueness for _, uniqueness in rows],
        }
    )


def test_a_bar_of_weights_goes_from_half_its_name_to_its_name_and_the_last_takes_what_is_less() -> None:
    marks = weights(weighed((1.0, 1.0), (0.5, 0.05), (0.500001, 0.050001), (0.0, 0.5), (1 / 4096, 0.5)))
    bars = marks.filter(chart="weights").select("label", "rows").rows()
    assert bars == [("1", 2), ("1/2", 1), ("≤ 1/4096", 2)]
    assert marks.filter(chart="weights")["value"].sum() == pytest.approx(1.0)
    unique = marks.filter(chart="uniqueness").select("label", "rows", "value").rows()
    assert unique == [("0.0", 1, 0.2), ("0.05", 1, 0.2), ("0.45", 2, 0.4), ("0.95", 1, 0.2)]


def test_rows_are_worth_the_squared_sum_of_weights_over_the_sum_of_squares() -> None:
    marks = effective(weighed((1.0, 0.5), (0.5, 0.25), (0.5, 0.25)), pl.col("barriers"))
    assert marks.select("label", "value", "rows").rows() == [
        ("rows", 3.0, 3),
        ("sum of uniqueness", 1.0, 3),
        ("effective: (Σw)²/Σw²", pytest.approx(2**2 / 1.5), 3),
        ("ticker-sessions", 1.0, 3),
    ]


def test_decay_is_what_the_age_of_its_session_leaves_of_a_weight() -> None:
    trained = weighed((0.5, 1.0), (0.2, 1.0)).with_columns(session=pl.Series([FEBRUARY, JANUARY]), own=pl.lit(0.5))
    marks = decay(trained)
    assert marks.filter(chart="decay").select("label", "value", "rows").rows() == [("0", 1.0, 1), ("1", 0.4, 1)]
    worth = dict(marks.filter(label="effective: (Σw)²/Σw²").select("panel", "value").rows())
    assert worth == {
        "newest training set before decay": pytest.approx(2.0),
        "newest training set after decay": pytest.approx(0.7**2 / 0.29),
    }
