"""The calibration curve of one model: what it forecast of +1 against what came, before and after calibration."""

import polars as pl

from smallcaps_assets.maths.scores import reliability
from smallcaps_assets.reports.drawing import BLUE, GREY, PERCENT, dress, figure, name_axes, nothing, png

BINS = 10  # of equal weight, as the calibration error has them
FORECASTS = {"raw_up": ("before calibration", GREY), "p_up": ("after calibration", BLUE)}


def curve(forecasts: pl.DataFrame, title: str) -> bytes:
    """The picture, PNG. ``forecasts``: label, weight, raw_up and p_up of the rows that are judged."""
    drawn = figure(5.0)
    axes = drawn.add_subplot()
    dress(axes, title)
    name_axes(axes, "forecast of +1", "share of +1 that came")
    came, weight = forecasts["label"].eq(1).to_numpy(), forecasts["weight"].to_numpy()
    if not weight.sum() > 0:
        nothing(axes)
        return png(drawn)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    for name, (label, colour) in FORECASTS.items():
        points = reliability(came, forecasts[name].to_numpy(), BINS, weight)
        axes.plot(points.forecast, points.share, color=colour, marker="o", markersize=4, label=label)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.legend(fontsize=8, frameon=False)
    return png(drawn)
