"""The page of the research: seven pictures with their numbers in one HTML file that asks nothing of the network."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

import polars as pl

from smallcaps_assets.reports.marks import CALIBRATION_ERROR, METRICS, PERFORMANCE, VERDICTS

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Research</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 28px auto; max-width: 1060px; padding: 0 20px; color: #1c2430; }
  h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 44px 0 6px; padding-top: 14px;
    border-top: 2px solid #1c2430; } h3 { font-size: 15px; margin: 22px 0 4px; }
  img { width: 100%; margin: 10px 0; } p { margin: 4px 0; max-width: 900px; }
  nav a { color: #2c5fd5; margin-right: 14px; white-space: nowrap; }
  .read b, .bad b { display: inline-block; min-width: 44px; } .bad b { color: #cf4a3c; } .read b { color: #2f9e6e; }
  .wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13px; margin: 8px 0; }
  th, td { text-align: left; padding: 5px 9px; border-bottom: 1px solid #e0e4ea; vertical-align: top; }
  th { color: #6b7685; font-weight: 600; border-bottom-color: #aab2be; }
  td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } td.n { white-space: nowrap; }
  th { vertical-align: bottom; } td:first-child { white-space: nowrap; }
  td small { color: #6b7685; }
</style></head><body>
"""


class Section(NamedTuple):
    """A part of the page: what to read from it, and what would be bad."""

    name: str
    """Of its picture."""
    title: str
    read: str
    bad: str


SECTIONS = (
    Section(
        "labels",
        "Label balance",
        "The share of each outcome, and beside it a dark tick where +1 would end if prices moved without drift: "
        "loss / (profit + loss) of the labels that touched a barrier.",
        "+1 far from the tick in every month (the rows were chosen with hindsight), a detector or month that is nearly "
        "all one class, or many censored labels (the windows end before the horizon). A horizon by itself puts +1 "
        "somewhat under the tick, because the nearer barrier is touched sooner.",
    ),
    Section(
        "weights",
        "Weights",
        "How many independent rows there really are: (Σw)²/Σw² and the sum of uniqueness beside the bare count, and "
        "how much of a training row's weight its session's age leaves.",
        "Effective rows below a few hundred (no interval will be narrow), a few rows that hold most of the weight, "
        "or a flat line of decay (age does not count at all).",
    ),
    Section(
        "folds",
        "Folds",
        "What the rows of each session are for in each fold; a session's rows share its width evenly, in order of "
        "time, so that single purged rows can be seen. The embargo is hatched after every tested block that the fold "
        "has rows after; in a walk-forward nothing trains after the test.",
        "Light blue that touches dark blue without red between where labels overlap, light blue inside a hatched span, "
        "or test blocks of very unequal width.",
    ),
    Section(
        "calibration",
        "Calibration",
        "Whether a forecast can be taken at its word: of the rows forecast at 40 %, 40 % should be +1 (the dashed "
        "line). Ten bins of equal weight of the test rows that touched a barrier; the area of a point is its rows.",
        "Points on a level line (the forecasts say nothing), a curve flatter than the dashed line (forecasts too "
        "sure), or an expected calibration error (ECE) that is higher after calibration than before.",
    ),
    Section(
        "importance",
        "Importance",
        "What the forecasts rest on, the mean over folds: the rise of the test log loss when a feature's whole cluster "
        "is shuffled (so that its twins cannot stand in for it), the size of its pull in log odds, and its share of "
        "the gain.",
        "Permuted bars that all reach across 0 while SHAP and gain are large (what was learned does not hold out of "
        "sample), or one feature far above all others (look for a leak).",
    ),
    Section(
        "equity",
        "A naive rule before and after costs",
        "Whether the forecasts survive costs, and what they add to buying every row: gains summed over every exchange "
        "session of the test span, those without signals with 0; each panel has its own scale.",
        "A gross line that rises and a net line that falls (the edge is smaller than the spread), a model that does no "
        "better a signal than buying every row, a gain made in one session, or a deflated Sharpe ratio under 0.95 (the "
        "chance that it beats the best of as many worthless models as were tried).",
    ),
    Section(
        "slices",
        "Scores against the base rate",
        "The forecast to beat is the training set's share of +1; skill and AUC have 95 % intervals over "
        "ticker-sessions, of all test rows in the table and by fold, month and detector in the picture.",
        "Intervals that hold 0 (skill) or 0.5 (AUC): no better than the base rate. One fold, month or detector that "
        "carries all of the skill. An AUC above 0.8: suspected leakage.",
    ),
)
METRIC_COLUMNS: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "share_up": ("+1 by weight", "{:.1%}".format),
    "base_rate": ("base rate", "{:.1%}".format),
    "share_up_of_rows": ("+1 of the rows", "{:.1%}".format),
    "driftless": ("driftless", "{:.1%}".format),
    "log_loss": ("log loss", "{:.4f}".format),
    "log_loss_base": ("of the base rate", "{:.4f}".format),
    "brier_skill": ("Brier skill", "{:+.3f}".format),
    "auc": ("AUC", "{:.3f}".format),
    "calibration_error": ("ECE", "{:.3f}".format),
    "top_decile_precision": ("top decile +1", "{:.1%}".format),
}


