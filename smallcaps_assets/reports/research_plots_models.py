"""Draws what models forecast: calibration, importance of features, the naive rule's gains, and scores by slice."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from smallcaps_assets.reports import drawing
from smallcaps_assets.reports.drawing import BLUE, GREY, INK, MUTED, ORANGE, TURNS
from smallcaps_assets.reports.marks import CALIBRATION, CALIBRATION_ERROR, EQUITY, IMPORTANCE, SLICES
from smallcaps_assets.reports.model_marks import AFTER, BEFORE, MEASURES, WITH_INTERVAL

CALIBRATED = {BEFORE: (ORANGE, "s"), AFTER: (BLUE, "o")}
MOST_FEATURES = 15
MEASURED = {
    "permuted": "permuted: rise of log loss, ± 1 sd",
    "shap": "SHAP: mean |log odds|",
    "gain": "share of the gain",
}
SCORED = {"brier_skill": ("Brier skill against the base rate", 0.0), "auc": ("AUC", 0.5)}  # and that of no skill
LEAST = -1.0  # of a score that is drawn: skill has no lower bound, and one bad month would flatten the rest
GAINS = {"gross": "#9aa5b4", "net": BLUE}
COLUMNS = 2


def calibration(marks: pl.DataFrame) -> bytes:
    """Forecast against share of +1, a panel a model; a point's area is its rows."""
    own, errors = marks.filter(chart=CALIBRATION), marks.filter(chart=CALIBRATION_ERROR)
    panels = own["panel"].unique().sort().to_list()
    rows = -(-max(len(panels), 1) // COLUMNS)
    figure = drawing.figure(5.0 * rows)
    drawn = np.atleast_1d(figure.subplots(rows, COLUMNS, squeeze=False)).ravel()
    most = float(own["rows"].max() or 1)  # type: ignore[arg-type]
    low, high = _span(own)
    for axes, panel in zip(drawn, panels, strict=False):
        ece = {name: errors.filter(panel=panel, series=name)["value"].sum() for name in CALIBRATED}
        few, many = (getattr(own.filter(panel=panel)["rows"], end)() for end in ("min", "max"))
        both = f"{ece[BEFORE]:.3f} before, {ece[AFTER]:.3f} after"
        error = both if ece[BEFORE] != ece[AFTER] else f"{ece[AFTER]:.3f} before and after"  # too few rows to calibrate
        drawing.dress(axes, f"{panel}\nECE {error}; {few:,} to {many:,} rows a point")
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1.0, linestyle="--")
        for series, (colour, marker) in CALIBRATED.items():
            points = own.filter(panel=panel, series=series).sort("place")
            axes.plot(points["x"], points["value"], color=colour, linewidth=1.0, alpha=0.6)
            size = 12 + 150 * points["rows"].to_numpy() / most
            axes.scatter(
                points["x"],
                points["value"],
                s=size,
                facecolor=_face(series),
                edgecolor=colour,
                marker=marker,
                alpha=0.8,
            )
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_aspect("equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(drawing.PERCENT)
        drawing.name_axes(axes, "forecast chance of +1", "share of +1 that came")
    for axes in drawn[len(panels) :]:
        axes.set_axis_off()
    if not panels:
        drawing.empty(drawn)
    handles = [
        Line2D([], [], color=colour, marker=marker, markerfacecolor=_face(series), label=series)
        for series, (colour, marker) in CALIBRATED.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return drawing.png(figure)


def _face(series: str) -> str:
    """Hollow before calibration, so that points that lie on each other are both seen."""
    return CALIBRATED[AFTER][0] if series == AFTER else "none"


def _span(points: pl.DataFrame) -> tuple[float, float]:
    """What both axes show: all points and some room, within [0, 1]."""
    both = pl.concat([points["x"], points["value"]]).drop_nulls()
    if both.is_empty():
        return 0.0, 1.0
    low, high = float(both.min()), float(both.max())  # type: ignore[arg-type]
    room = max(0.06, 0.12 * (high - low))
    return max(-0.02, low - room), min(1.02, high + room)


def importance(marks: pl.DataFrame) -> bytes:
    """The features that count most, a line of panels an objective, a colour a library."""
    own = marks.filter(chart=IMPORTANCE).with_columns(
        library=pl.col("panel").str.split(" ").list.get(1), objective=pl.col("panel").str.split(" ").list.get(2)
    )
    objectives = own["objective"].unique().sort().to_list()
    libraries = own["library"].unique().sort().to_list()
    figure = drawing.figure(4.6 * max(len(objectives), 1))
    grid = figure.subplots(max(len(objectives), 1), len(MEASURES), squeeze=False, sharey="row")
    for line, objective in zip(grid, objectives, strict=False):
        there = own.filter(objective=objective)
        ranked = (
            there.filter(series="shap")
            .group_by("label")
            .agg(pl.col("value").mean())
            .sort("value", "label", descending=[True, False])
        )
        features = ranked["label"].head(MOST_FEATURES).to_list()
        for axes, measure in zip(line, MEASURES, strict=True):
            drawing.dress(axes, MEASURED[measure], grid="x")
            for turn, library in enumerate(libraries):
                _measured(axes, there.filter(library=library, series=measure), features, turn, len(libraries), library)
            axes.axvline(0.0, color=MUTED, linewidth=0.8)
            axes.locator_params(axis="x", nbins=5)
        line[0].set_yticks(np.arange(len(features)), [name.removeprefix("f_") for name in features])
        line[0].invert_yaxis()
        drawing.name_axes(line[0], y=objective)
        line[-1].legend(fontsize=8, frameon=False, loc="lower right")
    if not objectives:
        drawing.empty(grid.ravel())
    return drawing.png(figure)


def _measured(axes: Axes, own: pl.DataFrame, features: list[str], turn: int, of: int, library: str) -> None:
    found = pl.DataFrame({"label": features}).join(own, on="label", how="left", maintain_order="left")
    value = found["value"].fill_null(0.0).to_numpy()
    off = (found["high"] - found["value"]).fill_null(0.0).to_numpy()
    where = np.arange(len(features)) + (turn - (of - 1) / 2) * 0.8 / of
    axes.barh(where, value, height=0.72 / of, color=TURNS[turn % len(TURNS)], label=library)
    axes.hlines(where, value - off, value + off, color=MUTED, linewidth=0.8)


def equity(marks: pl.DataFrame) -> bytes:
    """Summed gains over the test span's sessions, a panel a strategy with its own scale, before and after costs."""
    own = marks.filter(chart=EQUITY)
    panels = own["panel"].unique(maintain_order=True).to_list()
    rows = -(-max(len(panels), 1) // COLUMNS)
    figure = drawing.figure(2.9 * rows + 0.3)
    drawn = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True).ravel()
    for axes, panel in zip(drawn, panels, strict=False):
        signals = int(own.filter(panel=panel, series="net")["rows"].sum())
        drawing.dress(axes, f"{panel}: {signals:,} signals")
        axes.axhline(0.0, color=INK, linewidth=0.8)
        for series, colour in GAINS.items():
            gains = own.filter(panel=panel, series=series).sort("place")
            summed = np.concatenate([[0.0], np.cumsum(gains["value"].to_numpy())])
            axes.plot(np.arange(-1, gains.height), summed, color=colour, linewidth=1.8, label=series)
        if not signals:
            drawing.nothing(axes)
        drawing.name_axes(axes, y="notionals of one signal")
        axes.legend(fontsize=8, frameon=False, loc="best")
        axes.set_xticks(*drawing.thinned(gains["label"].to_list(), 6))
        axes.tick_params(labelbottom=True)
    for axes in drawn[len(panels) :]:
        axes.set_axis_off()
    return drawing.png(figure)


def slices(marks: pl.DataFrame) -> bytes:
    """Skill and AUC with their intervals, a line of panels by fold, detector and month, a colour a model."""
    own = marks.filter(chart=SLICES).with_columns(
        model=pl.col("panel").str.split(": ").list.first(), slice=pl.col("panel").str.split(": ").list.last()
    )
    kinds = [kind for kind in ("fold", "month", "detector") if kind in own["slice"].unique()]
    models = own["model"].unique().sort().to_list()
    number = pl.col("label").cast(pl.Int64, strict=False)  # folds by their number
    labels = {
        kind: own.filter(slice=kind).select("label").unique().sort(number, "label")["label"].to_list() for kind in kinds
    }
    tall = [0.5 + 0.13 * len(models) * len(labels[kind]) + 0.12 * len(labels[kind]) for kind in kinds]
    figure = drawing.figure(sum(tall) + 0.9)
    grid = figure.subplots(
        max(len(kinds), 1), len(WITH_INTERVAL), squeeze=False, sharey="row", sharex="col", height_ratios=tall or [1]
    )
    for line, kind in zip(grid, kinds, strict=False):
        for axes, score in zip(line, WITH_INTERVAL, strict=True):
            title, none = SCORED[score]
            drawing.dress(axes, f"{title}, by {kind}", grid="x")
            axes.axvline(none, color=INK, linewidth=1.0)
            for turn, model in enumerate(models):
                _forest(axes, own.filter(slice=kind, model=model, series=score), labels[kind], turn, len(models))
            axes.tick_params(labelbottom=True)
        line[0].set_yticks(np.arange(len(labels[kind])), labels[kind])
        line[0].set_ylim(len(labels[kind]) - 0.4, -0.6)
    if not kinds:
        drawing.empty(grid.ravel())
    handles = [
        Line2D([], [], color=TURNS[turn % len(TURNS)], marker="o", markersize=4, label=model)
        for turn, model in enumerate(models)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return drawing.png(figure)


def _forest(axes: Axes, own: pl.DataFrame, labels: list[str], turn: int, of: int) -> None:
    found = pl.DataFrame({"label": labels}).join(own, on="label", how="left", maintain_order="left")
    where = np.arange(len(labels)) + (turn - (of - 1) / 2) * 0.8 / of
    value, low, high = (found[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("value", "low", "high"))
    off = np.where(np.fmin(value, low) < LEAST, LEAST, np.nan)
    colour = TURNS[turn % len(TURNS)]
    axes.hlines(where, np.maximum(low, LEAST), np.maximum(high, LEAST), color=colour, linewidth=1.2)
    axes.plot(np.where(value < LEAST, np.nan, value), where, color=colour, marker="o", markersize=3.5, linestyle="none")
    axes.plot(off, where, color=colour, marker="<", markersize=5, linestyle="none")  # goes on to the left
