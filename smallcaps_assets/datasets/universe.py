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
applied to it. Counts and splits follow the security through renames. The vendor's own market cap stands beside it,
is compared and decides nothing.

What goes wrong: the vendor's counts follow filings, months late where a company dilutes fast, and may be visible before
they were published (see `shares_outstanding`; `publication_lag_sessions` makes them older). Names that trade but are
not in the reference are kept as rows and counted.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.identity import followed, identified
from smallcaps_assets.maths.share_counts import CAP_CLASSES, LARGE, cap_class, last_counts, on_basis
from smallcaps_assets.maths.small_cap_gate import all_failed, failing
from smallcaps_assets.partitions import Axis, Partition

SHARES_BEFORE = 66  # sessions: three monthly counts, and room for a lag of six weeks
SPLITS_BEFORE = 252  # sessions within which a float is put on the session's basis
BEFORE_THE_CAP = ["not in the reference", "not listed", "no bar before", "price", "kind"]
MOST_UNKNOWN_CAPS = 0.20  # of the tickers whose cap was asked for by the rules
MOST_STRANGERS = 0.005  # of all tickers: names in the bars but not in the reference, or the other way round
FEW = 5  # names that may be strangers in a small market
FAR = 0.20  # of our cap: further off, the vendor's rests on another count
MOST_FAR = 0.25  # of the caps told for this very session
WHY = "FROM universe_why WHERE ticker = 'GEVO' AND session = DATE '2024-01-16'"  # in data/smallcaps.duckdb
EXAMPLES = 3  # tickers by reason, in the UI
NEEDED = {
    "tickers": ["session", "ticker", "security_id", "earlier_ids", "active", "delisted_on", "kind", "primary_exchange"],
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
    failed: Annotated[pl.List, pl.String()] = column("every rule that fails, in the order of the rules")
    rules: str = column("the rules' bounds, as JSON")

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
    def the_reason_is_the_first_rule_that_fails(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Flag, reason and list say the same."""
        first = pl.col("failed").list.first().fill_null("member")
        return data.lazyframe.select((pl.col("reason") == first) & (pl.col("member") == (first == "member")))

    @pa.dataframe_check
    @classmethod
    def shares_are_known_before_the_session(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A count is asked for on the session at the latest."""
        return data.lazyframe.select(pl.col("shares_session") <= pl.col("session"))


def unknown_caps_are_few(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Of the tickers of a possible kind and price, at most one in five has an unknown market cap."""
    unknown, reached = unknown_caps(stored)
    return Verdict(unknown <= MOST_UNKNOWN_CAPS * reached, {"unknown": unknown, "judged": reached})


def unknown_caps(rows: pl.DataFrame) -> tuple[int, int]:
    """How many tickers of a possible kind and price have no market cap, and how many there are."""
    reached = rows.filter(~pl.col("reason").is_in(BEFORE_THE_CAP))
    return reached["market_cap"].null_count(), reached.height


def bars_and_reference_name_the_same_tickers(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Names with bars but not in the reference, and stocks of the reference without bars: under 0.5 % each, or five."""
    unknown = stored.filter(pl.col("reason") == "not in the reference")
    silent = stored.filter(pl.col("reason") == "no bar before", pl.col("kind") == "CS")
    allowed = max(FEW, MOST_STRANGERS * stored.height)
    both = {"not_in_the_reference": unknown, "without_a_bar": silent}
    shown = {name: f"{rows.height}: {', '.join(rows['ticker'].head(5))}" for name, rows in both.items()}
    return Verdict(max(unknown.height, silent.height) <= allowed, {**shown, "allowed": allowed})


def the_vendors_caps_are_near_ours(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """Of the caps that the vendor told for this session, at most a quarter lie 20 % or more from shares × price."""
    judged, far = compared(stored)
    return Verdict(far <= max(FEW, MOST_FAR * judged), {"compared": judged, "far": far})


def compared(rows: pl.DataFrame) -> tuple[int, int]:
    """Of how many rows both caps are of this session, and how many of those differ by 20 % or more of ours."""
    told = rows.filter(pl.col("shares_session") == pl.col("session"))
    off = (told["vendor_market_cap"] / told["market_cap"] - 1).abs().drop_nulls()
    return off.len(), int((off >= FAR).sum())


def reference(listed: pl.DataFrame, trading: pl.DataFrame) -> pl.DataFrame:
    """Active tickers, and of those that have ended the ones that still have bars; one row per ticker."""
    ended = listed.filter(~pl.col("active")).join(trading, on="ticker", how="semi")
    known = pl.concat([listed.filter("active"), ended]).sort("ticker", "active", "delisted_on", nulls_last=True)
    return known.unique("ticker", keep="last", maintain_order=True)


def frames(days: list[date], **inputs: pl.LazyFrame) -> Frames:
    """What the rules need of each input, collected once for a run; ``listings``: whose the tickers with splits were."""
    needed = {name: rows.select(NEEDED[name]) for name, rows in inputs.items()}
    split = inputs["splits"].select("ticker").unique().collect()["ticker"]
    whose = needed["tickers"].filter(pl.col("active") & pl.col("ticker").is_in(split.implode()))
    own = needed["tickers"].filter(pl.col("session").is_in(days))
    kept = {**needed, "tickers": own, "listings": whose.select("session", "ticker", "security_id")}
    return {name: rows.collect() for name, rows in kept.items()}


def oldest_split(session: date) -> date:
    """The first session of the look-back for splits."""
    return [*sessions.before(session, SPLITS_BEFORE), session][0]


def splits_of(session: date, known: Frames, listed: pl.DataFrame) -> pl.DataFrame:
    """The splits that the session's own look-back reaches, under the session's tickers."""
    seen = pl.col("session").is_between(oldest_split(session), session)
    return followed(identified(known["splits"].filter(seen), known["listings"].filter(seen)), listed)


def counts_of(session: date, known: Frames, listed: pl.DataFrame, splits: pl.DataFrame, lag: int) -> pl.DataFrame:
    """(``ticker``, ``shares`` on the session's basis, …), from counts that are at least ``lag`` sessions old."""
    window = [*sessions.before(session, SHARES_BEFORE), session]
    usable = known["shares_outstanding"].filter(pl.col("session").is_between(window[0], window[-1 - lag]))
    counts = last_counts(followed(usable, listed))
    return on_basis(counts, "told_on", "shares", splits, session).drop("told_on")


def floats_of(session: date, known: Frames, splits: pl.DataFrame) -> pl.DataFrame:
    """(``ticker``, ``float_shares`` on the session's basis), from values in effect before the session."""
    own = known["float_shares"].filter(pl.col("session") == session).drop("session")
    since = own.with_columns(since=pl.max_horizontal("effective_on", pl.lit(oldest_split(session))))
    return on_basis(since, "since", "free_float", splits, session).select("ticker", float_shares="free_float")


def judged(session: date, known: Frames, rules: UniverseRules) -> pl.DataFrame:
    """The session's rows, from what was known before it alone."""
    listed = known["tickers"].filter(pl.col("session") == session).drop("session")
    metrics = known["daily_metrics"].filter(pl.col("session") == session).drop("session")
    splits = splits_of(session, known, listed)
    rows = (
        reference(listed, metrics)
        .join(metrics, on="ticker", how="full", coalesce=True, validate="1:1")
        .join(
            counts_of(session, known, listed, splits, rules.publication_lag_sessions),
            on="ticker",
            how="left",
            validate="1:1",
        )
        .join(floats_of(session, known, splits), on="ticker", how="left", validate="1:1")
    )
    priced = rows.rename({"prior_close": "price"})
    sized = priced.with_columns(market_cap=pl.col("shares") * pl.col("price"), session=pl.lit(session))
    classed = sized.with_columns(cap_class(pl.col("market_cap")), market_cap_limit=pl.lit(rules.max_market_cap))
    gate = failing(**rules.model_dump(exclude={"publication_lag_sessions"}))
    named = classed.with_columns(all_failed(gate).alias("failed"), rules=pl.lit(rules.model_dump_json()))
    first = pl.col("failed").list.first().fill_null("member")
    return named.with_columns(reason=first, member=first == "member").drop("active", "delisted_on", "earlier_ids")


def reasons_table(rows: pl.DataFrame) -> str:
    """By reason, most frequent first: how many tickers, and the most traded of them."""
    traded = rows.sort(pl.col("mean_dollar_volume_20"), "ticker", descending=[True, False], nulls_last=True)
    counted = traded.group_by("reason", maintain_order=True).agg(pl.len(), pl.col("ticker").head(EXAMPLES))
    ordered = counted.sort("len", "reason", descending=[True, False])
    lines = [f"| {reason} | {count:,} | {', '.join(names)} |" for reason, count, names in ordered.iter_rows()]
    return "\n".join(["| reason | tickers | such as |", "|---|--:|---|", *lines])


def with_waterfall(session: date, known: Frames, rules: UniverseRules) -> Rows:
    """The session's partition with its counts by reason and of its members by cap class."""
    rows = judged(session, known, rules)
    members = rows.filter("member")
    classes = members["cap_class"].fill_null("unknown").value_counts().sort("cap_class")
    unknown, reached = unknown_caps(rows)
    both, far = compared(rows)
    shown = {
        "members": members.height,
        "members_by_class": ", ".join(f"{name} {count}" for name, count in classes.iter_rows()),
        "reasons": dg.MetadataValue.md(reasons_table(rows)),
        "unknown_caps_pct": round(100 * unknown / max(reached, 1), 2),
        "vendor_caps_compared": both,
        "vendor_caps_20_pct_off_pct": round(100 * far / max(both, 1), 2),
        "why": WHY,
    }
    return Rows(Partition(session), rows, shown)


@dataset(
    Universe,
    Axis.SESSION,
    before={"shares_outstanding": SHARES_BEFORE, "splits": SPLITS_BEFORE, "tickers": SPLITS_BEFORE},
    laws=(unknown_caps_are_few, the_vendors_caps_are_near_ours, bars_and_reference_name_the_same_tickers),
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
        run.sessions,
        tickers=tickers,
        daily_metrics=daily_metrics,
        shares_outstanding=shares_outstanding,
        float_shares=float_shares,
        splits=splits.filter("accepted"),
    )
    for session in run.sessions:
        yield with_waterfall(session, known, config)
