"""The README says what is there: its table, its commands and its files."""

import re
import subprocess

import pytest

from smallcaps_assets import dictionary
from smallcaps_assets.definitions import DATASETS, FLOW
from smallcaps_assets.dictionary import DICTIONARY, FEATURES, LINEAGE, README, ROOT
from smallcaps_assets.lineage import Box, arrow, svg


def test_the_table_of_datasets_is_current() -> None:
    assert README.read_text() == dictionary.readme(README.read_text()), "run python -m smallcaps_assets.dictionary"


def test_the_data_dictionary_is_current() -> None:
    assert DICTIONARY.read_text() == dictionary.dictionary(), "run python -m smallcaps_assets.dictionary"


def test_the_features_are_documented_as_they_are() -> None:
    assert FEATURES.read_text() == dictionary.features(), "run python -m smallcaps_assets.dictionary"


def test_the_picture_of_the_lineage_is_current() -> None:
    assert LINEAGE.read_text() == svg(FLOW), "run python -m smallcaps_assets.dictionary"


def test_an_arrow_runs_from_every_input_to_the_dataset_that_reads_it() -> None:
    picture = svg(FLOW)
    assert picture.count('marker-end="url(#head)"') == sum(len(dataset.inputs) for dataset in DATASETS.values())
    assert sorted(re.findall(r">([a-z_]+)</text>", picture)) == sorted([*FLOW, *DATASETS])


def test_an_arrow_leaves_to_the_right_and_one_within_a_column_comes_back_from_there() -> None:
    left, right, below = Box(0, 0, "#000"), Box(236, 40, "#000"), Box(0, 40, "#000")
    assert 'd="M152,13 C194,13 194,53 236,53"' in arrow(left, right)
    assert 'd="M152,13 C171,13 171,53 152,53"' in arrow(left, below)


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", README.read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)", README.read_text()))))
def test_every_make_target_that_the_readme_names_exists(target: str) -> None:
    asked = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    assert asked.returncode == 0, asked.stderr
