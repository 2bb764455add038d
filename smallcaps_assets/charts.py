"""Tables and charts as the UI shows them: markdown, with bars of block characters.

The UI draws no picture that stands inside metadata (it drops ``data:`` addresses), but text it shows as it is.
"""

import polars as pl

LONGEST = 30  # blocks of the longest bar


def table(headings: str, rows: pl.DataFrame) -> str:
    """A markdown table; text to the left, numbers to the right, an unknown as a dash.

    >>> print(table("day | requests", pl.DataFrame({"day": ["Monday", "Tuesday"], "requests": [7, None]})))
    | day | requests |
    | --- | ---: |
    | Monday | 7 |
    | Tuesday | – |
    """
    sides = ["---" if kind in (pl.String, pl.Date) else "---:" for kind in rows.dtypes]
    cells = [" | ".join("–" if cell is None else str(cell) for cell in row) for row in rows.iter_rows()]
    return "\n".join(f"| {line} |" for line in (headings, " | ".join(sides), *cells))


def bars(values: pl.Expr, longest: int = LONGEST, full: float | None = None) -> pl.Expr:
    """A bar for each value; the longest for ``full``, else for the greatest. Above nothing there is a block at least.

    >>> pl.DataFrame({"n": [4, 1, 0]}).select(bars(pl.col("n"), 4)).to_series().to_list()
    ['████', '█', '']
    """
    part = (values / (values.max() if full is None else full)).fill_nan(0).fill_null(0).clip(0, 1)
    return pl.lit("█").repeat_by((part * longest).ceil().cast(pl.Int64)).list.join("")


def chart(headings: str, rows: pl.DataFrame, name: str) -> str:
    """A table with the bars of one of its columns after the last."""
    return table(f"{headings} | ", rows.with_columns(bars(pl.col(name)).alias("bar")))
