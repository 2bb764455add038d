"""What the research report draws, as rows: a mark is a bar, a point or a span of a chart, or a figure of a table.

Every picture and table of the report is drawn from marks alone, so that each number seen can be queried. Columns:
``chart``, ``panel`` (one picture of a chart), ``series`` (one colour of it), ``place`` (order within the series),
``label``, ``x``, ``value``, ``low`` and ``high`` (its interval) and ``rows`` (how many input rows it stands for).
"""

from collections.abc import Sequence

import polars as pl

BALANCE, WEIGHTS, UNIQUENESS, EFFECTIVE, DECAY = "label balance", "weights", "uniqueness", "effective rows", "decay"
FOLDS, CALIBRATION, CALIBRATION_ERROR = "folds", "calibration", "calibration error"
IMPORTANCE, EQUITY, PERFORMANCE = "importance", "equity", "performance"
METRICS, SLICES, VERDICTS = "metrics", "metrics by slice", "verdicts"
CHARTS = (
    BALANCE, WEIGHTS, UNIQUENESS, EFFECTIVE, DECAY, FOLDS, CALIBRATION, CALIBRATION_ERROR,
    IMPORTANCE, EQUITY, PERFORMANCE, METRICS, SLICES, VERDICTS,
)  # fmt: skip

MARK = pl.Schema(
    {
        "chart": pl.String(),
        "panel": pl.String(),
        "series": pl.String(),
        "place": pl.Int64(),
        "label": pl.String(),
        "x": pl.Float64(),
        "value": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "rows": pl.Int64(),
    }
)


def marks(chart: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Marks of one chart, in the frame's order: ``panel``, ``series``, ``label`` and whichever other columns it has.

    >>> drawn = pl.DataFrame({"panel": ["p", "p"], "series": ["s", "s"], "label": ["a", "b"], "value": [1.5, None]})
    >>> marks("weights", drawn).select("chart", "place", "label", "value", "rows").rows()
    [('weights', 1, 'a', 1.5, None), ('weights', 2, 'b', None, None)]
    """
    place = pl.int_range(1, pl.len() + 1).over("panel", "series")
    absent = [pl.lit(None).alias(name) for name in MARK if name not in frame.columns]
    return frame.with_columns(*absent).with_columns(place=place, chart=pl.lit(chart)).select(MARK.names()).cast(MARK)


def told(chart: str, rows: Sequence[tuple[str, str, str, float | None]]) -> pl.DataFrame:
    """Marks that are single figures or sentences: (panel, series, label, value) each."""
    return marks(chart, pl.DataFrame(rows, schema={name: MARK[name] for name in _TOLD}, orient="row"))


_TOLD = ("panel", "series", "label", "value")
