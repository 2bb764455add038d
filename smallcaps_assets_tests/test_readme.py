"""The README says what is there: its table, its commands and its files."""

import re
import subprocess

import pytest

from smallcaps_assets import dictionary
from smallcaps_assets.dictionary import DICTIONARY, README, ROOT


def test_the_table_of_datasets_is_current() -> None:
    assert README.read_text() == dictionary.readme(README.read_text()), "run python -m smallcaps_assets.dictionary"


def test_the_data_dictionary_is_current() -> None:
    assert DICTIONARY.read_text() == dictionary.dictionary(), "run python -m smallcaps_assets.dictionary"


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", README.read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)", README.read_text()))))
def test_every_make_target_that_the_readme_names_exists(target: str) -> None:
    asked = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    assert asked.returncode == 0, asked.stderr
