"""A stock split whose execution date is the session, accepted or set aside.

Source: the vendor's list of splits, one request for the span of a run. Grain: one row as the vendor sent it. Effective
from the open of the session, announced before it. A price before the session × `split_from / split_to` is on the basis
of the session; an execution date without trading belongs to the next session.

What goes wrong: the vendor repeats splits and contradicts itself for one ticker and date (216 cases were found), and
lacks some of delisted names. Of repeated rows one is accepted. Of contradictory ratios the one is accepted that is
nearest to what the price did, within 20 %; if none is, all are set aside. `price_ratio`, the evidence, is the session's
open over the last close of the five sessions before. It is known only at the open, so that on the morning of a
contradicted split the choice is ahead of its time; a split that nothing contradicts needs no evidence.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.session_dates import with_session
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon

LONGEST_CLOSURE = timedelta(days=7)  # the exchange has never stayed closed longer (September 2001)
CLOSE_WITHIN = 5  # sessions before the split in which the last close may lie: a name may be halted before it
AGREES = 0.20  # relative distance of ratio and price: a small cap may open a fifth away from its close
FAR = 3.0  # times: further from the price than any opening gap explains


class Splits(pa.DataFrameModel):
    """A split as sent by the vendor."""

    session: pl.Date = column("execution date, or the next session after it")
    ticker: str = column("as the vendor spells it, case matters")
    ordinal: pl.Int64 = column("place among the rows of this ticker and session, by the vendor's id", ge=0)
    vendor_id: str = column("the vendor's id of the row", nullable=True)
    executed_on: pl.Date = column("execution date as sent")
    split_from: float = column("shares before", unit="shares", gt=0)
    split_to: float = column("shares after", unit="shares", gt=0)
    accepted: bool = column("to be used; at most one row per ticker and session")
    reason: str = column("accepted, duplicate or contradicted", isin=["accepted", "duplicate", "contradicted"])
    price_ratio: float = column("open of the session over the last close before", unit="ratio", gt=0, nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "ordinal")

    @pa.dataframe_check
    @classmethod
    def at_most_one_split_of_a_session_is_accepted(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Two would be applied twice."""
        return data.lazyframe.select(pl.col("accepted").sum().over("session", "ticker") <= 1)

    @pa.dataframe_check
    @classmethod
    def accepted_is_the_reason(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """The flag and the reason say the same."""
        return data.lazyframe.select(pl.col("accepted") == (pl.col("reason") == "accepted"))


def accepted_splits_show_in_prices(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """The price moved by the accepted ratio, within a factor of three, wherever both prices are known."""
    seen = stored.filter("accepted", pl.col("price_ratio").is_not_null())
    far = seen.filter((pl.col("price_ratio") / ratio()).log().abs() > pl.lit(FAR).log())
    return Verdict(not far.height, {"compared": seen.height, "far": far.height, "such_as": ", ".join(far["ticker"])})


def ratio() -> pl.Expr:
    """What a split does to the price."""
    return pl.col("split_from") / pl.col("split_to")


def price_ratios(daily_bars: pl.LazyFrame) -> pl.LazyFrame:
    """(``session``, ``ticker``, ``price_ratio``): each bar's open over the ticker's last close before it."""
    place = sessions.table().lazy().select("session").with_row_index("place")
    bars = daily_bars.select("session", "ticker", "open", "close").join(place, on="session")
    by_time = bars.sort("ticker", "session")
    recent = pl.col("place").cast(pl.Int64).diff().over("ticker") <= CLOSE_WITHIN
    evidence = pl.when(recent).then(pl.col("open") / pl.col("close").shift(1).over("ticker"))
    return by_time.select("session", "ticker", evidence.alias("price_ratio"))


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (session, ticker, vendor_id, split_*, price_ratio) with ``ordinal``, ``accepted`` and ``reason``."""
    one = ["session", "ticker"]
    ordered = rows.sort(*one, "vendor_id", "split_from", "split_to", "executed_on").with_columns(
        pl.int_range(pl.len()).over(one).alias("ordinal"), ratio().round_sig_figs(9).alias("ratio")
    )
    repeated = pl.int_range(pl.len()).over(*one, "ratio") > 0
    distance = (pl.col("ratio") / pl.col("price_ratio") - 1).abs()
    alone = pl.col("ratio").n_unique().over(one) == 1
    nearest = ((distance <= AGREES) & (distance == distance.min().over(one)) & ~repeated).fill_null(False)
    only_one = nearest.sum().over(one) == 1
    reason = (
        pl.when(repeated)
        .then(pl.lit("duplicate"))
        .when(alone | (nearest & only_one))
        .then(pl.lit("accepted"))
        .otherwise(pl.lit("contradicted"))
    )
    return ordered.with_columns(reason=reason).with_columns(accepted=pl.col("reason") == "accepted").drop("ratio")


def counted(part: Rows) -> Rows:
    """The partition with its counts by reason."""
    reasons = dict(part.frame["reason"].value_counts(sort=True).iter_rows())
    rolled = part.frame.filter(pl.col("session") != pl.col("executed_on")).height
    return part._replace(metadata={**reasons, "executed_on_no_session": rolled})


@dataset(Splits, Axis.SESSION, before={"daily_bars": CLOSE_WITHIN}, laws=(accepted_splits_show_in_prices,))
def splits(run: Run, daily_bars: pl.LazyFrame, polygon: Polygon) -> Iterator[Rows]:
    """One request for all sessions of the run."""
    sent = polygon.splits(run.sessions[0] - LONGEST_CLOSURE, run.sessions[-1])
    dated = with_session(sent, "executed_on", sessions.table(), "session").filter(pl.col("session").is_in(run.sessions))
    evidence = price_ratios(daily_bars.filter(pl.col("ticker").is_in(dated["ticker"].unique().to_list())))
    seen = dated.lazy().join(evidence, on=["session", "ticker"], how="left", validate="m:1")
    yield from map(counted, run.split(judged(seen.collect())))
