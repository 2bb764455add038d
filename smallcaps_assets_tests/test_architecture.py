"""The layout is a test: imports go one way, modules are short, names are one, and nothing hides."""

import ast
import re
from pathlib import Path

import pytest

from smallcaps_assets import definitions
from smallcaps_assets.definitions import DATASETS, FLOW

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "smallcaps_assets"
TESTS = ROOT / "smallcaps_assets_tests"
MODULES = sorted(PACKAGE.rglob("*.py"))
EVERY = [*MODULES, *sorted(TESTS.rglob("*.py"))]
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "constants", "types"}
MAY_IMPORT = {
    "source": {"source"},
    "store": {"store"},
    "maths": {"maths"},
    "reports": {"sessions", "maths", "store", "reports"},
    "datasets": {
        "charts",
        "code_version",
        "contract",
        "dataset",
        "event_charts",
        "partitions",
        "sessions",
        "maths",
        "source",
        "store",
        "reports",
        "datasets",
        "verdicts",
    },
}
MAY_READ_ENVIRONMENT = {"definitions.py", "demo.py", "source/emulator/__main__.py", "source/emulator/launch.py"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imported(path: Path) -> set[str]:
    """The parts of our own package that a module imports."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "smallcaps_assets":
            parts = node.module.split(".")[1:]
            found |= {parts[0]} if parts else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("smallcaps_assets.")}
    return found


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_a_module_has_at_most_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_no_module_is_a_dumping_ground_or_a_second_version(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES
    assert not re.search(r"_(v\d+|new|old|final|copy)$", path.stem)


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__init__.py"], ids=name)
def test_every_module_and_public_function_says_what_it_is(path: Path) -> None:
    module = tree(path)
    assert ast.get_docstring(module), "the module has no docstring"
    public = [n for n in module.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]
    assert [n.name for n in public if not ast.get_docstring(n)] == []


@pytest.mark.parametrize("path", [p for part in MAY_IMPORT for p in (PACKAGE / part).rglob("*.py")], ids=name)
def test_imports_go_one_way(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0]
    assert imported(path) - MAY_IMPORT[part] == set()


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent.name == "datasets"], ids=name)
def test_a_dataset_imports_another_only_for_what_it_declares_never_the_dataset_itself(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("smallcaps_assets.datasets."):
            other = node.module.split(".")[-1]
            assert other not in {alias.name for alias in node.names}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_the_environment_the_clock_and_the_screen_are_used_where_they_belong(path: Path) -> None:
    text, place = path.read_text(), str(path.relative_to(PACKAGE))
    if place not in MAY_READ_ENVIRONMENT:
        assert "environ" not in text
        assert "getenv" not in text
    if path.relative_to(PACKAGE).parts[0] in {"maths", "datasets", "store", "reports"}:
        assert not re.search(r"\.(now|today|utcnow)\(|time\.time\(|import random", text)
    assert "except Exception" not in text
    assert "pickle" not in text


def test_the_flow_holds_every_dataset_file_and_each_dataset_is_called_as_its_file() -> None:
    files = {path.stem for path in (PACKAGE / "datasets").glob("*.py")} - {"__init__"}
    assert files == set(DATASETS)
    for dataset in DATASETS.values():
        assert dataset.function.__module__ == f"smallcaps_assets.datasets.{dataset.name}"


def test_every_dataset_has_its_test_file() -> None:
    files = {path.stem.removeprefix("test_") for path in (TESTS / "datasets").glob("test_*.py")}
    assert set(DATASETS) <= files


def test_a_dataset_comes_after_its_inputs_stage() -> None:
    stage_of = {dataset.name: place for place, stage in enumerate(FLOW.values()) for dataset in stage}
    backwards = [
        (dataset.name, upstream)
        for dataset in DATASETS.values()
        for upstream in dataset.inputs
        if stage_of[upstream] > stage_of[dataset.name]
    ]
    # the vendor's corporate actions and share counts are judged and asked for by what the market's bars show
    assert {upstream for _, upstream in backwards} <= {"daily_bars", "daily_metrics"}


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda d: d.name)
def test_every_asset_has_its_group_description_kinds_columns_and_blocking_check(dataset: object) -> None:
    asset_name = dataset.name  # type: ignore[attr-defined]
    graph = definitions.defs.resolve_asset_graph()
    node = graph.get(next(key for key in graph.get_all_asset_keys() if key.path == [asset_name]))
    assert node.group_name in FLOW
    assert len(node.description or "") > 80
    assert {"polars", "parquet"} <= set(node.kinds)
    columns = node.metadata["dagster/column_schema"].columns
    assert all(column.description for column in columns)
    contract = next(spec for spec in node.check_keys if spec.name == "contract")
    assert graph.get_check_spec(contract).blocking


def test_no_index_address_is_committed() -> None:
    for path in (ROOT / "pyproject.toml", ROOT / "constraints.txt", ROOT / "Makefile", ROOT / ".ci/run"):
        assert not re.search(r"index-url|extra-index|find-links|https?://[^ ]*(pypi|simple)", path.read_text())
