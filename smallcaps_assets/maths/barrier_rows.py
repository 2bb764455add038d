"""Barrier labels of a tape's bars as rows: on the tape, and past its end on minute bars.

A tape is known to its end, ``tape_ends_at``, also where its last trade is earlier, so its last price stands as a tick
of the last nanosecond before the end: a horizon that passes by then is a 0 and not censored.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from smallcaps_assets.maths.arguments import Bools, Floats, Ints
from smallcaps_assets.maths.barrier_paths import Labels
from smallcaps_assets.maths.tapes import TAPE
from smallcaps_assets.maths.triple_barrier import CENSORED, Touches, first_touch, first_touch_bars

MINUTE_NS = 60_000_000_000
INSTANT = pl.Datetime("ns", "UTC")


class Barriers(NamedTuple):
    """A set of barriers: its name, profit and loss in targets, and horizon in nanoseconds."""

    name: str
    profit: float
    loss: float
    horizon_ns: int


@dataclass(frozen=True)
class Path:
    """One tape: its bars, its ticks, the minute bars of its ticker and session, and the session's last instant."""

    bars: pl.DataFrame
    ticks: pl.DataFrame
    minutes: pl.DataFrame
    closes_at: int

    @cached_property
    def ends_at(self) -> int:
        """End of the tape's windows, exclusive, UTC ns."""
        return int(self.ticks["tape_ends_at"].cast(pl.Int64)[0])

    @cached_property
    def tape(self) -> tuple[Ints, Floats]:
        """Instants (ns) and prices of the ticks, and the last price once more at the end."""
        at, price = self.ticks["sip_at"].cast(pl.Int64).to_numpy(), self.ticks["price"].to_numpy()
        return np.append(at, self.ends_at - 1), np.append(price, price[-1])

    @cached_property
    def entries(self) -> Ints:
        """Index of each bar's last tick; ``ValueError`` if the bars were made of other ticks."""
        closes = np.cumsum(self.bars["ticks"].to_numpy()) - 1
        closed_at = self.bars["closed_at"].cast(pl.Int64).to_numpy()
        if closes[-1] >= self.ticks.height or not np.array_equal(self.tape[0][closes], closed_at):
            tape = {name: str(self.bars[name][0]) for name in TAPE}
            raise ValueError(f"imbalance_bars of the tape {tape} are of other trades: materialize imbalance_bars again")
        return closes

    @cached_property
    def after(self) -> dict[str, Ints | Floats]:
        """Minute bars after the tape, led by its last price and followed by theirs at the session's end."""
        later = self.minutes.filter(pl.col("started_at").cast(pl.Int64) >= self.ends_at)
        ended = later["started_at"].cast(pl.Int64).to_numpy() + MINUTE_NS
        known_to = max(self.closes_at, self.ends_at, int(ended[-1]) if len(ended) else 0)
        last = float(self.tape[1][-1])
        found: dict[str, Ints | Floats] = {"at": np.concatenate([[self.ends_at], ended, [known_to]]).astype(np.int64)}
        closing = float(later["close"][-1]) if later.height else last
        for name, ours in (("open_price", "open"), ("high", "high"), ("low", "low"), ("close", "close")):
            found[name] = np.concatenate([[last], later[ours].to_numpy(), [closing]]).astype(np.float64)
        return found


def tape_labels(path: Path, bars: pl.DataFrame, barriers: Barriers) -> pl.DataFrame:
    """Labels of ``bars`` (some of the path's, with ``target`` and ``cost``) on the tape alone."""
    entry = path.entries[bars["bar"].to_numpy()]
    touches = _touches(path, entry, bars, barriers)
    ends = np.where(touches.label == 0, path.tape[0][entry] + barriers.horizon_ns, path.tape[0][touches.touch])
    return _rows(bars, barriers, touches.label, ends, touches.ret, np.zeros(len(entry), dtype=np.bool_))


def continued_labels(path: Path, bars: pl.DataFrame, barriers: Barriers) -> pl.DataFrame:
    """Labels of ``bars`` on the tape, and where it ends before the horizon on the minute bars that follow it.

    A window that ends inside a minute cannot be carried on (that minute's bar holds trades before and after it): its
    labels stay censored.
    """
    at, price = path.tape
    entry = path.entries[bars["bar"].to_numpy()]
    label, touch, ret = _touches(path, entry, bars, barriers)
    ends = np.where(label == 0, at[entry] + barriers.horizon_ns, at[touch])
    ambiguous = np.zeros(len(entry), dtype=np.bool_)
    open_ended = np.flatnonzero(label == CENSORED)
    if len(open_ended) and path.ends_at % MINUTE_NS == 0:
        entered = entry[open_ended]
        found = first_touch_bars(
            **path.after,
            entry=np.full(len(entered), -1),
            target=bars["target"].to_numpy()[open_ended],
            profit=barriers.profit,
            loss=barriers.loss,
            horizon_ns=barriers.horizon_ns,
            entry_at=at[entered],
            entry_price=price[entered],
        )
        label[open_ended], ret[open_ended], ambiguous[open_ended] = found.label, found.ret, found.ambiguous
        horizon = at[entered] + barriers.horizon_ns
        ends[open_ended] = np.where(found.label == 0, horizon, path.after["at"][found.touch])
    return _rows(bars, barriers, label, ends, ret, ambiguous)


def _touches(path: Path, entry: Ints, bars: pl.DataFrame, barriers: Barriers) -> Touches:
    return first_touch(
        *path.tape,
        entry,
        bars["target"].to_numpy(),
        profit=barriers.profit,
        loss=barriers.loss,
        horizon_ns=barriers.horizon_ns,
    )


def _rows(
    bars: pl.DataFrame, barriers: Barriers, label: Labels, ends: Ints, ret: Floats, ambiguous: Bools
) -> pl.DataFrame:
    found = bars.with_columns(
        barriers=pl.lit(barriers.name),
        _label=pl.Series(label.astype(np.int8)),
        _ends=pl.Series(ends.astype(np.int64)),
        _ret=pl.Series(ret.astype(np.float64)),
        ambiguous=pl.Series(ambiguous),
        upper=pl.col("target") * barriers.profit,
        lower=-pl.col("target") * barriers.loss,
    )
    seen = pl.col("_label") != CENSORED
    return found.select(
        *TAPE,
        "bar",
        "barriers",
        entered_at="closed_at",
        label=pl.when(seen).then("_label"),
        label_ends_at=pl.when(seen).then(pl.col("_ends").cast(INSTANT)),
        ret_gross=pl.when(seen).then("_ret"),
        ret_net=pl.when(seen).then(pl.col("_ret") - pl.col("cost")),
        target="target",
        upper="upper",
        lower="lower",
        cost="cost",
        censored=~seen,
        ambiguous="ambiguous",
    )
