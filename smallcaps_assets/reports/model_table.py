"""Models side by side for people: a Markdown table with skill and area under the curve, each with its interval."""

from collections.abc import Mapping
from typing import Any

import polars as pl

SHOWN = 60
NAMES = ("scheme", "fold", "objective", "library")
COUNTS = ("test_rows", "trees")


def model_table(models: pl.DataFrame) -> str:
    """The first 60 rows of `models`, in the order of their names; says how many more there are."""
    titles = [*NAMES, "test rows", "trees", "base rate", "Brier skill", "AUC", "calibration error"]
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(NAMES)}{'---:|' * (len(titles) - len(NAMES))}"]
    for row in models.sort(NAMES).head(SHOWN).to_dicts():
        numbers = [f"{row['base_rate']:.3f}", *(interval(row, of) for of in ("brier_skill", "auc"))]
        cells = [*(str(row[name]) for name in (*NAMES, *COUNTS)), *numbers, f"{row['calibration_error']:.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    more = models.height - SHOWN
    return "\n".join(lines) + (f"\n\nand {more} more" if more > 0 else "")


def interval(row: Mapping[str, Any], name: str) -> str:
    """A score with the ends of its interval, ``name_low`` and ``name_high``; a dash for what is not defined.

    >>> interval({"auc": 0.5312, "auc_low": 0.45, "auc_high": None}, "auc")
    '0.531 (0.450 to –)'
    """
    value, low, high = ("–" if row[of] is None else f"{row[of]:.3f}" for of in (name, f"{name}_low", f"{name}_high"))
    return f"{value} ({low} to {high})"
