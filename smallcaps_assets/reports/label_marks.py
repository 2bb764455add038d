"""Marks of what models learn from: the balance of labels, their weights, and how these decay with age.

Groups keep the order of their rows, so that sums of floats come out the same however many threads there are.
"""

import polars as pl

from smallcaps_assets.maths.driftless import driftless_of_barriers
from smallcaps_assets.reports.marks import BALANCE, DECAY, EFFECTIVE, UNIQUENESS, WEIGHTS, marks

OUTCOMES = ("+1", "0", "-1", "censored")
DRIFTLESS = "driftless +1"
SLICES = ("all", "month", "detector")
BEFORE_EVENT = "before its event"
HALVINGS = 12  # bins of weights: halves, down to 1/4096 and all below it
BINS = 20  # of uniqueness: 0.05 each


def balance(labels: pl.DataFrame) -> pl.DataFrame:
    """Share of each outcome in a set of barriers, over all, by month and by detector; what is censored is a share too.

    The series ``driftless +1`` is the share of +1 that a driftless walk would have given: over the labels that touched
    a barrier, the mean of loss / (profit + loss), times their share. ``labels``: session, barriers, label, upper,
    lower, detector (null before the tape's first event).
    """
    slices = {
        "all": pl.lit("all"),
        "month": pl.col("session").dt.strftime("%Y-%m"),
        "detector": pl.col("detector").fill_null(BEFORE_EVENT),
    }
    label = pl.col("label")
    touched = (label != 0).fill_null(False)
    chance = driftless_of_barriers(labels["upper"].to_numpy(), labels["lower"].to_numpy())
    walked = labels.with_columns(_chance=pl.Series(chance))
    counts = {"+1": label == 1, "0": label == 0, "-1": label == -1, "censored": label.is_null(), DRIFTLESS: touched}
    frames = []
    for kind in SLICES:
        by = walked.group_by("barriers", slices[kind].alias("label"), maintain_order=True).agg(
            *[held.fill_null(False).sum().cast(pl.Int64).alias(name) for name, held in counts.items()],
            _walk=pl.col("_chance").filter(touched).sum(),
            _all=pl.len(),
        )
        long = by.unpivot(
            list(counts), index=["barriers", "label", "_walk", "_all"], variable_name="series", value_name="rows"
        )
        share = pl.when(pl.col("series") == DRIFTLESS).then("_walk").otherwise("rows") / pl.col("_all")
        frames.append(long.with_columns(panel=pl.format("{} by {}", "barriers", pl.lit(kind)), value=share))
    return marks(BALANCE, pl.concat(frames).sort("panel", "series", "label"))


def weights(weighed: pl.DataFrame) -> pl.DataFrame:
    """How weights and uniqueness are distributed, and how many rows they are worth, by set of barriers.

    A bar of weights holds those of (x/2, x]; the last all below, 0 included; its ``value`` is its share of all weight.
    """
    halved = (-pl.col("weight").log(2)).floor().fill_nan(HALVINGS).clip(0, HALVINGS).cast(pl.Int64)
    by_weight = (
        weighed.group_by("barriers", _bin=halved, maintain_order=True)
        .agg(pl.len().alias("rows"), pl.col("weight").sum())
        .sort("barriers", "_bin")
        .with_columns(value=pl.col("weight") / pl.col("weight").sum().over("barriers"), x=0.5 ** pl.col("_bin"))
    )
    tenths = (pl.col("uniqueness") * BINS - 1e-9).floor().clip(0, BINS - 1)
    by_uniqueness = (
        weighed.group_by("barriers", _bin=tenths)
        .agg(pl.len().alias("rows"))
        .sort("barriers", "_bin")
        .with_columns(x=pl.col("_bin") / BINS, value=pl.col("rows") / pl.col("rows").sum().over("barriers"))
    )
    halves = [f"1/{2**power}" if power else "1" for power in range(HALVINGS)] + [f"≤ 1/{2**HALVINGS}"]
    named = by_weight.with_columns(label=pl.col("_bin").replace_strict(dict(enumerate(halves)), return_dtype=pl.String))
    return pl.concat(
        [
            marks(WEIGHTS, named.with_columns(panel="barriers", series=pl.lit("weight"))),
            marks(
                UNIQUENESS,
                by_uniqueness.with_columns(
                    panel="barriers", series=pl.lit("uniqueness"), label=pl.col("x").round(2).cast(pl.String)
                ),
            ),
        ]
    )


def effective(weighed: pl.DataFrame, panel: pl.Expr) -> pl.DataFrame:
    """How many rows the rows are worth, by panel: ticker-sessions, Σ uniqueness, and (Σ w)² / Σ w²."""
    square = pl.col("weight").sum() ** 2 / (pl.col("weight") ** 2).sum()
    figures = {
        "rows": pl.len().cast(pl.Float64),
        "sum of uniqueness": pl.col("uniqueness").sum(),
        "effective: (Σw)²/Σw²": square.fill_nan(0.0),
        "ticker-sessions": pl.struct("session", "ticker").n_unique().cast(pl.Float64),
    }
    by = weighed.group_by(panel=panel, maintain_order=True).agg(
        pl.len().alias("rows"), **{f"_{name}": of for name, of in figures.items()}
    )
    long = by.unpivot([f"_{name}" for name in figures], index=["panel", "rows"], variable_name="label")
    order = list(figures)
    named = long.with_columns(pl.col("label").str.strip_prefix("_"), series=pl.lit("worth"))
    placed = named.sort("panel", pl.col("label").replace_strict({name: at for at, name in enumerate(order)}))
    return marks(EFFECTIVE, placed)


def decay(trained: pl.DataFrame) -> pl.DataFrame:
    """The newest walk-forward training set by its sessions' age: what is left of the weight, and what it is worth.

    ``trained``: session, ticker, ``weight`` (decayed), ``own`` (before decay), uniqueness of the rows that train.
    """
    newest = trained["session"].max()
    age = (pl.lit(newest) - pl.col("session")).dt.total_days()
    by_age = (
        trained.group_by(age=age, maintain_order=True)
        .agg(pl.len().alias("rows"), pl.col("weight").sum(), pl.col("own").sum())
        .sort("age")
        .with_columns(
            x=pl.col("age").cast(pl.Float64),
            label=pl.col("age").cast(pl.String),
            value=pl.when(pl.col("own") > 0).then(pl.col("weight") / pl.col("own")),
            panel=pl.lit("newest training set"),
            series=pl.lit("weight left"),
        )
    )
    before = trained.with_columns(weight="own")
    return pl.concat(
        [
            marks(DECAY, by_age),
            effective(before, pl.lit("newest training set before decay")),
            effective(trained, pl.lit("newest training set after decay")),
        ]
    )
