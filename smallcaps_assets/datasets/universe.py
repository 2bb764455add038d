"""A ticker, member of the small-cap universe or not, and why, decided before the session opens.

Source: `tickers` of the session, `daily_metrics`, `shares_outstanding` of the last 66 sessions, `float_shares` and
`splits`. Grain: one row per session and ticker that is listed or has a bar in the 20 sessions before. Known at the
session's pre-market open. `reason` is `member` or the first rule that failed, in this order: in the reference, listed,
with a bar before, price, kind (a known one that is not wanted), market cap unknown, market cap, float, kind unknown,
exchange unknown, exchange, dollar volume unknown, dollar volume. A known unwanted kind comes before the cap because
shares of funds and warrants are not asked for; what is unknown never passes unless the rules say so, and has its own
reason.

The price is the close before, as traded, on the split basis of the session: a stock of 4 cents that splits 1:225 before
the open is a stock of 9 dollars. Market cap is the shares known before the session × that price. Shares are the last
count found; one that the vendor repeats (to a thousandth) is as old as its first telling, so that splits since then are
applied to it. The vendor's own market cap stands beside it and decides nothing.

What goes wrong: the vendor's counts follow filings, months late where a company dilutes fast, and may be visible before
they were published (see `shares_outstanding`; `publication_lag_sessions` makes them older). Names that trade but are
not in the reference are kept as rows and counted.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.adjustment import split_factor
from smallcaps_assets.partitions import Axis, Partition

SHARES_BEFORE = 66  # sessions: three monthly counts, and room for a lag of six weeks
SAME_COUNT = 1e-3  # relative; a count derived from a market cap wobbles by rounding, a split moves it by more
SPLITS_BEFORE = 252  # sessions within which a float is put on the session's basis
CAP_CLASSES = {"nano": 50e6, "micro": 300e6, "small": 2e9, "mid": 10e9}  # upper ends, USD
LARGE = "large"
BEFORE_THE_CAP = ["not in the reference", "not listed", "no bar before", "price", "kind"]
MOST_UNKNOWN_CAPS = 0.20  # of the tickers whose cap was asked for by the rules
MOST_STRANGERS = 0.005  # of all tickers: names in the bars but not in the reference, or the other way round
FEW = 5  # names that may be strangers in a small market
NEEDED = {
    "tickers": ["session", "ticker", "security_id", "active", "delisted_on", "kind", "primary_exchange"],
    "daily_metrics": ["session", "ticker", "close_raw", "prior_close", "mean_dollar_volume_20"],
    "shares_outstanding": ["session", "ticker", "security_id", "shares", "vendor_market_cap"],
    "float_shares": ["session", "ticker", "effective_on", "free_float"],
    "splits": ["session", "ticker", "split_from", "split_to"],
}

Frames = Mapping[str, pl.DataFrame]


class UniverseRules(dg.Config):
    """Who is a member."""

    min_price: float = 0.50
    """USD, the price before the session, included: below it ticks and listing rules rule the price."""
    max_price: float = 20.0
    """USD, the price before the session, included: the range in which small caps are day-traded."""
    max_market_cap: float = 2e9
    """USD, excluded: the usual end of the small caps."""
    unknown_cap_is_member: bool = False
    """Whether an unknown market cap passes; the first system let it, and with it large caps."""
    max_float: float = 100e6
    """Shares, excluded; applies only where the float is known."""
    kinds: list[str] = ["CS"]
    """The vendor's types; add ADRC for depositary receipts."""
    unknown_kind_is_member: bool = False
    """Whether a ticker without type passes; among them are funds and warrants of older years."""
    exchanges: list[str] = ["XNYS", "XNAS", "XASE", "ARCX"]
    """MICs of the listing exchange; XASE, NYSE American, is where many small caps are."""
    unknown_exchange_is_member: bool = False
    """Whether a ticker without listing exchange passes."""
    min_dollar_volume: float = 100e3
    """USD, included: mean of close × volume of the 20 sessions before; less cannot be traded."""
    unknown_history_is_member: bool = False
    """Whether a ticker without a bar in the 20 sessions before passes: its first day, or a tape recorded alone."""
    publication_lag_sessions: int = Field(default=0, ge=0, le=42)
    """Sessions that a count must be old to be used. 0 trusts that a count was public when it was asked for, which holds
    for month-end caps; 30 excludes what was filed after its period of report, at the price of six weeks of dilution."""


