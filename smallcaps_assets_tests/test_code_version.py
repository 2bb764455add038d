"""The name of the code that made a row."""

import re
from pathlib import Path

from smallcaps_assets.code_version import code_version, sources


def test_it_is_the_packages_version_and_a_hash_of_its_sources() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{12}", code_version())


def test_text_and_names_of_python_files_count_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    first, second = tmp_path / "a.py", tmp_path / "inner" / "b.py"
    first.write_text("x = 1\n")
    second.write_text("y = 1\n")
    before = sources(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    assert sources(tmp_path) == before
    second.write_text("y = 2\n")
    assert sources(tmp_path) != before
    second.write_text("y = 1\n")
    assert sources(tmp_path) == before
    second.rename(tmp_path / "inner" / "c.py")
    assert sources(tmp_path) != before
