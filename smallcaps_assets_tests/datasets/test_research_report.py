"""The report of the research: marks by hand, a page that asks for nothing, and a law that finds what is lost."""

import re
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.contract import conform
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.research_report import (
    PICTURES,
    ResearchReport,
    ResearchReportConfig,
    each_chart_stands_for_every_row,
    research_report,
)
from smallcaps_assets.reports.folder import Reports
from smallcaps_assets_tests.datasets.research_rows import DAYS, inputs

CONFIG = ResearchReportConfig()


def computed(folder: Path, config: ResearchReportConfig = CONFIG, **changed: pl.LazyFrame) -> Rows:
    given: dict[str, Any] = inputs() | changed
    (part,) = research_report(
        Run("research_report", ()), **given, reports=Reports(folder, "http://127.0.0.1:9"), config=config
    )
    return part._replace(frame=conform(ResearchReport, part.frame))


@cache
def drawn() -> tuple[Rows, Path]:
    """The report, made once."""
    folder = Path(mkdtemp())
    return computed(folder), folder


def figures(chart: str, **where: str) -> list[tuple[Any, ...]]:
    rows = drawn()[0].frame.filter(chart=chart, **where).sort("series", "place")
    return rows.select("series", "label", "value", "rows").rows()


def test_the_marks_keep_the_contract_and_stand_for_every_row() -> None:
    rows = drawn()[0].frame
    assert contracts.verdict(ResearchReport, rows).passed
    found = each_chart_stands_for_every_row(rows, inputs(), CONFIG)
    assert found.passed, found.metadata
    assert found.metadata["series"] > 20


def test_labels_have_the_detector_that_was_known_at_their_entry() -> None:
    assert figures("label balance", panel="volatility by detector", label="before its event") == [
        ("+1", "before its event", 1.0, 1),  # the fourth session's first bar, a minute before its event was known
        ("-1", "before its event", 0.0, 0),
        ("0", "before its event", 0.0, 0),
        ("censored", "before its event", 0.0, 0),
        ("driftless +1", "before its event", pytest.approx(0.4), 1),
    ]
    assert sum(rows for *_, rows in figures("label balance", panel="volatility by detector", series="-1")) == 4


def test_the_rule_buys_what_reaches_its_break_even_but_no_hindsight() -> None:
    net = figures("equity", panel="lightgbm binary", series="net")
    assert [(label, rows) for _, label, _, rows in net] == [(str(DAYS[2]), 1), (str(DAYS[3]), 0)]
    assert [value for _, _, value, _ in net] == pytest.approx([0.025, 0.0])
    assert [rows for *_, rows in figures("equity", panel="xgboost binary", series="net")] == [0, 0]
    assert [rows for *_, rows in figures("equity", panel="every test row", series="net")] == [2, 1]
    metadata = drawn()[0].metadata
    assert (metadata["test_rows"], metadata["test_rows_of_hindsight"]) == (4, 1)
    bars = ("censored_bars_of_tested_sessions", "bars_of_tested_sessions")
    assert [metadata[name] for name in bars] == [1, 5]  # a third bar of the last session, which is in no fold


def test_the_embargo_follows_the_tested_block() -> None:
    (embargo,) = drawn()[0].frame.filter(chart="folds", series="embargo").select("panel", "x").rows()
    assert embargo == ("purged_kfold 0", 2.0)  # the second session is tested; the next one's rows begin at 2


def test_the_page_is_one_file_that_asks_for_nothing_and_shows_every_picture() -> None:
    part, folder = drawn()
    page = (folder / "research_report.html").read_text()
    assert not re.search(r"https?://|url\(|<script|<link", page)
    assert "default-src 'none'" in page
    assert page.count('src="data:image/png;base64,') == len(PICTURES) == 7
    assert page.count('<p class="read"><b>Read</b> ') == page.count('<p class="bad"><b>Bad</b> ') == 7
    assert "No better than the base rate: the interval of its skill holds 0." in page
    assert "<td>lightgbm binary</td><td>net</td>" in page
    assert part.metadata["page"].value == "http://127.0.0.1:9/research_report.html"
    for name in PICTURES:
        assert (folder / f"research_{name}.png").read_bytes().startswith(b"\x89PNG")
        assert part.metadata[name].value == f"![research_{name}.png](http://127.0.0.1:9/research_{name}.png)"


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    part, folder = drawn()
    again = computed(tmp_path)
    assert again.frame.equals(part.frame)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(file.name for file in folder.iterdir())
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (folder / file.name).read_bytes(), file.name


@pytest.mark.parametrize(
    ("chart", "series", "told"),
    [("label balance", "-1", "differ"), ("folds", "test", "differ"), ("equity", "net", "gains_differ")],
)
def test_the_law_finds_a_chart_that_lost_a_mark(chart: str, series: str, told: str) -> None:
    rows = drawn()[0].frame
    lost = rows.filter((pl.col("chart") == chart) & (pl.col("series") == series) & (pl.col("rows") > 0)).head(1)
    found = each_chart_stands_for_every_row(rows.join(lost, on=["chart", "panel", "series", "place"], how="anti"),
                                            inputs(), CONFIG)  # fmt: skip
    assert not found.passed
    assert chart in found.metadata["differ"] or found.metadata[told] != "[]"


def test_without_models_the_page_says_so_and_shows_the_labels(tmp_path: Path) -> None:
    names = ("models", "predictions", "model_metrics", "feature_importance")
    none = {name: inputs()[name].filter(pl.lit(False)) for name in names}
    rows = computed(tmp_path, CONFIG, **none).frame
    assert each_chart_stands_for_every_row(rows, inputs() | none, CONFIG).passed
    assert rows["chart"].unique().sort().to_list() == [
        "decay", "effective rows", "folds", "label balance", "uniqueness", "verdicts", "weights"
    ]  # fmt: skip
    assert "There is no model of scheme walk_forward" in (tmp_path / "research_report.html").read_text()
