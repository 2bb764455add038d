"""How much a labelled bar should count in training: its return, shared with the labels that overlap it.

Source: `barrier_labels` and `imbalance_bars`. Grain: one row per label that is not censored. An outcome, known with the
label. Weight = |log(1 + gross return)| × average uniqueness, scaled to sum 1 within each ticker-session (and barrier
set), so that every ticker-session speaks once; where all returns are zero the weights are equal, never zero.

Uniqueness is counted over all bars of the ticker-session, across its events and tapes: a label lives from the bar it is
entered at to the last bar that closes by its end.

What can go wrong: the decay with age is NOT in here. It is against the newest session of a training set, so `ml_splits`
gives the decayed weight fold by fold; taken before the scaling it would cancel exactly.
"""

from collections.abc import Iterator

import numpy as np
import pandera.polars as pa
import polars as pl

from smallcaps_assets.contract import Instant, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.tapes import TICKER_SESSION
from smallcaps_assets.maths.uniqueness import average_uniqueness
from smallcaps_assets.partitions import Axis

ROUNDING = 1e-9
SPEAKER = [*TICKER_SESSION, "barriers"]


class SampleWeights(pa.DataFrameModel):
    """How much a labelled bar should count."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    tape_starts_at: Instant = column("names the tape", unit="UTC ns")
    bar: pl.Int64 = column("place in the tape, from 0", ge=0)
    barriers: str = column("which set of barriers")
    uniqueness: float = column("mean over the label's bars of 1 / labels alive", unit="share", gt=0, le=1)
    weight: float = column("sums to 1 over a ticker-session and barrier set; not decayed", unit="share", ge=0, le=1)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker", "tape_starts_at", "bar", "barriers"]

    @pa.dataframe_check
    @classmethod
    def every_ticker_session_speaks_once(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Weights sum to 1 over ticker, session and barrier set."""
        return data.lazyframe.select((pl.col("weight").sum().over(SPEAKER) - 1).abs() <= ROUNDING)


def uniqueness(labels: pl.DataFrame, closed_at: np.ndarray) -> pl.Series:
    """Average uniqueness of one ticker-session's labels of one set, given when all its bars close, sorted."""
    entered, ends = (labels[name].cast(pl.Int64).to_numpy() for name in ("entered_at", "label_ends_at"))
    first = np.searchsorted(closed_at, entered, side="left")
    last = np.searchsorted(closed_at, ends, side="right") - 1
    return pl.Series("uniqueness", average_uniqueness(first, np.maximum(first, last), len(closed_at)))


def weights(labels: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Uniqueness and weight of all labels that are not censored."""
    closes = {
        names: part["closed_at"].cast(pl.Int64).sort().to_numpy()
        for names, part in bars.partition_by(TICKER_SESSION, as_dict=True).items()
    }
    kept = labels.filter(~pl.col("censored")).sort(*SPEAKER, "entered_at", "tape_starts_at", "bar")
    parts = kept.partition_by(SPEAKER, as_dict=True, maintain_order=True)
    for session, ticker, _ in parts:
        if (session, ticker) not in closes:
            raise ValueError(f"imbalance_bars have no bar of {ticker} on {session}, which has labels: label them again")
    unique = [part.with_columns(uniqueness(part, closes[names[:2]])) for names, part in parts.items()]
    if not unique:
        return sample_weights.empty()
    raw = pl.col("ret_gross").log1p().abs() * pl.col("uniqueness")
    total = pl.col("_raw").sum().over(SPEAKER)
    share = pl.when(total > 0).then(pl.col("_raw") / total).otherwise(1 / pl.len().over(SPEAKER))
    rows = pl.concat(unique).with_columns(_raw=raw).with_columns(weight=share)
    return rows.select(sample_weights.empty().columns)


@dataset(SampleWeights, Axis.LETTER)
def sample_weights(run: Run, barrier_labels: pl.LazyFrame, imbalance_bars: pl.LazyFrame) -> Iterator[Rows]:
    """Weights of the labels of each ticker-session."""
    wanted = run.wanted(pl.col("ticker"))
    bars = imbalance_bars.filter(wanted).select(*TICKER_SESSION, "closed_at")
    yield from run.split(weights(barrier_labels.filter(wanted).collect(), bars.collect()))
