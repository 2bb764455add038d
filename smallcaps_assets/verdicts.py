"""A check of many rows: its figure, its bound, and whether it holds; or that there is too little to judge by."""

from typing import NamedTuple

import polars as pl

GO, NO_GO, NOT_JUDGED = "GO", "NO-GO", "NOT JUDGED"


class Check(NamedTuple):
    """One check; ``judged`` is how many things its figure is of, null where that is no matter."""

    check: str
    figure: float | None
    bound: str
    judged: int | None
    verdict: str


def within(
    check: str,
    figure: float | None,
    least: float | None,
    most: float | None,
    unit: str = "",
    *,
    below: bool = False,
    of: int | None = None,
    enough: bool = True,
) -> Check:
    """Least ≤ figure ≤ most, each if given (``below``: < most); an unknown figure does not hold.

    ``of``: how many things the figure is of; unless they are ``enough``, it is not judged.

    >>> within("largest detector", 61.0, None, 60, " %")
    Check(check='largest detector', figure=61.0, bound='≤ 60 %', judged=None, verdict='NO-GO')
    >>> within("largest detector", 100.0, None, 60, " %", of=2, enough=False).verdict
    'NOT JUDGED'
    """
    upper = "<" if below else "≤"
    bounds = [f"≥ {least:g}{unit}" if least is not None else "", f"{upper} {most:g}{unit}" if most is not None else ""]
    holds = (
        figure is not None
        and (least is None or figure >= least)
        and (most is None or (figure < most if below else figure <= most))
    )
    verdict = NOT_JUDGED if not enough else GO if holds else NO_GO
    return Check(check, figure, ", ".join(filter(None, bounds)) or "none", of, verdict)


def percentages(events: pl.DataFrame, name: str) -> dict[str, float]:
    """By value of a column, its percentage of the rows, the greatest first."""
    counts = events[name].value_counts().sort("count", name, descending=[True, False])
    return {value: 100.0 * count / events.height for value, count in counts.rows()}


def share_of(events: pl.DataFrame, name: str, *values: str) -> float | None:
    """Percentage of the rows with one of the values; None without rows.

    >>> share_of(pl.DataFrame({"segment": ["PM", "RTH", "AH", "RTH"]}), "segment", "PM", "AH")
    50.0
    """
    return sum(percentages(events, name).get(value, 0.0) for value in values) if events.height else None


def greatest(events: pl.DataFrame, name: str, count: int = 1) -> float | None:
    """Percentage of the rows that have one of the ``count`` most frequent values of a column; None without rows.

    >>> greatest(pl.DataFrame({"ticker": ["A", "B", "B", "C"]}), "ticker", 2)
    75.0
    """
    return sum(list(percentages(events, name).values())[:count]) if events.height else None


def median(values: pl.Series) -> float | None:
    """The median of what is known; None without values."""
    found = values.median()
    return float(found) if isinstance(found, int | float) else None
