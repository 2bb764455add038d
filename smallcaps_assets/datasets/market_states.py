"""What holds for a member from an instant on: halt, price bands, short-sale restriction. A row per change.

Source: `halts`, `minute_bars`, `daily_metrics`, `universe`, and `carried_over` for what began before the session.
Grain: one row per member and instant at which anything changes; the first is the pre-market open. A row holds, and is
known, from `known_at` until the member's next row: a join as of an instant tells what was known then. Rules with their
dates: `maths/luld_bands.py`, `maths/short_sale_restriction.py`, `maths/trading_halts.py`.

Bands are computed from minutes, at each minute's end, and are an approximation of the exchanges' own (on two recorded
small-cap days the reference was within 1 % in 98 and 99 of 100 minutes). They are null outside regular hours, in a
halt, from a resumption until the first minute after it has ended, in the first minute of the session (its opening print
is known at its end), and where the previous close is unknown. Tier 2 is assumed of every member that is not configured
as tier 1: no index is in the lake.

What can go wrong: where the first regular price is five times the previous close or a fifth of it, a split is missing,
and neither bands nor a new restriction are known. A limit state is one of quotes, which minutes do not have;
`limit_side` says that the last traded minute closed at a band or beyond. A restriction is known at the end of the
minute whose low set it off. Without halt files nothing says that a member trades: `halted` is null then, not false.
Market-wide halts are known only where the files name the ticker.
"""

from collections.abc import Iterator, Mapping

import dagster as dg
import numpy as np
import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.minute_bars import members
from smallcaps_assets.maths.luld_bands import AMENDED_SINCE, WHOLE_DAY_SINCE, bands, doubled, reference_prices
from smallcaps_assets.maths.minute_table import MINUTE, floats, integers
from smallcaps_assets.maths.prefix import changed, drawn
from smallcaps_assets.maths.short_sale_restriction import SINCE, in_force, sets_off
from smallcaps_assets.maths.trading_halts import ONE, ended, halt_changes
from smallcaps_assets.partitions import Axis, letter_of

KEY = ["session", "ticker", "known_at"]
BANDS = ["luld_lower", "luld_upper", "reference_price", "luld_tier", "limit_side"]
JUMP = 5.0  # times, from the previous close to the first price: more often a split that the vendor lacks than news
TOGETHER = 10  # sessions whose regular minutes are in memory at once
STATES = ["halted", "halt_code", "halts", *BANDS, "ssr", "ssr_since"]


class MarketStatesConfig(dg.Config):
    """Which members are no tier-2 stocks."""

    tickers: list[str] = []
    """Only these tickers are computed again; the partition's other rows stay as they are. Empty: all."""
    tier_1: list[str] = []
    """Tickers of the S&P 500 and the Russell 1000; all others are tier 2."""


