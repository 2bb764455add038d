"""Draws what models learn from: the balance of labels, their weights, and the folds."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch

from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.reports import drawing
from smallcaps_assets.reports.drawing import BLUE, GREEN, GREY, INK, MUTED, ORANGE, PURPLE, RED, SAND
from smallcaps_assets.reports.fold_marks import EMBARGO, ROLES
from smallcaps_assets.reports.label_marks import DRIFTLESS, OUTCOMES, SLICES
from smallcaps_assets.reports.marks import BALANCE, DECAY, EFFECTIVE, FOLDS, UNIQUENESS, WEIGHTS

OUTCOME_COLOURS = dict(zip(OUTCOMES, (GREEN, GREY, RED, "#f1f3f6"), strict=True))
ROLE_COLOURS = dict(zip(ROLES, ("#b9cbee", SAND, BLUE, RED, "#d3c2ea"), strict=True))
ROLE_NAMES = {"valid": "validate"}
BAR = 0.25  # inches of height a bar takes


def balance(marks: pl.DataFrame) -> bytes:
    """Stacked shares of the outcomes, a column a set of barriers; a tick where a driftless walk would end +1."""
    own = marks.filter(chart=BALANCE)
    sets = own["panel"].str.split(" by ").list.first().unique().sort().to_list()
    bars = max((sum(_labels(own, name, kind).__len__() + 1 for kind in SLICES) for name in sets), default=4)
    figure = drawing.figure(BAR * bars + 1.2)
    for place, name in enumerate(sets, 1):
        _stacked(figure.add_subplot(1, len(sets), place), own, name)
    handles = [Patch(facecolor=colour, edgecolor=GREY, label=name) for name, colour in OUTCOME_COLOURS.items()]
    handles.append(Patch(facecolor=INK, label="+1 of a driftless walk"))
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return drawing.png(figure)


def _labels(own: pl.DataFrame, name: str, kind: str) -> list[str]:
    return own.filter(panel=f"{name} by {kind}", series=DRIFTLESS).sort("place")["label"].to_list()


def _stacked(axes: Axes, own: pl.DataFrame, name: str) -> None:
    drawing.dress(axes, f"Barriers “{name}”", grid="x")
    axes.set_title("+1 of the touches", fontsize=8, loc="right", color=MUTED)
    ticks: list[tuple[float, str]] = []
    at = 0.0
    for kind in SLICES:
        panel = own.filter(panel=f"{name} by {kind}")
        rows = {series: panel.filter(series=series).sort("place") for series in (*OUTCOMES, DRIFTLESS)}
        labels = rows[DRIFTLESS]["label"].to_list()
        where = at + np.arange(len(labels))
        left = np.zeros(len(labels))
        for outcome, colour in OUTCOME_COLOURS.items():
            share = rows[outcome]["value"].to_numpy()
            axes.barh(where, share, left=left, height=0.74, color=colour, edgecolor="white", linewidth=0.5)
            left = left + share
        walk = rows[DRIFTLESS]["value"].to_numpy()
        axes.vlines(np.where(walk > 0, walk, np.nan), where - 0.44, where + 0.44, color=INK, linewidth=2.0)
        count = np.sum([rows[outcome]["rows"].to_numpy() for outcome in OUTCOMES], axis=0)
        touched = np.maximum(rows[DRIFTLESS]["rows"].to_numpy(), 1)
        for place, rows_there, up, expected in zip(
            where, count, rows["+1"]["rows"].to_numpy() / touched, walk * count / touched, strict=True
        ):
            text = (
                f"{100 * up:.0f} % (walk {100 * expected:.0f} %), {rows_there:,} bars"
                if expected
                else f"no touch, {rows_there:,} bars"
            )
            axes.text(1.02, place, text, fontsize=7.5, va="center", color=MUTED, clip_on=False)
        ticks += list(zip(where, labels, strict=True))
        at += len(labels) + 1
    axes.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
    axes.set_xlim(0, 1.5)
    axes.set_xticks(np.arange(0, 1.01, 0.25))
    axes.spines["bottom"].set_bounds(0, 1)
    axes.xaxis.set_major_formatter(drawing.PERCENT)
    axes.set_ylim(at - 1.4, -0.6)


def weights(marks: pl.DataFrame) -> bytes:
    """Weights and uniqueness by set of barriers, what rows are worth, and the decay of the newest training set."""
    sets = marks.filter(chart=WEIGHTS)["panel"].unique().sort().to_list()
    figure = drawing.figure(10.0)
    grid = figure.add_gridspec(3, max(2, len(sets)))
    for column, name in enumerate(sets):
        _weights(figure.add_subplot(grid[0, column]), marks.filter(chart=WEIGHTS, panel=name), name)
        axes = figure.add_subplot(grid[1, column])
        own = marks.filter(chart=UNIQUENESS, panel=name).sort("place")
        drawing.dress(axes, f"Uniqueness, barriers “{name}”", grid="y")
        axes.bar(own["x"] + 0.025, own["value"], width=0.046, color=BLUE)
        axes.set_xlim(0, 1)
        axes.yaxis.set_major_formatter(drawing.PERCENT)
        drawing.name_axes(axes, "uniqueness of a label: 1 overlaps none", "rows")
    _worth(figure.add_subplot(grid[2, 0]), marks.filter(chart=EFFECTIVE))
    _decay(figure.add_subplot(grid[2, 1:]), marks.filter(chart=DECAY).sort("x"))
    return drawing.png(figure)


def _weights(axes: Axes, own: pl.DataFrame, name: str) -> None:
    drawing.dress(axes, f"Weights, barriers “{name}”", grid="y")
    total = max(int(own["rows"].sum()), 1)
    bins = own.sort("x", descending=True)
    where = np.arange(bins.height)
    axes.bar(where - 0.2, bins["rows"] / total, width=0.4, color=BLUE, label="of the rows")
    axes.bar(where + 0.2, bins["value"], width=0.4, color=ORANGE, label="of all weight")
    axes.set_xticks(where, bins["label"].to_list(), rotation=45, ha="right")
    axes.yaxis.set_major_formatter(drawing.PERCENT)
    axes.legend(fontsize=8, frameon=False)
    drawing.name_axes(axes, "weight up to; a ticker-session's sum to 1", "share")


def _worth(axes: Axes, own: pl.DataFrame) -> None:
    drawing.dress(axes, "What the rows are worth", grid="x")
    panels = own["panel"].unique(maintain_order=True).to_list()
    figures = own["label"].unique(maintain_order=True).to_list()
    tall = 0.8 / max(len(figures), 1)
    longest = float(own["value"].max() or 1.0)  # type: ignore[arg-type]
    for turn, label in enumerate(figures):
        values = [float(own.filter(panel=panel, label=label)["value"].sum()) for panel in panels]
        where = np.arange(len(panels)) + (turn - (len(figures) - 1) / 2) * tall
        axes.barh(where, values, height=tall * 0.9, color=(GREY, SAND, BLUE, GREEN)[turn % 4], label=label)
        for place, value in zip(where, values, strict=True):
            axes.text(value + longest * 0.01, place, f"{value:,.0f}", fontsize=7, va="center", color=MUTED)
    axes.set_yticks(
        np.arange(len(panels)), [panel.replace("newest training set", "newest\ntraining set\n") for panel in panels]
    )
    axes.invert_yaxis()
    axes.set_xlim(0, longest * 1.12)
    axes.xaxis.set_major_formatter(drawing.COUNT)
    axes.legend(fontsize=7.5, frameon=False, loc="lower right")


def _decay(axes: Axes, own: pl.DataFrame) -> None:
    drawing.dress(axes, "Weight left by age of the session, newest training set", grid="y")
    axes.plot(own["x"], own["value"], color=BLUE, marker="o", markersize=3.5, linewidth=1.2)
    axes.set_ylim(0, 1.05)
    axes.yaxis.set_major_formatter(drawing.PERCENT)
    drawing.name_axes(axes, "calendar days before the newest training session", "weight after decay over before")


def folds(marks: pl.DataFrame) -> bytes:
    """A panel a scheme, a line a fold: what the rows of each session are for, and the embargoes hatched."""
    own = marks.filter(chart=FOLDS).with_columns(
        scheme=pl.col("panel").str.split(" ").list.first(),
        fold=pl.col("panel").str.split(" ").list.last().cast(pl.Int64),
    )
    schemes = [s for s in ("walk_forward", "purged_kfold", "combinatorial_purged") if s in own["scheme"].unique()]
    numbers = [int(own.filter(scheme=scheme)["fold"].max()) + 1 for scheme in schemes]  # type: ignore[arg-type]
    heights = [min(0.7 + 0.24 * count, 8.0) for count in numbers]
    figure = drawing.figure(sum(heights) + 0.6)
    panels = np.atleast_1d(
        figure.subplots(max(len(schemes), 1), 1, sharex=True, gridspec_kw={"height_ratios": heights or [1]})
    )
    days = own.filter(pl.col("series") != EMBARGO).select(day=pl.col("x").floor(), label="label").unique().sort("day")
    at, labels = drawing.thinned(days["label"].to_list())
    for axes, scheme, count in zip(panels, schemes, numbers, strict=False):
        _folds(axes, own.filter(scheme=scheme), scheme, count)
        axes.set_xticks(days["day"].to_numpy()[at] + 0.5, labels)
    handles = [Patch(facecolor=colour, label=ROLE_NAMES.get(role, role)) for role, colour in ROLE_COLOURS.items()]
    handles.append(Patch(facecolor="none", edgecolor=PURPLE, hatch="////", label="embargo after a test"))
    figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=8, frameon=False)
    return drawing.png(figure)


def _folds(axes: Axes, own: pl.DataFrame, scheme: str, count: int) -> None:
    drawing.dress(axes, f"{scheme}: {count} folds", grid="x")
    for role, colour in ROLE_COLOURS.items():
        axes.add_collection(PolyCollection(_boxes(own.filter(series=role), 0.38), facecolors=colour, linewidths=0))
    embargo = _boxes(own.filter(series=EMBARGO), 0.44)
    axes.add_collection(PolyCollection(embargo, facecolors="none", edgecolors=PURPLE, linewidths=0.9, hatch="//////"))
    axes.set_xlim(0, float(own["value"].max() or 1.0))  # type: ignore[arg-type]
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_yticks(*drawing.thinned([str(number) for number in range(count)], 16))
    drawing.name_axes(axes, y="fold")


def _boxes(spans: pl.DataFrame, half: float) -> list[Floats]:
    left, right, at = (spans[name].cast(pl.Float64).to_numpy() for name in ("x", "value", "fold"))
    corners = [(left, at - half), (right, at - half), (right, at + half), (left, at + half)]
    return list(np.stack([np.column_stack(corner) for corner in corners], axis=1))
