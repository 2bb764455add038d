"""A model's list of features consists of declared features: mypy says so, and so does the door to the model."""

from copy import copy, deepcopy
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mypy import api

from smallcaps_assets.maths import feature_list
from smallcaps_assets.maths.feature_list import FeatureName, matrix

DECLARED = {"bar": "key", "close": "column", "f_gap": "feature", "f_vpin_20": "feature", "label": "outcome"}
GAP, VPIN = FeatureName("f_gap", DECLARED), FeatureName("f_vpin_20", DECLARED)
ROWS = pl.DataFrame({"f_gap": [0.5, None], "bar": [0, 1], "f_vpin_20": [1.0, 0.25], "label": [1, -1]})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("label", "label is no feature but an outcome"),
        ("bar", "bar is no feature but a key"),
        ("close", "close is no feature but a column"),
        ("f_nothing", "f_nothing is no feature: the contract has no such column"),
    ],
)
def test_nothing_but_a_declared_feature_becomes_a_feature_name(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        FeatureName(name, DECLARED)


def test_a_feature_name_is_its_columns_name_wherever_one_is_wanted_also_as_a_copy() -> None:
    assert ROWS.select(GAP, pl.col(VPIN)).columns == ["f_gap", "f_vpin_20"]
    assert {"f_gap": 1}[GAP] == 1
    for again in (copy(GAP), deepcopy([GAP])[0]):
        assert isinstance(again, FeatureName)
        assert again == GAP


def test_the_matrix_has_a_row_a_row_and_a_column_a_feature_in_their_order_and_null_is_nan() -> None:
    found = matrix(ROWS, [VPIN, GAP])
    np.testing.assert_array_equal(found, [[1.0, 0.5], [0.25, np.nan]])
    assert found.dtype == np.float64
    assert found.flags.c_contiguous
    assert matrix(ROWS.clear(), [VPIN, GAP]).shape == (0, 2)


def test_the_matrix_refuses_a_plain_string_none_and_one_twice() -> None:
    with pytest.raises(TypeError, match="'label' is a plain string"):
        matrix(ROWS, [GAP, "label"])  # type: ignore[list-item]
    for wrong in ([], [GAP, GAP]):
        with pytest.raises(ValueError, match="at least one and each once"):
            matrix(ROWS, wrong)


def test_mypy_refuses_a_list_of_strings_where_features_are_wanted(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(
        "from smallcaps_assets.maths.feature_list import FeatureName, matrix\n"
        "features, names = [FeatureName('f_gap', {})], ['f_gap', 'label']\n"
        "matrix(None, features)\n"
        "matrix(None, names)\n"
    )
    # only these two files are read: polars and numpy would take half a minute
    options = ["--follow-imports=skip", "--no-incremental", "--config-file=", "--disable-error-code=import-not-found"]
    told, trouble, _ = api.run([*options, feature_list.__file__, str(snippet)])
    assert not trouble
    (error,) = [line for line in told.splitlines() if ": error:" in line and "snippet.py" in line]
    assert "snippet.py:4: error:" in error
    assert '"list[str]"; expected "Sequence[FeatureName]"' in error