class MarketStates(pa.DataFrameModel):
    """A change of a member's state."""

    session: pl.Date = column("New York trade date")
    ticker: str = column("as the vendor spells it")
    known_at: Instant = column("the row holds and is known from here to the ticker's next row", unit="UTC ns")
    halted: pl.Boolean = column("no trading; null: no halt files, unknown", nullable=True)
    halt_code: str = column("reason of the halt that began last, of those that last", nullable=True)
    halts: pl.Int64 = column("that began in the market day so far; null: unknown", ge=0, nullable=True)
    luld_lower: float = column("no trade below", unit="USD", ge=0, nullable=True)
    luld_upper: float = column("no trade above", unit="USD", gt=0, nullable=True)
    reference_price: float = column("in the middle of the bands", unit="USD", gt=0, nullable=True)
    luld_tier: pl.Int8 = column("by which the bands are computed", isin=(1, 2), nullable=True)
    limit_side: pl.Int8 = column(
        "1 the last traded minute closed at the upper band or beyond, −1 at the lower, 0 neither; null: no bands",
        isin=(-1, 0, 1),
        nullable=True,
    )
    ssr: pl.Boolean = column("short sales are restricted (Rule 201); null: unknown", nullable=True)
    ssr_since: pl.Date = column("session of the sale that set it off last; null: not restricted", nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["session", "ticker", "known_at"]

    @pa.dataframe_check
    @classmethod
    def bands_are_there_together_in_regular_hours_and_never_in_a_halt(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Lower < reference < upper, between the open and the close."""
        hours = sessions.with_hours(data.lazyframe)
        none = pl.all_horizontal(pl.col(BANDS).is_null())
        regular = (pl.col("known_at") > pl.col("opens_at")) & (pl.col("known_at") < pl.col("closes_at"))
        price = pl.col("reference_price")
        ordered = (pl.col("luld_lower") < price) & (price < pl.col("luld_upper"))
        there = pl.all_horizontal(pl.col(BANDS).is_not_null()) & regular & ~pl.col("halted").fill_null(False)
        return hours.select(none | (there & ordered))

    @pa.dataframe_check
    @classmethod
    def a_restriction_has_its_session(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """`ssr_since` is there where short sales are restricted, and only there."""
        return data.lazyframe.select(pl.col("ssr").fill_null(False) == pl.col("ssr_since").is_not_null())

    @pa.dataframe_check
    @classmethod
    def the_first_row_is_of_the_pre_market_open(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """So that no instant of the session is without a state."""
        hours = sessions.with_hours(data.lazyframe)
        return hours.select(pl.col("known_at").min().over(*ONE) == pl.col("premarket_opens_at"))


def every_member_has_states(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No member of the partition's letter lacks a state."""
    if stored.is_empty():
        return Verdict(True, {"members": 0})
    own = letter_of(pl.col("ticker")) == stored["ticker"][0][0].upper()
    there = inputs["universe"].filter(own, pl.col("session") == stored["session"][0], pl.col("member"))
    lacking = there.select(*ONE).collect().join(stored, on=ONE, how="anti").sort(*ONE)
    shown = {"lacking": lacking.height, "such_as": ", ".join(lacking["ticker"].head(5))}
    return Verdict(lacking.is_empty(), {"members": stored["ticker"].n_unique(), **shown})


def regular_minutes(days: pl.DataFrame, bars: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Every regular minute of the days in order, traded or not, with ``restarts`` where a halt of ``ends`` ended."""
    starts = pl.int_ranges(pl.col("opens_at").cast(pl.Int64), pl.col("closes_at").cast(pl.Int64), MINUTE)
    every = days.with_columns(started_at=starts).explode("started_at").cast({"started_at": pl.Datetime("ns", "UTC")})
    typical = (pl.col("high") + pl.col("low") + pl.col("close")) / 3
    traded = bars.filter(pl.col("segment") == "RTH").select(
        *ONE,
        "started_at",
        "open",
        "low",
        "close",
        mean=pl.coalesce("vwap", typical),
        trades=pl.coalesce(pl.col("trades").cast(pl.Float64), 1.0),
    )
    again = ends.select(*ONE, pl.col("ended_at").dt.truncate("1m").alias("started_at")).drop_nulls().unique()
    joined = every.join(traded, on=[*ONE, "started_at"], how="left", validate="1:1", maintain_order="left")
    return joined.join(
        again.with_columns(restarts=True), on=[*ONE, "started_at"], how="left", validate="1:1", maintain_order="left"
    ).with_columns(pl.col("restarts").fill_null(False), pl.col("trades").fill_null(0.0))


def believed() -> pl.Expr:
    """The previous close; null once a first regular price says that it is on another split basis than the session."""
    first = pl.when(pl.col("open").cum_count().over(ONE) > 0).then(pl.col("open").drop_nulls().first().over(ONE))
    jump = first / pl.col("prior_close")
    return pl.when(pl.max_horizontal(jump, 1 / jump).fill_null(1.0) < JUMP).then("prior_close")


def banded(grid: pl.DataFrame) -> pl.DataFrame:
    """At the end of each minute of ``regular_minutes``: bands and restriction as they are from then on, ``at``."""
    grid = grid.with_columns(prior_close=believed())
    day = integers(grid.select(day=pl.struct(ONE).rle_id()), "day")
    first = np.maximum.accumulate(np.where(np.diff(day, prepend=-1) != 0, np.arange(len(day)), 0))
    close = floats(grid, "prior_close")
    traded = (floats(grid, "open"), floats(grid, "mean"), floats(grid, "trades"))
    reference = reference_prices(first, *traded, grid["restarts"].to_numpy(), close)
    at, tier = integers(grid, "started_at") + MINUTE, integers(grid, "luld_tier")
    hours = (integers(grid, "opens_at"), integers(grid, "closes_at"))
    amended = grid.select(pl.col("session") >= AMENDED_SINCE).to_series().to_numpy()
    limits = bands(reference, close, tier, doubled(at, *hours, close, tier, amended))
    holds = (pl.col("at") < pl.col("closes_at")) & (pl.col("session") >= WHOLE_DAY_SINCE)
    known = holds & pl.col("luld_lower").is_not_null()
    last = pl.col("close").forward_fill()  # since the open, or since trading resumed
    side = (last >= pl.col("luld_upper")).cast(pl.Int8) - (last <= pl.col("luld_lower")).cast(pl.Int8)
    sold = sets_off(pl.col("low"), pl.col("prior_close")).fill_null(False).cast(pl.Int8).cum_max().over(ONE) == 1
    rows = grid.with_columns(
        at=pl.Series(at).cast(pl.Datetime("ns", "UTC")),
        luld_lower=pl.Series(limits.lower).fill_nan(None),
        luld_upper=pl.Series(limits.upper).fill_nan(None),
        reference_price=pl.Series(reference).fill_nan(None),
        set_off=pl.when(sold | pl.col("prior_close").is_not_null()).then(sold),
        _since=pl.col("restarts").cum_sum().over(ONE),
    ).with_columns(limit_side=side.over([*ONE, "_since"]).fill_null(0))
    return rows.select(*ONE, "at", "set_off", pl.when(known).then(pl.col(BANDS)))


def states(wanted: pl.DataFrame, bars: pl.DataFrame, halts: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """The rows of the ``wanted`` (session, ticker, prior_close, luld_tier), from frames of the same sessions."""
    days = sessions.with_hours(wanted.lazy()).sort(*ONE).collect()
    if days.is_empty():
        return market_states.empty()
    before = carried.drop_nulls("halted_at").select(
        *ONE, "halted_at", reason_code="halt_code", resumed_at="halt_resumed_at", carried=pl.lit(True)
    )
    own = halts.select(*ONE, "halted_at", "reason_code", "resumed_at", carried=pl.lit(False))
    every = pl.concat([before, own]).join(days, on=ONE, how="semi")
    over = ended(every, bars.filter(pl.col("segment") == "RTH"))
    changes, grid = halt_changes(over), banded(regular_minutes(days, bars, over))
    opening = days.select(*ONE, at="premarket_opens_at")
    last = days.select(*ONE, "premarket_opens_at", "postmarket_closes_at")
    instants = pl.concat([opening, grid.select(*ONE, "at"), changes.select(*ONE, "at")]).unique()
    inside = pl.col("at").is_between("premarket_opens_at", "postmarket_closes_at")
    asked = instants.join(last, on=ONE, how="inner", validate="m:1").filter(inside).sort("at")
    joined = asked
    for known in (grid.with_columns(banded_at="at"), changes):
        joined = joined.join_asof(known.sort("at"), on="at", by=ONE, strategy="backward", check_sortedness=False)
    told = carried.select(*ONE, carried_ssr="ssr", told="halts_on_file")
    return without_repeats(held(joined.join(told, on=ONE, how="left", validate="m:1")))


def held(rows: pl.DataFrame) -> pl.DataFrame:
    """What holds at each instant, from what is known of halts, bands and restriction."""
    halted, known = pl.col("halted").fill_null(False), pl.col("told").fill_null(False)
    before_the_first_minute = pl.col("banded_at").is_null()  # ended: no sale can have set anything off
    today = pl.when(before_the_first_minute).then(pl.lit(False)).otherwise("set_off")
    stale = (pl.col("banded_at") <= pl.col("last_ended_at")).fill_null(False)
    rule_201 = pl.col("session") >= SINCE
    before = sessions.table().select("session", before=pl.col("session").shift(1))
    restricted = in_force(pl.col("carried_ssr"), today)
    since = pl.when(today).then("session").when(pl.col("carried_ssr")).then("before")
    return rows.join(before, on="session", how="left", validate="m:1").select(
        *ONE,
        known_at="at",
        halted=pl.when(halted | known).then(halted),
        halt_code=pl.when(halted).then("halt_code"),
        halts=pl.when(known | pl.col("halts").is_not_null()).then(pl.col("halts").fill_null(0)),
        **{name: pl.when(~halted & ~stale).then(name) for name in BANDS},
        ssr=restricted & rule_201,
        ssr_since=pl.when(rule_201).then(since),
    )


def without_repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, in order, that differ from their ticker's row before."""
    ordered = rows.sort(KEY)
    same = pl.all_horizontal(pl.col([*ONE, *STATES]).eq_missing(pl.col([*ONE, *STATES]).shift(1)))
    return ordered.filter(~same.fill_null(False)).select(market_states.empty().columns)


def made(wanted: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame], config: MarketStatesConfig) -> pl.DataFrame:
    """The states of the ``wanted`` members (session, ticker), from the inputs by name."""
    of_them = pl.col("ticker").is_in(wanted["ticker"].unique().to_list())
    of_them &= pl.col("session").is_in(wanted["session"].unique().to_list())
    names = ("daily_metrics", "minute_bars", "halts", "carried_over")
    closes, *others = pl.collect_all([inputs[name].filter(of_them) for name in names])
    tier = pl.when(pl.col("ticker").is_in(config.tier_1)).then(1).otherwise(2).cast(pl.Int8)
    days = wanted.join(closes.select(*ONE, "prior_close"), on=ONE, how="left", validate="1:1")
    return states(days.with_columns(luld_tier=tier), *others)


def prefix_stable(stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame], config: MarketStatesConfig) -> Verdict:
    """States recomputed with everything after a random instant removed are the stored ones that were known by then.

    The instant is the `known_at` of a row, drawn by the partition: always the same one.
    """
    judged = stored.filter(pl.col("ticker").is_in(config.tickers)) if config.tickers else stored
    if judged.is_empty():
        return Verdict(True, {"rows": 0})
    session, letter = judged["session"][0], judged["ticker"][0][0].upper()
    instant = judged["known_at"][drawn(f"{letter}|{session}", judged.height)]
    own = judged.select(*ONE).unique()
    cut = until(inputs, pl.lit(instant).cast(pl.Datetime("ns", "UTC")))
    again = made(own, cut, config).filter(pl.col("known_at") <= instant)
    if not (differ := changed(judged.filter(pl.col("known_at") <= instant), again, KEY)):
        return Verdict(True, {"instant": str(instant), "rows": again.height})
    stale = changed(judged, made(own, inputs, config), KEY)
    why = "the inputs give other states now: materialize again" if stale else "what came after changes them"
    return Verdict(False, {"instant": str(instant), "rows": again.height, "changed": str(differ), "why": why})


def until(inputs: Mapping[str, pl.LazyFrame], instant: pl.Expr) -> dict[str, pl.LazyFrame]:
    """What was known of the inputs by the instant."""
    ended_by = pl.col("started_at") + pl.duration(nanoseconds=MINUTE) <= instant
    cut = {
        "minute_bars": inputs["minute_bars"].filter(ended_by),
        "halts": inputs["halts"]
        .filter(pl.col("halted_at") <= instant)
        .with_columns(pl.when(pl.col("resumed_at") <= instant).then("resumed_at")),
        "carried_over": inputs["carried_over"].with_columns(
            pl.when(pl.col("halt_resumed_at") <= instant).then("halt_resumed_at")
        ),
    }
    return {**inputs, **cut}


@dataset(MarketStates, Axis.LETTER, blocking_laws=(prefix_stable,), laws=(every_member_has_states,))
def market_states(
    run: Run,
    universe: pl.LazyFrame,
    daily_metrics: pl.LazyFrame,
    carried_over: pl.LazyFrame,
    halts: pl.LazyFrame,
    minute_bars: pl.LazyFrame,
    config: MarketStatesConfig,
) -> Iterator[Rows]:
    """What changes for the run's members."""
    inputs = {
        "daily_metrics": daily_metrics,
        "carried_over": carried_over,
        "halts": halts,
        "minute_bars": minute_bars,
    }
    for piece in run.in_pieces(TOGETHER):
        for part in piece.split(made(members(piece, universe), inputs, config)):
            counts = {name: int(part.frame[name].sum()) for name in ("halted", "ssr")}
            yield part._replace(metadata={"members": part.frame["ticker"].n_unique(), **counts})
