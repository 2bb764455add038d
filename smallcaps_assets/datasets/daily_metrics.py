"""A ticker's features that are known before the session opens, from the sessions before it.

Source: `daily_bars` of the 252 sessions before (the session's own bar is never used), accepted `splits`, and `tickers`
of the same sessions and this one. Grain: one row per session and ticker with a bar in one of the 20 sessions before.
Known at 00:00 New York of the session. All prices and volumes but `close_raw` are on the split basis of the session: a
split that takes effect at its open is applied, a later one is not, so that what is stored never changes.

Windows are counted in sessions of the exchange. A session in which the ticker has no bar (halted, or without an
eligible trade) is left out of means, medians and ranges, not counted as zero. True ranges need a bar before them, so
that the first bar of the 252 sessions has none. `atr_14` and `atr_21` are plain means of the last 14 and 21 true
ranges, not Wilder's smoothing, which would depend on where history begins.

A ticker's history is its security's: bars of before a rename count, those of another company that had the ticker do
not. The list of each bar's session says whose it was (`maths/identity.py`); where it lacks the ticker, or history of
`tickers` begins later than that of the bars, the nearest list does. `duplicate_of` names the ticker whose bars of the
last sessions are the same to the last share: one security under two names, of which the first stands for both.

What goes wrong: a rename without FIGI and CIK begins a new history; a split that the vendor lacks looks like a crash or
a rally.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg
import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.adjustment import split_factor
from smallcaps_assets.maths.identity import LISTED, followed, identified
from smallcaps_assets.partitions import Axis

YEAR = 252  # sessions
MONTH = 20
WEEK = 5
FEWEST_OF_A_MONTH = 5  # sessions with a bar, for a usual volume to mean something
FEWEST_TRUE_RANGES = 60  # for a percentile of them
HIGH_PERCENTILE = 0.88  # of the first system's atr_breakout
JUMP = 5.0  # times, from the close before to the open: more often a split that the vendor lacks than news
SAME = ["session", "open", "high", "low", "close", "volume"]  # what two names of one security have in common
SHOWN = 20  # pairs, in the UI
USUAL_SHARE = 0.20  # of the usual number of tickers that a session may lack or have on top


class DailyMetrics(pa.DataFrameModel):
    """A ticker as known before the session."""

    session: pl.Date = column("New York trade date before whose open the row is known")
    ticker: str = column("as the vendor spells it")
    bar_session: pl.Date = column("session of the last bar before")
    close_raw: float = column("last close as it was traded then", unit="USD", gt=0)
    prior_close: float = column("the same close on the split basis of the session", unit="USD", gt=0)
    sessions_before: pl.Int64 = column("bars in the 252 sessions before", unit="sessions", ge=1, le=YEAR)
    mean_volume_20: float = column("of the 20 sessions before, 5 needed", unit="shares", ge=0, nullable=True)
    median_volume_20: float = column("of the 20 sessions before, 5 needed", unit="shares", ge=0, nullable=True)
    mean_dollar_volume_20: float = column("of close × volume, 20 sessions", unit="USD", ge=0, nullable=True)
    atr_14: float = column("mean of the last 14 true ranges", unit="USD", ge=0, nullable=True)
    atr_21: float = column("mean of the last 21 true ranges", unit="USD", ge=0, nullable=True)
    high_252: float = column("highest high of the 252 sessions before", unit="USD", gt=0)
    low_252: float = column("lowest low of the 252 sessions before", unit="USD", gt=0)
    low_5: float = column("lowest low of the 5 sessions before", unit="USD", gt=0, nullable=True)
    true_range_pct_p88: float = column(
        "88th percentile of true range over the close before it, 60 needed", unit="fraction", ge=0, nullable=True
    )
    sessions_since_reverse_split: pl.Int64 = column(
        "0: takes effect at the session's open; null: none in 252", unit="sessions", ge=0, lt=YEAR, nullable=True
    )
    duplicate_of: str = column("ticker with the same bars on each of the 5 sessions before", nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker")

    @pa.dataframe_check
    @classmethod
    def the_last_bar_is_of_an_earlier_session(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """No row rests on its own session."""
        return data.lazyframe.select(pl.col("bar_session") < pl.col("session"))

    @pa.dataframe_check
    @classmethod
    def the_year_bounds_week_and_close(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Low of 252 ≤ low of 5 and prior close ≤ high of 252, but for rounding by the split factor."""
        slack = 1e-9
        low, high = pl.col("low_252") * (1 - slack), pl.col("high_252") * (1 + slack)
        inside = pl.col("prior_close").is_between(low, high)
        return data.lazyframe.select(inside & (low <= pl.col("low_5")).fill_null(True))


