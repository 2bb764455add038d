"""A trading halt as the exchange published it, on the session in whose market day it began.

Source: files of the exchange's halt list, dropped into `inbox/halts/*.csv` of the lake (the vendor has no halts):
header `Halt Date, Halt Time, Issue Symbol, Issue Name, Market, Reason Codes, Pause Threshold Price, Resumption Date,
Resumption Quote Time, Resumption Trade Time`, dates MM/DD/YYYY, times on the New York clock. Grain: one row per ticker
and instant of the halt. `known_at` is `halted_at`; that and when it resumed is known at `resumed_at` only.

A file may hold any dates. A halt that stands in several files is the row of the last file by name, which may know its
resumption. After the after-market close a halt belongs to the next session. A row that cannot be read stops the run,
naming file and line; a session without a file has no rows, which `files` = 0 tells apart from a quiet one.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.maths.session_dates import with_session
from smallcaps_assets.partitions import Axis

FOLDER = "halts"
HEADER = {
    "Halt Date": "date",
    "Halt Time": "time",
    "Issue Symbol": "ticker",
    "Issue Name": "name",
    "Market": "market",
    "Reason Codes": "reason_code",
    "Pause Threshold Price": "threshold",
    "Resumption Date": "resumption_date",
    "Resumption Quote Time": "quote_time",
    "Resumption Trade Time": "trade_time",
}
PAUSES = ["LUDP", "LUDS"]  # volatility pauses: five minutes and extensions
MOST_OPEN_PAUSES = 0.05  # share of a session's pauses


class Halts(pa.DataFrameModel):
    """A trading halt."""

    session: pl.Date = column("session in whose market day it began")
    ticker: str = column("as the exchange spells it", str_length={"min_value": 1})
    reason_code: str = column("T1, LUDP, H10, …; null where the file has none", nullable=True)
    halted_at: Instant = column("start of the halt", unit="ns UTC")
    quotes_resumed_at: Instant = column("quotes again; known then", unit="ns UTC", nullable=True)
    resumed_at: Instant = column("trades again; known then; null: not in the files", unit="ns UTC", nullable=True)
    threshold_price: float = column("that set off a volatility pause", unit="USD", gt=0, nullable=True)
    market: str = column("listing exchange as the file names it", nullable=True)
    name: str = column("of the issue", nullable=True)
    source: str = column("official: from the exchange's file", isin=["official"])
    known_at: Instant = column("the same as halted_at", unit="ns UTC")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "ticker", "halted_at")

    @pa.dataframe_check
    @classmethod
    def trading_resumes_after_the_halt(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Neither quotes nor trades resume before it."""
        return data.lazyframe.select(pl.col("halted_at") <= pl.min_horizontal("quotes_resumed_at", "resumed_at"))


def volatility_pauses_end(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No more than 5 % of the volatility pauses (one is always allowed) lack their resumption: a file cut off early."""
    pauses = stored.filter(pl.col("reason_code").is_in(PAUSES))
    unended = pauses.filter(pl.col("resumed_at").is_null())
    shown = {"pauses": pauses.height, "without_end": unended.height, "such_as": ", ".join(unended["ticker"].head(5))}
    return Verdict(unended.height <= max(1, MOST_OPEN_PAUSES * pauses.height), shown)


def new_york(day: str, clock: str) -> pl.Expr:
    """The instant of two texts on the New York clock; null if one is missing, not a date or not a time."""
    on = pl.col(day).str.to_date("%m/%d/%Y", strict=False)
    at = pl.col(clock).str.to_time("%H:%M:%S%.f", strict=False)
    local = on.dt.combine(at, time_unit="ns")
    zoned = local.dt.replace_time_zone(sessions.NEW_YORK.key, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")


def read(file: Path) -> pl.DataFrame:
    """The halts of one file; ``ValueError`` names the file, and the line if one is at fault."""
    try:
        texts = pl.read_csv(file, infer_schema=False, row_index_name="line", row_index_offset=2)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{file} is not a list of halts: {error}") from error
    texts = texts.rename({name: name.strip() for name in texts.columns})
    if lacking := [name for name in HEADER if name not in texts.columns]:
        raise ValueError(f"{file} is not a list of halts: it lacks the columns {lacking}")
    told = texts.select("line", *(stripped(name).alias(ours) for name, ours in HEADER.items()))
    rows = told.filter(pl.any_horizontal(pl.exclude("line").is_not_null())).with_columns(
        halted_at=new_york("date", "time"),
        quotes_resumed_at=new_york("resumption_date", "quote_time"),
        resumed_at=new_york("resumption_date", "trade_time"),
        threshold_price=pl.col("threshold").cast(pl.Float64, strict=False),
    )
    if (bad := rows.filter(unreadable())).height:
        raise ValueError(f"{file} line {bad['line'][0]} cannot be read: {told.filter(line=bad['line'][0]).row(0)[1:]}")
    return rows.with_columns(file=pl.lit(file.name))


def stripped(name: str) -> pl.Expr:
    """The text without blanks around it; null if nothing is left."""
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text)


def unreadable() -> pl.Expr:
    """Whether a row has no ticker or instant, has a text that is not what it should be, or resumes before it halts."""
    lost = (
        (pl.col("threshold").is_not_null() & pl.col("threshold_price").is_null())
        | (pl.col("quote_time").is_not_null() & pl.col("quotes_resumed_at").is_null())
        | (pl.col("trade_time").is_not_null() & pl.col("resumed_at").is_null())
        | (pl.min_horizontal("quotes_resumed_at", "resumed_at") < pl.col("halted_at")).fill_null(False)
    )
    return pl.col("ticker").is_null() | pl.col("halted_at").is_null() | lost


def gathered(files: list[Path]) -> pl.DataFrame:
    """The halts of all files with their session and file, in order of the files."""
    blank = pl.DataFrame(schema=dict.fromkeys(["file", *HEADER.values()], pl.String)).with_columns(
        line=pl.lit(0, pl.UInt32),
        threshold_price=pl.lit(None, pl.Float64),
        **dict.fromkeys(("halted_at", "quotes_resumed_at", "resumed_at"), pl.lit(None, pl.Datetime("ns", "UTC"))),
    )
    rows = pl.concat([blank, *(read(file).select(blank.columns) for file in files)])
    return with_session(rows, "halted_at", sessions.table(), "postmarket_closes_at", exact=False)


def shown(session: date, files: list[Path], rows: pl.DataFrame, kept: pl.DataFrame) -> dict[str, int]:
    """How many files speak of the session, by name or by rows, and how many rows said the same again."""
    named = {file.name for file in files if str(session) in file.name} | set(rows["file"])
    return {"files": len(named), "repeated": rows.height - kept.height}


@dataset(Halts, Axis.SESSION, laws=(volatility_pauses_end,))
def halts(run: Run, inbox: Path) -> Iterator[Rows]:
    """From the files in the inbox."""
    files = sorted((inbox / FOLDER).glob("*.csv"))
    told = ["session", "ticker", "reason_code", "halted_at", "quotes_resumed_at", "resumed_at", "threshold_price"]
    everything = gathered(files).filter(pl.col("session").is_in(run.sessions))
    for part in run.split(everything):
        kept = part.frame.unique(["ticker", "halted_at"], keep="last", maintain_order=True)
        rows = kept.select(*told, "market", "name", source=pl.lit("official"), known_at="halted_at")
        yield Rows(part.partition, rows, shown(part.partition.session or date.max, files, part.frame, kept))
