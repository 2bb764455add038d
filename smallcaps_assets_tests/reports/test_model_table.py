"""Models side by side for people."""

import polars as pl

from smallcaps_assets.reports.model_table import model_table

ROW = {
    "scheme": "walk_forward", "fold": 0, "objective": "binary", "library": "xgboost", "test_rows": 40, "trees": 12,
    "base_rate": 0.4, "brier_skill": -0.0125, "brier_skill_low": -0.1, "brier_skill_high": 0.05,
    "auc": None, "auc_low": None, "auc_high": None, "calibration_error": 0.0821,
}  # fmt: skip


def test_a_row_shows_scores_with_intervals_and_a_dash_for_what_is_not_defined() -> None:
    lines = model_table(pl.DataFrame([ROW, ROW | {"fold": 1}])).splitlines()
    assert len(lines) == 4
    assert lines[2] == (
        "| walk_forward | 0 | binary | xgboost | 40 | 12 | 0.400 | -0.013 (-0.100 to 0.050) | – (– to –) | 0.082 |"
    )
    assert len({line.count("|") for line in lines}) == 1


def test_more_models_than_a_page_holds_are_counted() -> None:
    table = model_table(pl.DataFrame([ROW | {"fold": fold} for fold in range(63)]))
    assert "| walk_forward | 59 |" in table
    assert "| walk_forward | 60 |" not in table
    assert table.endswith("and 3 more")


def test_no_models_are_a_table_without_rows() -> None:
    assert len(model_table(pl.DataFrame([ROW]).clear()).splitlines()) == 2
