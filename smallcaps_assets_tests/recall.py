"""Recall and precision of the intraday detectors on the synthetic market, where it is known what was planted.

``python -m smallcaps_assets_tests.recall`` prints a table by detector:

* planted: how often the market says that it planted the pattern.
* met: of these, how often a bar of the planted minutes completes it by the plain reading of `spec/events.md`
  (`source/emulator/detectors_by_hand.py`), crossing, cooldown and once included.
* found: of those that are met, how often the detector fires in the planted minutes and direction. Recall: found/met.
* fired: all events of the detector, in all ticker-sessions. At planted: of these, in minutes where its pattern was
  planted. Confirmed: of these, at bars at which the plain reading has the event too. Most bars that meet the thresholds
  were not planted as such (a gap that goes also breaks its opening range), so precision is confirmed/fired: how often
  two independent readings of the definition agree that there is an event.
* missed: events of the plain reading in the ticker-sessions where the detector fired or was to, without one of ours.
"""

import argparse
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from smallcaps_assets import sessions
from smallcaps_assets.datasets.intraday_events import events
from smallcaps_assets.maths.detector_rules import IntradayRules
from smallcaps_assets.maths.detectors import DETECTORS
from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.synthetic import SyntheticMarket
from smallcaps_assets_tests.source.emulator import detectors_by_hand

BEFORE = 20  # sessions of relative volume
INSTANT = pl.Datetime("ns", "UTC")
REPORTING_OPENS_MS = 90 * 60_000  # before the open: nothing fires at 08:00
FEWEST = 20  # planted cases of each detector that the command looks for
NAMES = [detector.__name__ for detector in DETECTORS]
Place = tuple[str, date]