def number_of_tickers_is_usual(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """The session's daily bars count within 20 % of the median of the 20 sessions before (5 needed).

    Part of a market, delivered as the whole, would pass every check of its own rows.
    """
    if not stored.height:
        return Verdict(True, {"note": "no bars before this session"})
    session = stored["session"][0]
    asked = pl.col("session").is_in([*sessions.before(session, MONTH), session])
    counts = inputs["daily_bars"].filter(asked).group_by("session").len("tickers").collect()
    found = sum(counts.filter(pl.col("session") == session)["tickers"])
    before = counts.filter(pl.col("session") < session)["tickers"]
    usual = before.cast(pl.Float64).median()
    if before.len() < FEWEST_OF_A_MONTH or not isinstance(usual, float):
        return Verdict(True, {"tickers": found, "note": f"{before.len()} sessions before"})
    return Verdict(abs(found / usual - 1) <= USUAL_SHARE, {"tickers": found, "usual": usual})


def no_open_jumps_like_a_missing_split(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No ticker opens at five times its prior close, or a fifth of it, once the known splits are applied.

    The vendor lacks splits, or dates them a session off; what rests on the ticker's history is then wrong by the ratio.
    """
    if not stored.height:
        return Verdict(True, {"note": "no bars before this session"})
    opens = inputs["daily_bars"].filter(pl.col("session") == stored["session"][0]).select("ticker", "open").collect()
    both = stored.select("ticker", "prior_close").join(opens, on="ticker", validate="1:1")
    jumps = both.with_columns(ratio=pl.col("open") / pl.col("prior_close")).sort("ticker")
    found = jumps.filter(pl.max_horizontal(pl.col("ratio"), 1 / pl.col("ratio")) >= JUMP)
    named = [f"{ticker} × {ratio:.3g}" for ticker, ratio in found.select("ticker", "ratio").head(5).iter_rows()]
    return Verdict(not found.height, {"opened": both.height, "jumped": found.height, "such_as": ", ".join(named)})


def no_two_tickers_have_the_same_bars(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No ticker has the open, high, low, close and volume of another on each of the five sessions before.

    Such a pair is one security under two names: what counts events counts the second one's not again.
    """
    pairs = stored.filter(pl.col("duplicate_of").is_not_null()).select("session", "ticker", "duplicate_of")
    listed = inputs["tickers"].filter("active").select("session", "ticker", "security_id")
    ids = pairs.lazy().join(listed, on=["session", "ticker"], how="left")
    both = ids.join(
        listed, left_on=["session", "duplicate_of"], right_on=["session", "ticker"], how="left", suffix="_of"
    )
    found = both.select("duplicate_of", "security_id_of", "ticker", "security_id").sort("duplicate_of", "ticker")
    lines = ["| ticker | security | the same bars | security |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in found.head(SHOWN).collect().iter_rows()]
    return Verdict(not pairs.height, {"pairs": pairs.height, "same_bars": dg.MetadataValue.md("\n".join(lines))})


def close_before() -> pl.Expr:
    """The close of the ticker's bar before; null for its first. Rows by ticker and session."""
    same = pl.col("ticker") == pl.col("ticker").shift(1)
    return pl.when(same).then(pl.col("close").shift(1))


def true_range() -> pl.Expr:
    """High over low, widened to the close before; null for a ticker's first bar. Rows by ticker and session."""
    before = close_before()
    widened = pl.max_horizontal("high", before) - pl.min_horizontal("low", before)
    return pl.when(before.is_not_null()).then(widened).alias("true_range")


def over_month(usual: pl.Expr) -> pl.Expr:
    """A mean or median of the 20 sessions before; null if fewer than five of them have a bar."""
    return pl.when((pl.col("age") <= MONTH).sum() >= FEWEST_OF_A_MONTH).then(usual)


def of_month(value: pl.Expr) -> pl.Expr:
    """The ticker's values of the 20 sessions before."""
    return value.filter(pl.col("age") <= MONTH)


def average_true_range(bars: int) -> pl.Expr:
    """Mean of the last ``bars`` true ranges; null if there are fewer."""
    known = pl.col("true_range").drop_nulls()
    return pl.when(known.len() >= bars).then(known.tail(bars).mean()).alias(f"atr_{bars}")


def wide_range() -> pl.Expr:
    """The 88th percentile of true range over the close before it; null if there are fewer than 60."""
    known = pl.col("true_range_pct").drop_nulls()
    return pl.when(known.len() >= FEWEST_TRUE_RANGES).then(known.quantile(HIGH_PERCENTILE, "linear"))


def placed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """``rows`` with ``place``, the ordinal of their session."""
    order = sessions.table().lazy().select("session").with_row_index("place").cast({"place": pl.Int32})
    return rows.join(order, on="session", how="inner", maintain_order="left", validate="m:1")


def on_basis(bars: pl.DataFrame, splits: pl.DataFrame, session: date) -> pl.DataFrame:
    """``bars`` with prices and volume on the split basis of ``session``; ``close_raw`` stays as traded.

    Few tickers have a split, the others' rows are not touched.
    """
    raw = bars.with_columns(close_raw=pl.col("close"))
    has_split = pl.col("ticker").is_in(splits["ticker"].unique().to_list())
    adjusted = split_factor(raw.filter(has_split), splits, as_of=session).with_columns(
        pl.col("open", "high", "low", "close") * pl.col("split_factor"), pl.col("volume") / pl.col("split_factor")
    )
    return pl.concat([raw.filter(~has_split), adjusted.drop("split_factor")])


def metrics(session: date, place: int, bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """The session's rows, from ``bars`` of the 252 sessions before and ``splits`` up to the session.

    ``bars`` and ``splits`` carry ``place``; ``bars`` of a ticker stand together by session.
    """
    reverse = splits.filter(pl.col("split_from") > pl.col("split_to"))
    since = reverse.group_by("ticker").agg(sessions_since_reverse_split=(place - pl.col("place").max()).cast(pl.Int64))
    ranged = on_basis(bars, splits, session).with_columns(
        true_range(), (true_range() / close_before()).alias("true_range_pct"), age=place - pl.col("place")
    )
    dollars = pl.col("close") * pl.col("volume")
    features = ranged.group_by("ticker", maintain_order=True).agg(
        bar_session=pl.col("session").last(),
        close_raw=pl.col("close_raw").last(),
        prior_close=pl.col("close").last(),
        sessions_before=pl.len().cast(pl.Int64),
        mean_volume_20=over_month(of_month(pl.col("volume")).mean()),
        median_volume_20=over_month(of_month(pl.col("volume")).median()),
        mean_dollar_volume_20=over_month(of_month(dollars).mean()),
        atr_14=average_true_range(14),
        atr_21=average_true_range(21),
        high_252=pl.col("high").max(),
        low_252=pl.col("low").min(),
        low_5=pl.col("low").filter(pl.col("age") <= WEEK).min(),
        true_range_pct_p88=wide_range(),
        age=pl.col("age").last(),
    )
    trading = features.filter(pl.col("age") <= MONTH).drop("age")
    return trading.join(since, on="ticker", how="left", validate="1:1").with_columns(session=pl.lit(session))


def duplicates(bars: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """(``ticker``, ``duplicate_of``) of tickers whose ``bars`` of the week before, all five, are another's as well.

    Of the tickers of such a set the first by name stands for all, a listed one before one that is not.
    """
    whole = bars.filter((pl.len().over("ticker") == WEEK) & (pl.col("volume").min().over("ticker") > 0))
    shared = whole.filter(pl.struct(SAME).is_duplicated()).select("ticker", *SAME)
    pairs = shared.join(shared, on=SAME, suffix="_of").group_by("ticker", "ticker_of").len()
    same = pairs.filter(pl.col("len") == WEEK).with_columns(gone=~pl.col("ticker_of").is_in(listed["ticker"].implode()))
    first = same.sort("gone", "ticker_of").group_by("ticker").agg(duplicate_of=pl.col("ticker_of").first())
    return first.filter(pl.col("ticker") != pl.col("duplicate_of"))


def named(rows: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with ``security_id`` where its own session's list has the ticker."""
    return rows.join(listings, on=["session", "ticker"], how="left", maintain_order="left", validate="m:1")


def of_securities(rows: pl.DataFrame, listings: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (``session``, ``ticker``, ``security_id``, …) under the tickers of ``listed``.

    Rows come by ticker and session; a ticker's still stand together by session afterwards.
    """
    unnamed = rows.filter(pl.col("security_id").is_null())["ticker"].unique().implode()
    lacking = pl.col("ticker").is_in(unnamed)
    few = rows.filter(lacking)
    whose = identified(few, listings.filter(lacking)).select("security_id").to_series()
    filled = few.with_columns(pl.coalesce("security_id", whose))
    return followed(pl.concat([rows.filter(~lacking), filled]), listed).drop("security_id")


def by_session(run: Run, daily_bars: pl.LazyFrame, splits: pl.LazyFrame, tickers: pl.LazyFrame) -> Iterator[Rows]:
    """Each session computed alone, so that a partition does not depend on what else its run holds."""
    own = tickers.filter(pl.col("session").is_in(run.sessions)).select(*LISTED).collect()
    listings = placed(tickers.filter("active").select("session", "ticker", "security_id")).collect()
    ids = listings.drop("place")
    bars = placed(daily_bars.select("session", "ticker", "open", "high", "low", "close", "volume")).collect()
    bars = named(bars, ids).sort("ticker", "session")
    accepted = placed(splits.filter("accepted").select("session", "ticker", "split_from", "split_to")).collect()
    accepted = named(accepted, ids)
    places = dict(placed(pl.LazyFrame({"session": run.sessions}, schema={"session": pl.Date})).collect().iter_rows())
    for partition in run.partitions:
        place = places[partition.session]
        listed = own.filter(pl.col("session") == partition.session)
        seen = listings.filter(pl.col("place").is_between(place - YEAR, place)).drop("place")
        before = of_securities(bars.filter(pl.col("place").is_between(place - YEAR, place - 1)), seen, listed)
        effective = accepted.filter(pl.col("place").is_between(place - YEAR + 1, place))
        rows = metrics(partition.session or date.max, place, before, of_securities(effective, seen, listed))
        twins = duplicates(before.filter(pl.col("place") >= place - WEEK), listed.filter("active"))
        yield Rows(partition, rows.join(twins, on="ticker", how="left", validate="1:1"))


@dataset(
    DailyMetrics,
    Axis.SESSION,
    before={"daily_bars": YEAR, "splits": YEAR, "tickers": YEAR},
    laws=(number_of_tickers_is_usual, no_open_jumps_like_a_missing_split, no_two_tickers_have_the_same_bars),
)
def daily_metrics(run: Run, daily_bars: pl.LazyFrame, splits: pl.LazyFrame, tickers: pl.LazyFrame) -> Iterator[Rows]:
    """From the 252 sessions before each session of the run."""
    yield from by_session(run, daily_bars, splits, tickers)
