"""The first system's intraday detectors, as its code had them, so that they can be run on minutes that we have.

Source: `spec/first_system.md` 2. Its faults are kept: clocks of UTC, a VWAP of one bar, baselines that hold the bar
under test, levels instead of crossings, and of each ticker, UTC date and detector only the best score of the whole day.
`price_momentum` never fired and is left out.
"""

import polars as pl

FEWEST_ROWS = 30  # of a UTC date; fewer were skipped
FILE = ["ticker", "utc_date"]  # every window below ends at the borders of one
DETECTED: dict[str, pl.DataType | type[pl.DataType]] = {
    "ticker": pl.String,
    "started_at": pl.Datetime("ns", "UTC"),
    "detector": pl.String,
    "direction": pl.String,
    "label": pl.String,
    "spike": pl.Float64,
    "score": pl.Float64,
}


def first_events(bars: pl.DataFrame) -> pl.DataFrame:
    """What the first system would have called events in rows of `minute_bars` (columns of ``DETECTED``)."""
    rows = prepared(bars)
    parts = [
        volume_spike(rows),
        vwap_break(rows),
        opening_range_break(rows),
        flush(rows),
        consolidation_break(rows),
    ]
    every = pl.concat([part.select(*DETECTED, "utc_date") for part in parts])
    best = every.sort("score", descending=True, nulls_last=True, maintain_order=True)
    kept = best.unique([*FILE, "detector"], keep="first", maintain_order=True)
    return kept.select(list(DETECTED)).cast(pl.Schema(DETECTED))


def prepared(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars cut by UTC date, with the session that a UTC clock gives them and the columns that several rules use."""
    at = pl.col("started_at")
    dated = bars.sort("ticker", "started_at").with_columns(
        utc_date=at.dt.date(), clock=at.dt.hour().cast(pl.Int64) * 60 + at.dt.minute()
    )
    return dated.filter(pl.len().over(FILE) >= FEWEST_ROWS).with_columns(
        label=pl.when(pl.col("clock").is_between(240, 569))
        .then(pl.lit("PM"))
        .when(pl.col("clock").is_between(960, 1199))
        .then(pl.lit("AH"))
        .otherwise(pl.lit("RTH")),
        range_pct=(pl.col("high") - pl.col("low")) / pl.col("open") * 100,
        over_mean=pl.col("volume") / of_rows("volume").rolling_mean(20, min_samples=1).over(FILE),
        over_median=pl.col("volume") / of_rows("volume").rolling_median(20, min_samples=1).over(FILE),
    )


def of_rows(name: str) -> pl.Expr:
    """A column whose rolling windows count rows, the one under test among them."""
    return pl.col(name).cast(pl.Float64)


def scored(rows: pl.DataFrame, detector: str, spike: pl.Expr, up: pl.Expr) -> pl.DataFrame:
    """The rows as events; a spike has another unit for each detector and goes into the score all the same."""
    direction = pl.when(up).then(pl.lit("up")).otherwise(pl.lit("down"))
    named = rows.with_columns(pl.lit(detector).alias("detector"), direction.alias("direction"), spike.alias("spike"))
    return named.with_columns(score=0.30 * pl.col("spike") + 0.25 * pl.col("range_pct") + 0.20)


def volume_spike(rows: pl.DataFrame) -> pl.DataFrame:
    """Volume over the median of 20 rows, by the bounds of the UTC label; a doji is down."""
    dollars = pl.col("volume") * pl.col("close")
    regular = (pl.col("over_median") >= 6) & (pl.col("volume") >= 10_000) & (dollars >= 50_000)
    extended = (pl.col("over_median") >= 8) & (pl.col("volume") >= 15_000) & (dollars >= 75_000)
    big = pl.when(pl.col("label") == "RTH").then(regular).otherwise(extended)
    found = rows.filter(big & (pl.col("range_pct") >= 1.5))
    return scored(found, "volume_spike", pl.col("over_median"), pl.col("close") > pl.col("open"))


def vwap_break(rows: pl.DataFrame) -> pl.DataFrame:
    """The close against (high + low + close)/3 of its own bar."""
    distance = (pl.col("close") / ((pl.col("high") + pl.col("low") + pl.col("close")) / 3) - 1) * 100
    far = rows.with_columns(distance=distance).filter(
        ((pl.col("distance") >= 0.6) & (pl.col("over_mean") >= 2.0))
        | ((pl.col("distance") <= -0.8) & (pl.col("over_mean") >= 2.5))
    )
    return scored(far, "vwap_break", pl.col("distance").abs(), pl.col("distance") > 0)


def opening_range_break(rows: pl.DataFrame) -> pl.DataFrame:
    """Any close before 16:00 UTC beyond the range of 09:30 to 09:45 UTC, earlier ones too."""
    inside = pl.col("clock").is_between(570, 584)
    ranged = rows.with_columns(
        top=pl.col("high").filter(inside).max().over(FILE), bottom=pl.col("low").filter(inside).min().over(FILE)
    )
    above, below = pl.col("close") >= pl.col("top") * 1.005, pl.col("close") <= pl.col("bottom") * 0.995
    found = ranged.filter(~inside & (pl.col("clock") < 960) & (above | below)).with_columns(label=pl.lit("RTH"))
    spike = pl.col("volume") / of_rows("volume").rolling_mean(20, min_samples=1).over(FILE)
    return scored(found, "opening_range_break", spike, above)


def flush(rows: pl.DataFrame) -> pl.DataFrame:
    """A close 8 % below the day's high, however old, after three red rows."""
    drop = (1 - pl.col("close") / pl.col("high").cum_max().over(FILE)) * 100
    red = (pl.col("close") < pl.col("open")).cast(pl.Int64).rolling_sum(3, min_samples=1).over(FILE)
    found = rows.with_columns(drop=drop, red=red)
    found = found.filter((pl.col("drop") >= 8) & (pl.col("over_mean") >= 4.0) & (pl.col("red") >= 3))
    return scored(found, "flush", pl.col("drop"), pl.lit(value=False))


def consolidation_break(rows: pl.DataFrame) -> pl.DataFrame:
    """A close 1 % beyond 30 rows whose whole range is at most half of one row's median range."""
    top = pl.col("high").rolling_max(30, min_samples=1)
    bottom = pl.col("low").rolling_min(30, min_samples=1)
    usual = ((pl.col("high") - pl.col("low")) / pl.col("open")).rolling_median(30, min_samples=1)
    calm = (top - bottom) / pl.col("open") <= 0.5 * usual
    based = rows.with_columns(
        top=top.shift(1).over(FILE), bottom=bottom.shift(1).over(FILE), calm=calm.shift(1).over(FILE)
    )
    up, down = pl.col("close") >= pl.col("top") * 1.01, pl.col("close") <= pl.col("bottom") * 0.99
    found = based.filter(pl.col("calm") & (pl.col("over_mean") >= 2.0) & (up | down))
    return scored(found, "consolidation_break", pl.col("over_mean"), up)