@dataclass(frozen=True)
class Sample:
    """Ticker-sessions of the market: its minutes as it serves them, and what is known of each before it opens."""

    market: SyntheticMarket
    minutes: dict[Place, pl.DataFrame]  # of the sample, and of sessions before
    known: dict[Place, tuple[float, float, int | None]]  # ATR, prior close, sessions since a reverse split
    halts: pl.DataFrame

    @property
    def places(self) -> pl.DataFrame:
        """(``ticker``, ``session``) of the sample."""
        return pl.DataFrame(list(self.known), schema=["ticker", "session"], orient="row")

    def bars(self) -> pl.DataFrame:
        """What `minute_bars` holds of them."""
        names = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "vw": "vwap", "n": "trades"}
        placed = [
            frame.select(pl.lit(session).alias("session"), pl.lit(ticker).alias("ticker"), "t", *names)
            for (ticker, session), frame in self.minutes.items()
        ]
        rows = pl.concat(placed).rename(names).with_columns(started_at=(pl.col("t") * 10**6).cast(INSTANT))
        timed = sessions.with_hours(rows.lazy()).with_columns(segment=sessions.segment(pl.col("started_at")))
        return timed.select("session", "ticker", "started_at", *names.values(), "segment").collect()

    def metrics(self) -> pl.DataFrame:
        """What the detectors read of `daily_metrics`."""
        names = ["ticker", "session", "atr_14", "prior_close", "sessions_since_reverse_split"]
        rows = [(*place, *values) for place, values in self.known.items()]
        return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None).with_columns(
            pl.col("atr_14", "prior_close").fill_nan(None), pl.col(names[-1]).cast(pl.Int64)
        )

    def day(self, place: Place) -> detectors_by_hand.Day:
        """The same ticker-session for the plain detectors."""
        ticker, session = place
        atr, prior_close, _ = self.known[place]
        halted = self.halts.filter((pl.col("session") == session) & (pl.col("ticker") == ticker))
        halts = tuple(halted.select(pl.col("halted_at", "resumed_at").cast(pl.Int64) // 10**6).rows())
        rvol = self.premarket_rvol(place)
        return detectors_by_hand.day(self.minutes[place], hours(session), atr, prior_close, rvol, halts)

    def premarket_rvol(self, place: Place) -> float:
        """Pre-market volume over its mean in the 20 sessions before, 5 needed; nan after a reverse split."""
        ticker, session = place
        every = self.market.sessions()
        at = every.index(session)
        since = self.known[place][2]
        before = [(ticker, earlier) for earlier in every[max(at - BEFORE, 0) : at]]
        volumes = [self.premarket_volume(earlier) for earlier in before if earlier in self.minutes]
        if len(volumes) < 5 or sum(volumes) == 0 or (since is not None and since < BEFORE):
            return float("nan")
        return self.premarket_volume(place) / float(np.mean(volumes))

    def premarket_volume(self, place: Place) -> float:
        """Shares before the open."""
        return float(self.minutes[place].filter(pl.col("t") < hours(place[1]).open // 10**6)["v"].sum())


def sample(market: SyntheticMarket, places: Collection[Place], with_past: Collection[Place]) -> Sample:
    """The given ticker-sessions; of those ``with_past`` also the minutes of the 20 sessions before."""
    every = market.sessions()
    seen = dict.fromkeys(places)
    for ticker, session in with_past:
        at = every.index(session)
        seen |= {(ticker, earlier): None for earlier in every[max(at - BEFORE, 0) : at]}
    minutes = {place: frame for place in seen if not (frame := market.minutes(*place)).is_empty()}
    known = {place: before(market, *place) for place in places if place in minutes}
    halts = [market.halts(session).with_columns(session=pl.lit(session)) for session in sorted({s for _, s in known})]
    told = pl.concat(halts).select("session", "ticker", pl.col("halted_at", "resumed_at").cast(INSTANT))
    return Sample(market, minutes, known, told)


def before(market: SyntheticMarket, ticker: str, session: date) -> tuple[float, float, int | None]:
    """Mean of the last 14 true ranges, last close, on the session's split basis; sessions since a reverse split."""
    bars = market.daily_of(ticker, session - timedelta(days=60), session - timedelta(days=1)).filter(pl.col("v") > 0)
    day, high, low, close = (bars[name].to_numpy() for name in ("t", "h", "l", "c"))
    splits = market.splits().filter((pl.col("ticker") == ticker) & (pl.col("execution_date") <= session))
    factor = np.ones(len(day))
    since = None
    for split in splits.iter_rows(named=True):
        ratio = split["split_from"] / split["split_to"]
        factor[day < np.datetime64(split["execution_date"])] *= ratio
        if ratio > 1:
            since = len(sessions.between(split["execution_date"], session)) - 1
    high, low, close = high * factor, low * factor, close * factor
    if not len(close):
        return float("nan"), float("nan"), since
    ranges = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    return float(ranges[-14:].mean()) if len(ranges) >= 14 else float("nan"), float(close[-1]), since


def planted(market: SyntheticMarket, wanted: list[date]) -> pl.DataFrame:
    """The patterns of the intraday detectors that the market says it has planted."""
    every = pl.concat([market.planted(session).with_columns(session=pl.lit(session)) for session in wanted])
    return every.filter(pl.col("detector").is_in(NAMES))


def report(chosen: Sample) -> pl.DataFrame:
    """A row a detector with the counts that the module speaks of."""
    wanted = sorted({session for _, session in chosen.known})
    truth = planted(chosen.market, wanted).join(chosen.places, on=["ticker", "session"], how="semi")
    inputs = (chosen.bars().lazy(), chosen.metrics().lazy(), chosen.halts.lazy())
    found = (
        events(*inputs, IntradayRules(), wanted)
        .join(chosen.places, on=["ticker", "session"], how="semi")
        .with_columns(pl.col("triggered_at").cast(pl.Int64) // 10**6, up=pl.col("direction") == "up")
        .select("detector", "ticker", "session", pl.when("up").then(1).otherwise(-1), t="triggered_at")
    )
    days: dict[Place, detectors_by_hand.Day] = {}
    rows = []
    for name in NAMES:
        ours = set(found.filter(pl.col("detector") == name).drop("detector").rows())
        marks = truth.filter(pl.col("detector") == name).to_dicts()
        theirs: set[tuple[Any, ...]] = set()
        for place in sorted({key[:2] for key in ours} | {(mark["ticker"], mark["session"]) for mark in marks}):
            day = days.get(place) or days.setdefault(place, chosen.day(place))
            seen = {(*place, sign, int(day.t[at])) for at, sign in detectors_by_hand.events(name, day)}
            theirs |= {key for key in seen if key[-1] != day.open - REPORTING_OPENS_MS}
        met = [mark for mark in marks if at_mark(theirs, mark)]
        rows.append(
            {
                "detector": name,
                "planted": len(marks),
                "met": len(met),
                "found": sum(bool(at_mark(ours, mark)) for mark in met),
                "fired": len(ours),
                "at planted": len(set().union(*(at_mark(ours, mark) for mark in marks))),
                "confirmed": len(ours & theirs),
                "missed": len(theirs - ours),
            }
        )
    ratios = {"recall": pl.col("found") / pl.col("met"), "precision": pl.col("confirmed") / pl.col("fired")}
    return pl.DataFrame(rows).with_columns(**ratios)


def at_mark(keys: set[tuple[Any, ...]], mark: dict[str, Any]) -> set[tuple[Any, ...]]:
    """The events (ticker, session, direction, ms) that lie where the pattern was planted."""
    minutes = range(mark["first"], mark["last"] + 1, 60_000)
    return keys & {(mark["ticker"], mark["session"], mark["direction"], t) for t in minutes}


def enough(market: SyntheticMarket, first: int, at_least: int) -> list[date]:
    """Sessions from ordinal ``first`` on until every detector was planted ``FEWEST`` times, and ``at_least`` many."""
    rows = planted(market, market.sessions()[first:])
    for count in range(at_least, len(market.sessions()) - first):
        wanted = market.sessions()[first : first + count]
        counts = rows.filter(pl.col("session") <= wanted[-1])["detector"].value_counts()
        if counts.height == len(NAMES) and counts["count"].min() >= FEWEST:  # type: ignore[operator]
            return wanted
    raise ValueError(f"the market ends before every detector was planted {FEWEST} times")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m smallcaps_assets_tests.recall", description=main.__doc__)
    parser.add_argument("--tickers", type=int, default=60)
    parser.add_argument("--sessions", type=int, default=60, help="at least so many")
    asked = parser.parse_args()
    market = SyntheticMarket(tickers=asked.tickers, end=date(2025, 12, 31))
    wanted = enough(market, 60, asked.sessions)
    places = [(ticker, session) for session in wanted for ticker in market.daily(session)["T"]]
    chosen = sample(market, places, places)
    found = report(chosen)
    names = ["detector", "planted", "met", "found", "recall", "fired", "at planted", "confirmed", "precision", "missed"]
    shown = Table(*names)
    for row in found.select(names).iter_rows():
        shown.add_row(*(f"{value:.1%}" if isinstance(value, float) else str(value) for value in row))
    Console(width=120).print(
        shown, f"{len(chosen.known)} ticker-sessions of {len(wanted)} sessions, {wanted[0]} to {wanted[-1]}"
    )


if __name__ == "__main__":
    main()
