"""Size classes begin at their lower end."""

import polars as pl
import pytest

from smallcaps_assets.maths.share_counts import cap_class


@pytest.mark.parametrize(
    ("cap", "name"),
    [
        (None, None), (49.9e6, "nano"), (50e6, "micro"), (299.9e6, "micro"), (300e6, "small"), (1.99e9, "small"),
        (2e9, "mid"), (9.99e9, "mid"), (10e9, "large"),
    ],
)  # fmt: skip
def test_a_class_begins_at_its_lower_end(cap: float | None, name: str | None) -> None:
    frame = pl.DataFrame({"cap": [cap]}, schema={"cap": pl.Float64})
    assert frame.select(cap_class(pl.col("cap"))).item() == name
