"""Bars, labels and weights of recorded tapes, beside what a walk without drift would give.

``python -m smallcaps_assets_tests.real_tapes --shared ../shared`` runs the datasets on whole sessions of BAC, IBM and
AIG (2013) and of VXRT and BCRX (2020) and prints two tables by ticker-session:

* ticks, bars, ticks a bar (median, 95th percentile), tapes (spans missing in a recording end one and begin the next).
* for each set of barriers: labels by value, censored, the sum of weights (1: a ticker-session speaks once). Touched:
  the sum of uniqueness of the labels that touched a barrier, which is how many labels without overlap they are worth.
  Up: share of +1 among touched, with its 95 % interval (Wilson, for so many labels); formula: loss/(profit + loss), the
  share of a continuous walk without drift and horizon. Redrawn: the same share on the same tape with the direction of
  each bar drawn anew, mean and central 95 % of the draws. +1/0/-1: the shares of all labels in per cent, on the
  tape and redrawn (means), and the central 95 % of the draws' share of 0.

A redrawn tape keeps every instant and the size of every move: all prices of a bar are taken as returns on the close
before it, with one sign for the bar. Closes are then a martingale by construction, and whatever the labels show on
them is what barriers, horizon, overshoot and the clustering of volatility make of no skill at all.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from smallcaps_assets import contract as contracts
from smallcaps_assets import sessions
from smallcaps_assets.dataset import Dataset, Run
from smallcaps_assets.datasets import barrier_labels as labelling
from smallcaps_assets.datasets.barrier_labels import BarrierLabelsConfig, barrier_labels
from smallcaps_assets.datasets.event_quotes import event_quotes
from smallcaps_assets.datasets.event_trades import event_trades
from smallcaps_assets.datasets.imbalance_bars import ImbalanceBarsConfig, imbalance_bars, tape_ticks
from smallcaps_assets.datasets.sample_weights import sample_weights
from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.maths.tapes import TAPE, TICKER_SESSION, owned
from smallcaps_assets.partitions import Partition
from smallcaps_assets.source.routes import SessionFile
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, QUOTES, TRADES, Schema

OCTOBER = [date(2013, 10, day) for day in (7, 8, 9)]
SESSIONS = {
    "BAC": OCTOBER,
    "IBM": OCTOBER,
    "AIG": OCTOBER[:1],
    "VXRT": [date(2020, 3, 17)],
    "BCRX": [date(2020, 4, 15)],
}
NORMAL_95 = 1.959963984540054
MINUTE: Schema = {"session": pl.Date, "ticker": pl.String, "started_at": INSTANT}
MINUTE |= dict.fromkeys(("open", "high", "low", "close"), pl.Float64)
NO_MINUTES = pl.DataFrame(schema=MINUTE)
Place = tuple[date, str]


class Recorded:
    """Answers like the client, from the recorded files; sizes of quotes in lots, as the vendor sent them then."""

    def __init__(self, shared: Path) -> None:
        self.folder = shared / "realdata" / "recorded"

    def trades(self, ticker: str, since: int, until: int) -> pl.DataFrame:
        """A ticker's trades in [since, until), UTC nanoseconds."""
        rows = self._inside("trades", ticker, since, until)
        absent = {"tape": pl.lit(None), "trf_id": pl.lit(None), "correction": pl.lit(0)}
        return (
            rows.with_columns(pl.col("conditions").fill_null([]), **absent).select(list(TRADES)).cast(pl.Schema(TRADES))
        )

    def quotes(self, ticker: str, since: int, until: int) -> pl.DataFrame:
        """A ticker's quotes in [since, until), UTC nanoseconds; none were recorded of 2020."""
        rows = self._inside("quotes", ticker, since, until).with_columns(pl.col("^.*_size$") / 100)
        none = pl.lit([], dtype=pl.List(pl.Int16))
        return rows.with_columns(conditions=none, indicators=none).select(list(QUOTES)).cast(pl.Schema(QUOTES))

    def expect(self, file: SessionFile, requests: Mapping[date, float]) -> None:
        """It has no other route."""

    def in_parallel(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """One after the other."""
        return map(function, items)

    def _inside(self, kind: str, ticker: str, since: int, until: int) -> pl.DataFrame:
        rows = pl.scan_parquet(self.folder / f"{kind}.parquet").filter(ticker=pl.lit(ticker))
        inside = rows.filter(pl.col("sip_timestamp").is_between(since, until, closed="left")).collect()
        return inside.rename({"sip_timestamp": "sip_at"}).sort("sip_at", "sequence_number")


class Chain(NamedTuple):
    """What the datasets make of the recordings; ``costed``: the bars with the cost of a round trip."""

    ticks: pl.DataFrame
    bars: pl.DataFrame
    costed: pl.DataFrame
    labels: pl.DataFrame
    weights: pl.DataFrame


def windows(shared: Path, wanted: Mapping[str, list[date]]) -> pl.DataFrame:
    """A window for each whole span of the recordings, 04:00 to 20:00 New York, as the manifest has them."""
    missing = pl.read_parquet(shared / "realdata/vectors/polygon_smallcap_2020_gaps.parquet").sort("start_ns")
    rows: list[tuple[Any, ...]] = []
    for ticker, days in wanted.items():
        for day in days:
            hours = sessions.hours(day)
            starts_at = hours.premarket_opens_at
            gaps = missing.filter(ticker=pl.lit(ticker)).select("start_ns", "end_ns").rows()
            for gap, resumes in [*gaps, (hours.postmarket_closes_at, None)]:
                ends_at = min(gap, hours.postmarket_closes_at)
                rows.append((day, ticker, f"{ticker}{day}{len(rows)}", True, starts_at, ends_at))
                if resumes is None or resumes >= hours.postmarket_closes_at:
                    break
                starts_at = resumes + 1
    names = ["session", "ticker", "event_id", "admitted", "window_starts_at", "window_ends_at"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col("^window_.*$").cast(INSTANT))


def made(dataset: Dataset, run: Run, **inputs: Any) -> pl.DataFrame:
    """All rows of a dataset, once its contract has passed them."""
    frame = pl.concat([contracts.conform(dataset.contract, part.frame) for part in dataset(run, **inputs)])
    verdict = contracts.verdict(dataset.contract, frame)
    if not verdict.passed:
        raise ValueError(f"{dataset.name} of the recorded tapes fails its contract: {verdict.metadata}")
    return frame


def chain(shared: Path, wanted: Mapping[str, list[date]] = SESSIONS) -> Chain:
    """The datasets from trades to weights on the recorded sessions."""
    events = windows(shared, wanted)
    places = events.select("session", pl.col("ticker").str.head(1)).unique(maintain_order=True).rows()
    run = Run("real_tapes", tuple(Partition(session, letter) for session, letter in places))
    client = Recorded(shared)
    known = {"event_manifest": events.lazy()}
    trades = made(event_trades, run, **known, minute_bars=NO_MINUTES.lazy(), polygon=client)
    quotes = made(event_quotes, run, **known, polygon=client)
    tape = known | {"event_trades": trades.lazy()}
    bars = made(imbalance_bars, run, **tape, config=ImbalanceBarsConfig())
    config = BarrierLabelsConfig()
    around = {"imbalance_bars": bars.lazy(), "event_quotes": quotes.lazy(), "minute_bars": NO_MINUTES.lazy()}
    labels = made(barrier_labels, run, **tape, **around, config=config)
    weights = made(sample_weights, run, barrier_labels=labels.lazy(), imbalance_bars=bars.lazy())
    seconds = owned(quotes.lazy(), events, "second_at").collect()
    costed = pl.concat(
        labelling.with_cost(part, seconds.filter(session=part["session"][0]), config)
        for part in bars.partition_by("session", maintain_order=True)
    )
    return Chain(tape_ticks(trades.lazy(), events), bars, costed, labels, weights)


def redrawn(ticks: pl.DataFrame, bars: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A tape's ticks and bars with the direction of each bar drawn anew, instants and sizes of moves as they were.

    The ticks after the last close are one more bar. A fall of more than all there is does not occur on these tapes.
    """
    closes = np.cumsum(bars["ticks"].to_numpy()) - 1
    price = ticks["price"].to_numpy()
    bar = np.searchsorted(closes, np.arange(len(price)))  # of each tick
    before = np.concatenate([price[:1], price[closes]])  # the close before each bar
    sign = rng.choice([-1.0, 1.0], len(before))
    moved = 1.0 + sign[bar] * (price / before[bar] - 1.0)
    steps = 1.0 + sign[: len(closes)] * (before[1:] / before[:-1] - 1.0)
    started = np.concatenate([[1.0], np.cumprod(steps)]) * before[0]
    walked = started[bar] * moved
    return ticks.with_columns(price=pl.Series(walked)), bars.with_columns(close=pl.Series(walked[closes]))


class Shares(NamedTuple):
    """Of labels that are not censored: +1 among the touched (NaN of none), and +1, 0, -1 among all."""

    up_of_touched: float
    up: float
    flat: float
    down: float


def shares(labels: pl.DataFrame) -> Shares:
    """How often each outcome came."""
    known = labels["label"].drop_nulls().to_numpy()
    up, flat, down = ((known == value).sum() / max(len(known), 1) for value in (1, 0, -1))
    return Shares(up / (up + down) if up + down else float("nan"), up, flat, down)


def driftless(found: Chain, place: Place, draws: int, seed: int) -> dict[str, Floats]:
    """For each set the ``Shares`` of ``draws`` redrawn sessions: float64[draws, 4]."""
    session, ticker = place
    rng = np.random.default_rng([seed, *ticker.encode(), session.toordinal()])
    here = (pl.col("session") == session) & (pl.col("ticker") == ticker)
    ticks = found.ticks.filter(here).partition_by(TAPE, as_dict=True, maintain_order=True)
    bars = found.costed.filter(here).partition_by(TAPE, as_dict=True, maintain_order=True)
    drawn: dict[str, list[Shares]] = {name: [] for name in labelling.SETS}
    for _ in range(draws):
        parts: list[pl.DataFrame] = []
        for names, of_tape in bars.items():
            walked, closed = redrawn(ticks[names], of_tape, rng)
            parts += labelling.of_tape(closed, walked, NO_MINUTES, BarrierLabelsConfig())
        labels = pl.concat(parts)
        for name in labelling.SETS:
            drawn[name].append(shares(labels.filter(barriers=name)))
    return {name: np.array(values) for name, values in drawn.items()}


def middle(drawn: Floats) -> tuple[Shares, Shares, Shares]:
    """Mean, 2.5th and 97.5th percentile of ``Shares`` (float64[draws, 4]); a draw that touched nothing has no first."""
    columns = [column[~np.isnan(column)] for column in drawn.T]
    some = [column if len(column) else np.array([np.nan]) for column in columns]
    means = Shares(*(float(column.mean()) for column in some))
    low, high = (Shares(*(float(np.quantile(column, q)) for column in some)) for q in (0.025, 0.975))
    return means, low, high


def percent(of: Shares) -> str:
    """+1, 0 and -1 in per cent."""
    return "/".join(f"{100 * share:.1f}" for share in (of.up, of.flat, of.down))


def wilson(share: float, count: float) -> tuple[float, float]:
    """95 % interval of a share seen in ``count`` independent cases, which need not be whole.

    >>> [round(bound, 3) for bound in wilson(0.4, 100)]
    [0.309, 0.498]
    """
    square = NORMAL_95**2
    center = (share + square / (2 * count)) / (1 + square / count)
    half = NORMAL_95 / (1 + square / count) * np.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return float(center - half), float(center + half)


def tapes_table(found: Chain) -> pl.DataFrame:
    """A row per ticker-session: ticks, bars, ticks a bar, tapes."""
    ticks = found.ticks.group_by(TICKER_SESSION).agg(ticks=pl.len(), tapes=pl.col("tape_starts_at").n_unique())
    length = pl.col("ticks")
    bars = found.bars.group_by(TICKER_SESSION).agg(
        bars=pl.len(),
        mean=length.mean(),
        median=length.median(),
        p95=length.quantile(0.95, interpolation="linear"),
        longest=length.max(),
    )
    return ticks.join(bars, on=TICKER_SESSION, how="left").sort("session", "ticker")


def labels_table(found: Chain, draws: int, seed: int) -> pl.DataFrame:
    """A row per ticker-session and set of barriers, with the columns that the module speaks of."""
    key = [*TAPE, "bar", "barriers"]
    weighted = found.labels.join(found.weights, on=key, how="left", validate="1:1")
    config = BarrierLabelsConfig()
    formula = {"volatility": config.loss / (config.profit + config.loss)}
    formula["plain"] = config.plain_loss / (config.plain_profit + config.plain_loss)
    rows = []
    for place in found.bars.select(TICKER_SESSION).unique(maintain_order=True).sort(TICKER_SESSION).rows():
        walks = driftless(found, place, draws, seed)
        for name in labelling.SETS:
            ours = weighted.filter(session=place[0], ticker=place[1], barriers=pl.lit(name))
            seen = shares(ours)
            touched = float(ours.filter(pl.col("label") != 0)["uniqueness"].sum())
            low, high = wilson(seen.up_of_touched, touched) if touched else (float("nan"), float("nan"))
            mean, lower, upper = middle(walks[name])
            rows.append(
                {"session": place[0], "ticker": place[1], "set": name}
                | {str(value): (ours["label"] == value).sum() for value in (1, 0, -1)}
                | {"censored": ours["censored"].sum(), "weights": ours["weight"].sum(), "touched": touched}
                | {"up": seen.up_of_touched, "low": low, "high": high, "formula": formula[name]}
                | {"redrawn": mean.up_of_touched, "from": lower.up_of_touched}
                | {"to": upper.up_of_touched, "flat": seen.flat, "redrawn flat": mean.flat}
                | {"flat low": lower.flat, "flat high": upper.flat, "+1/0/-1": percent(seen)}
                | {"redrawn +1/0/-1": percent(mean)}
            )
    return pl.DataFrame(rows)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m smallcaps_assets_tests.real_tapes", description=main.__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="where the recorded data lie")
    parser.add_argument("--draws", type=int, default=200, help="redrawn sessions for each ticker-session")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    found = chain(asked.shared)
    console = Console(width=200)
    console.print(table("tapes", tapes_table(found)))
    labels = labels_table(found, asked.draws, asked.seed)
    for name in labelling.SETS:
        console.print(table(name, labels.filter(set=pl.lit(name)).drop("set", "flat", "redrawn flat")))


def table(title: str, frame: pl.DataFrame) -> Table:
    """A frame for the screen, numbers to three decimals and those that there are not as blanks."""
    shown = Table(*frame.columns, title=title)
    for row in frame.iter_rows():
        numbers = (f"{value:.3f}" if isinstance(value, float) else str(value) for value in row)
        shown.add_row(*("" if number == "nan" else number for number in numbers))
    return shown


if __name__ == "__main__":
    main()