class Universe(pa.DataFrameModel):
    """A ticker and why it is a member, or not."""

    session: pl.Date = column("New York trade date before whose open the row is known")
    ticker: str = column("as the vendor spells it")
    security_id: str = column("of `tickers`; null where the reference does not have the ticker", nullable=True)
    member: bool = column("passes every rule")
    reason: str = column("member, or the first rule that failed")
    close_raw: float = column("last close before, as traded", unit="USD", gt=0, nullable=True)
    price: float = column("that close on the split basis of the session", unit="USD", gt=0, nullable=True)
    market_cap: float = column("shares × price", unit="USD", gt=0, nullable=True)
    market_cap_limit: float = column("the rule's limit, excluded", unit="USD", gt=0)
    cap_class: str = column(
        "nano < 50 M ≤ micro < 300 M ≤ small < 2 B ≤ mid < 10 B ≤ large", isin=[*CAP_CLASSES, LARGE], nullable=True
    )
    shares: float = column("last known count on the split basis of the session", unit="shares", gt=0, nullable=True)
    shares_session: pl.Date = column("session on which that count was asked for", nullable=True)
    vendor_market_cap: float = column("as sent with that count; not used", unit="USD", nullable=True)
    float_shares: float = column("free float on the split basis of the session", unit="shares", ge=0, nullable=True)
    kind: str = column("the vendor's type", nullable=True)
    primary_exchange: str = column("MIC", nullable=True)
    mean_dollar_volume_20: float = column("of the 20 sessions before", unit="USD", ge=0, nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker")

    @pa.dataframe_check
    @classmethod
    def no_members_cap_reaches_the_limit(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A member's market cap, if known, lies below the limit that its row names."""
        large = pl.col("market_cap") >= pl.col("market_cap_limit")
        return data.lazyframe.select(~(pl.col("member") & large.fill_null(False)))

    @pa.dataframe_check
    @classmethod
    def member_is_the_reason_of_members(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """The flag and the reason say the same."""
        return data.lazyframe.select(pl.col("member") == (pl.col("reason") == "member"))

    @pa.dataframe_check
    @classmethod
    def shares_are_known_before_the_session(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A count is asked for on the session at the latest."""
        return data.lazyframe.select(pl.col("shares_session") <= pl.col("session"))


def unknown_caps_are_few(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Of the tickers of a possible kind and price, at most one in five has an unknown market cap."""
    reached = stored.filter(~pl.col("reason").is_in(BEFORE_THE_CAP))
    unknown = reached["market_cap"].null_count()
    return Verdict(unknown <= MOST_UNKNOWN_CAPS * reached.height, {"unknown": unknown, "judged": reached.height})


def bars_and_reference_name_the_same_tickers(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Names with bars but not in the reference, and stocks of the reference without bars: under 0.5 % each, or five."""
    unknown = stored.filter(pl.col("reason") == "not in the reference")
    silent = stored.filter(pl.col("reason") == "no bar before", pl.col("kind") == "CS")
    allowed = max(FEW, MOST_STRANGERS * stored.height)
    return Verdict(
        max(unknown.height, silent.height) <= allowed,
        {
            "not_in_the_reference": f"{unknown.height}: {', '.join(unknown['ticker'].head(5))}",
            "without_a_bar": f"{silent.height}: {', '.join(silent['ticker'].head(5))}",
            "allowed": allowed,
        },
    )


def first_failed(rules: UniverseRules) -> pl.Expr:
    """The first rule that a row fails, else ``member``. A comparison with null fails nothing: unknown has its rule."""
    cap, kind, exchange = pl.col("market_cap"), pl.col("kind"), pl.col("primary_exchange")
    failed: dict[str, pl.Expr] = {
        "not in the reference": pl.col("active").is_null(),
        "not listed": ~pl.col("active"),
        "no bar before": pl.col("close_raw").is_null() & (not rules.unknown_history_is_member),
        "price": ~pl.col("price").is_between(rules.min_price, rules.max_price),
        "kind": ~kind.is_in(rules.kinds),
        "market cap unknown": cap.is_null() & (not rules.unknown_cap_is_member),
        "market cap": cap >= rules.max_market_cap,
        "float": pl.col("float_shares") >= rules.max_float,
        "kind unknown": kind.is_null() & (not rules.unknown_kind_is_member),
        "exchange unknown": exchange.is_null() & (not rules.unknown_exchange_is_member),
        "exchange": ~exchange.is_in(rules.exchanges),
        "dollar volume unknown": pl.col("mean_dollar_volume_20").is_null() & (not rules.unknown_history_is_member),
        "dollar volume": pl.col("mean_dollar_volume_20") < rules.min_dollar_volume,
    }
    reasons = [pl.when(fails).then(pl.lit(reason)) for reason, fails in failed.items()]
    return pl.coalesce(*reasons, pl.lit("member")).alias("reason")


def cap_class(cap: pl.Expr) -> pl.Expr:
    """The size class of a market cap; null if it is unknown."""
    classes = [pl.when(cap < end).then(pl.lit(name)) for name, end in CAP_CLASSES.items()]
    return pl.coalesce(*classes, pl.when(cap.is_not_null()).then(pl.lit(LARGE))).alias("cap_class")


def on_basis(counts: pl.DataFrame, since: str, count: str, splits: pl.DataFrame, session: date) -> pl.DataFrame:
    """``counts`` (``ticker``, …) with ``count`` moved from the split basis of ``since`` to that of ``session``."""
    dated = split_factor(counts.with_columns(session=since), splits, as_of=session)
    return dated.with_columns(pl.col(count) / pl.col("split_factor")).drop("split_factor", "session")


def last_counts(asked: pl.DataFrame) -> pl.DataFrame:
    """Each security's last count, with ``told_on``, the session on which the vendor first told this very count."""
    found = asked.filter(pl.col("shares").is_not_null()).sort("security_id", "session", "ticker")
    moved = (pl.col("shares") / pl.col("shares").shift(1) - 1).abs() > SAME_COUNT
    told = found.with_columns(telling=moved.fill_null(False).cum_sum().over("security_id"))
    first = pl.col("session").filter(pl.col("telling") == pl.col("telling").last()).first()
    return told.group_by("security_id", maintain_order=True).agg(
        pl.col("shares", "vendor_market_cap").last(), shares_session=pl.col("session").last(), told_on=first
    )


def reference(listed: pl.DataFrame, trading: pl.DataFrame) -> pl.DataFrame:
    """Active tickers, and of those that have ended the ones that still have bars; one row per ticker."""
    ended = listed.filter(~pl.col("active")).join(trading, on="ticker", how="semi")
    known = pl.concat([listed.filter("active"), ended]).sort("ticker", "active", "delisted_on", nulls_last=True)
    return known.unique("ticker", keep="last", maintain_order=True)


def frames(**inputs: pl.LazyFrame) -> Frames:
    """What the rules need of each input, collected once for all sessions of a run; of splits the accepted ones."""
    return {name: rows.select(NEEDED[name]).collect() for name, rows in inputs.items()}


def recent(session: date, splits: pl.DataFrame) -> pl.DataFrame:
    """The splits that the session's own look-back reaches, whatever else a run holds."""
    return splits.filter(pl.col("session").is_between(oldest_split(session), session))


def oldest_split(session: date) -> date:
    """The first session of the look-back for splits."""
    return [*sessions.before(session, SPLITS_BEFORE), session][0]


def counts_of(session: date, known: Frames, tickers: pl.DataFrame, lag: int) -> pl.DataFrame:
    """(``security_id``, ``shares`` on the session's basis, …), from counts that are at least ``lag`` sessions old."""
    window = [*sessions.before(session, SHARES_BEFORE), session]
    usable = known["shares_outstanding"].filter(pl.col("session").is_between(window[0], window[-1 - lag]))
    named = tickers.filter("active").unique("security_id", keep="first", maintain_order=True)
    counts = last_counts(usable).join(named.select("ticker", "security_id"), on="security_id", validate="1:1")
    moved = on_basis(counts, "told_on", "shares", recent(session, known["splits"]), session)
    return moved.drop("ticker", "told_on")


def floats_of(session: date, known: Frames) -> pl.DataFrame:
    """(``ticker``, ``float_shares`` on the session's basis), from values in effect before the session."""
    own = known["float_shares"].filter(pl.col("session") == session).drop("session")
    since = own.with_columns(since=pl.max_horizontal("effective_on", pl.lit(oldest_split(session))))
    moved = on_basis(since, "since", "free_float", recent(session, known["splits"]), session)
    return moved.select("ticker", float_shares="free_float")


def judged(session: date, known: Frames, rules: UniverseRules) -> pl.DataFrame:
    """The session's rows, from what was known before it alone."""
    metrics = known["daily_metrics"].filter(pl.col("session") == session).drop("session")
    tickers = reference(known["tickers"].filter(pl.col("session") == session).drop("session"), metrics)
    counts = counts_of(session, known, tickers, rules.publication_lag_sessions)
    rows = (
        tickers.join(metrics, on="ticker", how="full", coalesce=True, validate="1:1")
        .join(counts, on="security_id", how="left", validate="m:1")
        .join(floats_of(session, known), on="ticker", how="left", validate="1:1")
    )
    priced = rows.rename({"prior_close": "price"})
    sized = priced.with_columns(market_cap=pl.col("shares") * pl.col("price"), session=pl.lit(session))
    named = sized.with_columns(
        first_failed(rules), cap_class(pl.col("market_cap")), market_cap_limit=pl.lit(rules.max_market_cap)
    )
    return named.with_columns(member=pl.col("reason") == "member").drop("active", "delisted_on")


def with_waterfall(session: date, known: Frames, rules: UniverseRules) -> Rows:
    """The session's partition with its counts by reason and of its members by cap class."""
    rows = judged(session, known, rules)
    reasons = rows["reason"].value_counts().sort("count", "reason", descending=[True, False])
    lines = [f"| {reason} | {count:,} |" for reason, count in reasons.iter_rows()]
    members = rows.filter("member")
    classes = members["cap_class"].fill_null("unknown").value_counts().sort("cap_class")
    shown = {
        "members": members.height,
        "members_by_class": ", ".join(f"{name} {count}" for name, count in classes.iter_rows()),
        "reasons": dg.MetadataValue.md("\n".join(["| reason | tickers |", "|---|--:|", *lines])),
    }
    return Rows(Partition(session), rows, shown)


@dataset(
    Universe,
    Axis.SESSION,
    before={"shares_outstanding": SHARES_BEFORE, "splits": SPLITS_BEFORE},
    laws=(unknown_caps_are_few, bars_and_reference_name_the_same_tickers),
)
def universe(
    run: Run,
    tickers: pl.LazyFrame,
    daily_metrics: pl.LazyFrame,
    shares_outstanding: pl.LazyFrame,
    float_shares: pl.LazyFrame,
    splits: pl.LazyFrame,
    config: UniverseRules,
) -> Iterator[Rows]:
    """Each session judged by what was known before it."""
    known = frames(
        tickers=tickers,
        daily_metrics=daily_metrics,
        shares_outstanding=shares_outstanding,
        float_shares=float_shares,
        splits=splits.filter("accepted"),
    )
    for session in run.sessions:
        yield with_waterfall(session, known, config)
