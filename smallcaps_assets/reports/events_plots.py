"""Draws the charts of all events in one picture, as PNG without a screen.

A chart is rows of ``place`` (order), ``label``, ``events`` and ``admitted``; the same rows give the same bytes.
"""

from io import BytesIO

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

CONCENTRATION, WATERFALL = "concentration", "waterfall"
CHARTS = ("detector", "segment", "quarter hour", "month", "score", CONCENTRATION, WATERFALL)
TITLES = {
    "detector": "Events by detector",
    "segment": "Events by segment",
    "quarter hour": "Events by quarter hour, New York",
    "month": "Events by month",
    "score": "Score (lower end of the bin)",
    CONCENTRATION: "Concentration: the busiest tickers' share of the events",
    WATERFALL: "Waterfall: events left after each filter",
}
ALL, ADMITTED = "#9db4d6", "#2c5fd5"
INCHES, DOTS = {1: (6.8, 21.0), 2: (12.0, 13.0)}, 80  # by columns
MOST_LABELS = 14  # on one axis; of more, every second, third, … is written


def png(rows: pl.DataFrame, columns: int) -> bytes:
    """The picture of all charts, in two columns, or in one, which fits an asset's page."""
    figure = Figure(figsize=INCHES[columns], dpi=DOTS, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(-(-len(CHARTS) // columns), columns)
    for place, chart in enumerate(CHARTS):
        axes = figure.add_subplot(grid[-1, :] if chart == WATERFALL else grid[place // columns, place % columns])
        own = rows.filter(chart=chart).sort("place")
        axes.set_title(TITLES[chart], fontsize=10, loc="left")
        axes.tick_params(labelsize=8)
        if chart == CONCENTRATION:
            _curve(axes, own)
        elif chart in ("detector", WATERFALL):
            _lying(axes, own)
        else:
            _standing(axes, own)
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _standing(axes: Axes, own: pl.DataFrame) -> None:
    at = np.arange(own.height)
    axes.bar(at, own["events"], color=ALL, width=0.85, label="all")
    axes.bar(at, own["admitted"], color=ADMITTED, width=0.55, label="admitted")
    step = max(1, -(-own.height // MOST_LABELS))
    axes.set_xticks(at[::step], own["label"].to_list()[::step])
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, frameon=False)


def _lying(axes: Axes, own: pl.DataFrame) -> None:
    at = np.arange(own.height)
    axes.barh(at, own["events"], color=ALL, height=0.8)
    if own["admitted"].null_count() < own.height:
        axes.barh(at, own["admitted"], color=ADMITTED, height=0.5)
    for place, (events, admitted) in enumerate(own.select("events", "admitted").rows()):
        text = f" {events:,}" if admitted is None else f" {events:,}, {admitted:,} admitted"
        axes.text(events, place, text, fontsize=8, va="center")
    axes.set_yticks(at, own["label"].to_list())
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.set_xlim(left=0)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)


def _curve(axes: Axes, own: pl.DataFrame) -> None:
    share = 100.0 * np.arange(own.height + 1) / max(own.height, 1)
    for name, colour in (("events", ALL), ("admitted", ADMITTED)):
        counts = np.append(0.0, own[name].cast(pl.Float64).to_numpy())
        axes.plot(share, 100.0 * counts / max(counts[-1], 1.0), color=colour, label=name.replace("events", "all"))
    axes.plot([0, 100], [0, 100], color="#bbbbbb", linewidth=0.8, linestyle="--")
    axes.set_xlabel("% of the tickers, busiest first", fontsize=8)
    axes.set_ylabel("% of the events", fontsize=8)
    axes.grid(color="#eeeeee")
    axes.legend(fontsize=8, frameon=False)
