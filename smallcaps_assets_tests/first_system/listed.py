"""The first system's own list of intraday events, `polygon_events_sparse`, judged by what it stores of each.

It holds the bar of each event and no other, of 83 tickers from 2022-10 to 2025-10, prices adjusted later. None of its
ticker-days is one whose minutes were recorded, so that no event can be detected again; what its bar and the New York
clock alone refute can be counted. What they do not refute is not thereby confirmed.
"""

from pathlib import Path

import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets_tests.first_system.daily import first_of

LIST = "polygon_events_sparse"
LARGE = 2e9  # USD, excluded
EIGHT = "08:00 in New York: the trades made off exchange since 04:00 are reported at once"
NOT_REFUTED = "not refuted by its bar: the minutes around it are needed"
EXACT = 2e-3  # of a percentage or a score that was stored in single precision


def listed(shared: Path) -> pl.DataFrame:
    """The list with what can be checked of each event and ``reason``, the first thing that refutes it."""
    vectors = shared / "realdata" / "vectors"
    rows = pl.read_parquet(vectors / f"{LIST}.parquet").with_columns(
        at=pl.from_epoch("t", time_unit="ms").cast(pl.Datetime("ns", "UTC"))
    )
    dated = rows.with_columns(label="session", session=sessions.session_of(pl.col("at")))
    hours = sessions.with_hours(dated.lazy()).collect()
    checked = hours.with_columns(
        segment=sessions.segment(pl.col("at")), minute=(pl.col("at") - pl.col("opens_at")).dt.total_minutes()
    ).with_columns(own_distance=own_distance(), range_pct=(pl.col("h") - pl.col("l")) / pl.col("o") * 100)
    return with_caps(checked, shared).with_columns(reason=reason())


def with_caps(rows: pl.DataFrame, shared: Path) -> pl.DataFrame:
    """The rows with the market cap of the last month end before their session; null where none was recorded."""
    caps = pl.read_parquet(shared / "realdata" / "recorded" / "shares.parquet")
    caps = caps.select("ticker", "market_cap", session="as_of_date").drop_nulls().sort("session")
    before = {"by": "ticker", "strategy": "backward", "tolerance": "400d", "allow_exact_matches": False}
    return rows.sort("session").join_asof(caps, on="session", check_sortedness=False, **before)  # type: ignore[arg-type]


def own_distance() -> pl.Expr:
    """What the first system stored as distance from the VWAP: the close over (high + low + close)/3 of its own bar."""
    own = (pl.col("h") + pl.col("l") + pl.col("c")) / 3
    return (pl.col("c") / own - 1) * 100


def score() -> pl.Expr:
    """The first system's score, whose spike has another unit for each detector."""
    return 0.30 * pl.col("spike_x") + 0.25 * pl.col("range_pct") + 0.20


def volume_spike_is_too_small() -> pl.Expr:
    """Below the bounds of the segment in which the bar really is."""
    shares, dollars = pl.col("v"), pl.col("v") * pl.col("c")
    regular = (shares >= 10_000) & (dollars >= 50_000)
    extended = (shares >= 15_000) & (dollars >= 75_000) & (pl.col("spike_x") >= 8)
    return ~pl.when(pl.col("segment") == "RTH").then(regular).otherwise(extended)


def reasons() -> dict[str, pl.Expr]:
    """By text, what refutes an event, in the order in which they are asked."""
    of, flat = pl.col("event_type"), pl.col("c") == pl.col("o")
    eight = sessions.new_york(pl.col("at")).dt.strftime("%H:%M") == "08:00"
    range_break = of == "opening_range_break"
    return {
        "outside every segment of an XNYS session": pl.col("segment").is_null(),
        "large company: market cap of the month end before is 2 billion USD or more": pl.col("market_cap") >= LARGE,
        "no volume: an adjusted volume cut to an integer": pl.col("v") == 0,
        "VWAP of one bar: the distance is from the bar's own (high + low + close)/3": (of == "vwap_break")
        & ((own_distance().abs() - pl.col("spike_x")).abs() <= EXACT),
        "opening range on the UTC clock: the break lies outside regular hours": range_break
        & (pl.col("segment") != "RTH"),
        "opening range on the UTC clock: the break lies inside the true opening range": range_break
        & (pl.col("minute") < 15),
        "opening range on the UTC clock: it was a range of the pre-market": range_break,
        "no direction: close equals open": of.is_in(["volume_spike", "flush"]) & flat,
        "a green bar is no flush": (of == "flush") & (pl.col("c") > pl.col("o")),
        "judged by regular hours' bounds, but pre-market or after-market": (of == "volume_spike")
        & (pl.col("label") != pl.col("segment"))
        & volume_spike_is_too_small(),
        EIGHT: eight,
        "too early for a baseline: within five minutes of 04:00": pl.col("at")
        < pl.col("premarket_opens_at") + pl.duration(minutes=5),
    }


def reason() -> pl.Expr:
    """The first thing that refutes an event."""
    return first_of(*((holds, text) for text, holds in reasons().items()), otherwise=NOT_REFUTED)


def on_recorded_minutes(rows: pl.DataFrame, minutes: pl.DataFrame) -> int:
    """How many of the listed events lie on a ticker and session with recorded minutes."""
    return rows.join(minutes, on=["session", "ticker"], how="semi").height