def page(marks: pl.DataFrame, pictures: Mapping[str, bytes], rule: str) -> bytes:
    """The page's bytes. ``pictures``: PNGs by section; ``rule``: in words, what the naive rule buys."""
    tables = {
        "calibration": _errors(marks),
        "equity": _performance(marks),
        "slices": _metrics(marks),
    }
    links = "".join(f'<a href="#{section.name}">{escape(section.title)}</a>' for section in SECTIONS)
    parts = [HEAD, "<h1>From labels to forecasts</h1>", f"<nav>{links}</nav>", "<h3>In words</h3>", _verdicts(marks)]
    for number, section in enumerate(SECTIONS, 1):
        image = b64encode(pictures[section.name]).decode()
        parts += [
            f'<h2 id="{section.name}">{number}. {escape(section.title)}</h2>',
            f'<p class="read"><b>Read</b> {escape(section.read)}</p>',
            f'<p class="bad"><b>Bad</b> {escape(section.bad)}</p>',
            f"<p><b>What is bought</b> {escape(rule)}</p>" if section.name == "equity" else "",
            tables.get(section.name, ""),
            f'<img alt="{escape(section.title)}" src="data:image/png;base64,{image}">',
        ]
    return "\n".join([*parts, "</body></html>\n"]).encode()


def _verdicts(marks: pl.DataFrame) -> str:
    own = marks.filter(chart=VERDICTS)
    rows = []
    for panel in own["panel"].unique(maintain_order=True):
        said = own.filter(panel=panel).select("series", "label").rows()
        sentences = "<br>".join(f"<small>{escape(series)}</small> {escape(label)}" for series, label in said)
        rows.append([escape(panel), sentences])
    return _table(["model", "what its test rows say"], rows)


def _metrics(marks: pl.DataFrame) -> str:
    own = marks.filter(chart=METRICS)
    rows = []
    for panel in own["panel"].unique(maintain_order=True):
        found = {row["series"]: row for row in own.filter(panel=panel).iter_rows(named=True)}
        cells = [_interval(found[name], shown) for name, (_, shown) in METRIC_COLUMNS.items()]
        rows.append([escape(panel), f"{next(iter(found.values()))['rows']:,}", *cells])
    return _table(["model", "test rows", *(heading for heading, _ in METRIC_COLUMNS.values())], rows)


def _interval(mark: Mapping[str, float | None], shown: Callable[[float], str]) -> str:
    value, low, high = mark["value"], mark["low"], mark["high"]
    if value is None:
        return "–"
    return (
        shown(value)
        if low is None or high is None
        else f"{shown(value)}<br><small>{shown(low)} to {shown(high)}</small>"
    )


def _errors(marks: pl.DataFrame) -> str:
    own = marks.filter(chart=CALIBRATION_ERROR)
    rows = [
        [escape(panel), escape(series), f"{count:,}", f"{value:.4f}"]
        for panel, series, count, value in own.select("panel", "series", "rows", "value").rows()
    ]
    return _table(["model", "forecast", "rows that touched", "ECE"], rows, words=2)


def _performance(marks: pl.DataFrame) -> str:
    own = marks.filter(chart=PERFORMANCE)
    headings = own["label"].unique(maintain_order=True).to_list()
    rows = []
    for panel, series in own.select("panel", "series").unique(maintain_order=True).rows():
        found = dict(own.filter(panel=panel, series=series).select("label", "value").rows())
        rows.append([escape(panel), escape(series), *(_figure(found[heading]) for heading in headings)])
    return _table(["signals of", "returns", *headings], rows, words=2)


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.4f}" if abs(value) < 1 else f"{value:,.2f}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table whose first columns hold words and whose others hold numbers; cells are HTML already."""
    verbal = words if len(headings) > 2 else len(headings)
    sides = ["" if place < verbal else ' class="n"' for place in range(len(headings))]
    head = "".join(f"<th{side}>{escape(heading)}</th>" for side, heading in zip(sides, headings, strict=True))
    body = ["".join(f"<td{side}>{cell}</td>" for side, cell in zip(sides, row, strict=True)) for row in rows]
    lines = "\n".join(f"<tr>{line}</tr>" for line in body)
    return f'<div class="wide"><table><tr>{head}</tr>\n{lines}</table></div>'
