"""Triple-barrier labels beside seven libraries: each difference is a convention or a bug, with its name and count.

``walk`` is a plain reading of the triple barrier with the five conventions in which libraries differ. Under ours it is
``first_touch``; under a library's own it is that library, but for the bugs named here.
"""

import json
import math
from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from smallcaps_assets.maths.arguments import Floats, Ints
from smallcaps_assets.maths.triple_barrier import CENSORED, first_touch
from smallcaps_assets_tests.shared import SHARED, needs_shared_compiled

VECTORS = SHARED / "refvec/labels"
SOURCES = ("small", "mid", "ibm")
CASES = {
    "sym1_time": (1.0, 1.0, False),
    "sym1_bars": (1.0, 1.0, False),
    "asym_time_noside": (2.0, 1.0, False),
    "asym_time_side": (2.0, 1.0, True),
    "asym_bars_side": (2.0, 1.0, True),
    "pt_only_side": (1.0, 0.0, True),
    "novert_side": (3.0, 3.0, True),
}
"""Profit and loss in targets, and whether the events have a side. Life: by the clock, 50 bars, or without end."""
Outcome = tuple[int, int]


class Convention(NamedTuple):
    """In what libraries differ; all False is ours."""

    log_returns: bool = False
    beyond_not_at: bool = False  # a barrier is met with > instead of ≥
    horizon_is_the_next_bar: bool = False  # the first bar at or after it, instead of the last one inside it
    data_end_is_a_horizon: bool = False  # instead of censoring
    horizon_has_a_sign: bool = False  # of its return, instead of 0


OURS = Convention()
BOOK = Convention(beyond_not_at=True, horizon_is_the_next_bar=True)
PEERS = {
    "oracle": BOOK,
    "mlfinlab08": BOOK,
    "mlfinpy": BOOK,
    "risklabai": BOOK._replace(log_returns=True, horizon_has_a_sign=True),
    "finmlkit": Convention(log_returns=True, data_end_is_a_horizon=True, horizon_has_a_sign=True),
    "pymlfinance": Convention(data_end_is_a_horizon=True),
    "ml4t": Convention(data_end_is_a_horizon=True),
    "hpicsk": Convention(horizon_is_the_next_bar=True, data_end_is_a_horizon=True),
}
ONE_MULTIPLE = {"oracle", "mlfinlab08", "mlfinpy", "risklabai"}
"""Without a side both their barriers are at the profit multiple (the book's snippet 3.6)."""


class Events(NamedTuple):
    """A source's bars and events on the clock of a case."""

    at: Ints
    close: Floats
    entry: Ints
    target: Floats
    side: Ints
    life: int


@cache
def events(source: str, case: str) -> Events:
    bars, found = (pl.read_parquet(VECTORS / f"in_{kind}_{source}.parquet") for kind in ("bars", "events"))
    close = bars["close"].to_numpy()
    horizon = json.loads((VECTORS / "inputs.json").read_text())[source]["horizon_ns"]
    life = 50 if "bars" in case else 4 * 10**18 if "novert" in case else horizon
    at = np.arange(len(close)) if "bars" in case else bars["t_close"].to_numpy()
    side = found["side"].to_numpy() if CASES[case][2] else np.ones(found.height, dtype=np.int64)
    return Events(at, close, found["i0"].to_numpy(), found["trgt"].to_numpy(), side, life)


def walk(of: Events, event: int, profit: float, loss: float, by: Convention) -> Outcome:
    """(label, bar) of an event, the plain way; (-128, -1) if censored."""
    entry, end = of.entry[event], of.at[of.entry[event]] + of.life
    inside = int(np.searchsorted(of.at, end, "right"))
    horizon = int(np.searchsorted(of.at, end, "left")) if by.horizon_is_the_next_bar else inside - 1
    known = horizon < len(of.at) if by.horizon_is_the_next_bar else of.at[-1] >= end
    stop = min(horizon + 1, len(of.at))
    ratio = of.close[entry : max(stop, entry + 1)] / of.close[entry]
    ret = of.side[event] * (np.log(ratio) if by.log_returns else ratio - 1.0)[1:]
    upper = profit * of.target[event] if profit else np.inf
    lower = -loss * of.target[event] if loss else -np.inf
    met = (ret > upper) | (ret < lower) if by.beyond_not_at else (ret >= upper) | (ret <= lower)
    if met.any():
        first = int(np.argmax(met))
        return (1 if ret[first] > 0 else -1), int(entry) + 1 + first
    if not known and not by.data_end_is_a_horizon:
        return CENSORED, -1
    last = min(horizon, len(of.at) - 1)
    sign = int(np.sign(of.side[event] * (of.close[last] - of.close[entry])))
    return (sign if by.horizon_has_a_sign else 0), last


def multiples(peer: str, case: str) -> tuple[float, float]:
    profit, loss, sided = CASES[case]
    return profit, profit if peer in ONE_MULTIPLE and not sided else loss


def convention(peer: str, case: str) -> Convention:
    """In cases that count bars the last bar of the data was given to every library as the vertical barrier."""
    return PEERS[peer]._replace(**({"data_end_is_a_horizon": True} if "bars" in case else {}))


@cache
def walks(source: str, case: str, multiple: tuple[float, float], by: Convention) -> list[Outcome]:
    of = events(source, case)
    return [walk(of, event, *multiple, by) for event in range(len(of.entry))]


@cache
def stated(peer: str) -> pl.DataFrame:
    """``input``, ``case``, ``ev``, ``t1`` and ``label`` of a library; with a side its label is 1 or 0 but for ml4t."""
    if peer == "oracle":
        rows = pl.read_parquet(VECTORS / "oracle_labels.parquet").rename({"label_touch": "label"})
    else:
        rows = pl.read_parquet(VECTORS / "peers_labels.parquet").filter(pl.col("peer") == peer)
    whole = pl.col("label").fill_nan(None).cast(pl.Int64).fill_null(CENSORED)
    return rows.select("input", "case", "ev", pl.col("t1").fill_null(-1), label=whole)


def derived_again(of: Events, event: int, bar: int, case: str) -> int:
    """What mlfinlab's get_bins makes of the bar that was found: log returns against multiples of log(1 + target)."""
    profit, loss, _ = CASES[case]
    ret = of.side[event] * math.log(of.close[bar] / of.close[of.entry[event]])
    unit = math.log1p(of.target[event])
    return 1 if ret > profit * unit else -1 if ret < -loss * unit else 0


def bug(peer: str, of: Events, event: int, case: str, ours: Outcome, theirs: Outcome) -> str:
    """The name of the bug by which a library differs from its own convention; empty if it is none that we know."""
    sided = CASES[case][2]
    if peer in {"mlfinlab08", "mlfinpy"} and ours[1] == theirs[1]:
        label = derived_again(of, event, ours[1], case)
        return "the barrier is derived again" if theirs[0] == (max(label, 0) if sided else label) else ""
    if peer == "finmlkit" and theirs[1] >= len(of.at):
        return "an index that was never written"
    if peer == "finmlkit" and ours == (0, theirs[1]) and of.close[ours[1]] == of.close[of.entry[event]]:
        return "a return of zero is a gain" if theirs[0] == 1 else ""
    return ""


@needs_shared_compiled
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("source", SOURCES)
def test_under_our_convention_the_plain_walk_is_first_touch(source: str, case: str) -> None:
    of, (profit, loss, _) = events(source, case), CASES[case]
    ours = first_touch(of.at, of.close, of.entry, of.target, profit=profit, loss=loss, horizon_ns=of.life, side=of.side)
    assert list(zip(ours.label.tolist(), ours.touch.tolist(), strict=True)) == walks(source, case, (profit, loss), OURS)


BUGS = {
    "oracle": (14_140, {}),
    "mlfinlab08": (14_140, {"the barrier is derived again": 62}),
    "mlfinpy": (14_140, {"the barrier is derived again": 62}),
    "risklabai": (8_773, {}),
    "finmlkit": (10_100, {"an index that was never written": 33, "a return of zero is a gain": 1}),
    "pymlfinance": (2_019, {}),
    "ml4t": (4_040, {}),
    "hpicsk": (4_040, {}),
}


@needs_shared_compiled
@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_is_the_plain_walk_under_its_own_convention_but_for_bugs_with_a_name(peer: str) -> None:
    found: Counter[str] = Counter()
    rows = stated(peer)
    for (source, case), part in rows.group_by("input", "case", maintain_order=True):
        source, case = str(source), str(case)
        of = events(source, case)
        expected = walks(source, case, multiples(peer, case), convention(peer, case))
        meta = CASES[case][2] and peer not in {"ml4t", "oracle"}
        for event, bar, label in part.select("ev", "t1", "label").iter_rows():
            walked = expected[event]
            as_told = (max(walked[0], 0), walked[1]) if meta and walked[0] != CENSORED else walked
            if as_told != (label, bar):
                found[bug(peer, of, event, case, walked, (label, bar))] += 1
    assert (rows.height, dict(found)) == BUGS[peer]


BOOK_REASONS = {"equal": 13_805, "horizon_is_the_next_bar": 332, "data_end_is_a_horizon": 3}
REASONS = {
    "oracle": BOOK_REASONS,
    "mlfinlab08": BOOK_REASONS,
    "mlfinpy": BOOK_REASONS,
    "risklabai": {
        "equal": 8_596,
        "log_returns": 171,
        "horizon_is_the_next_bar": 2,
        "data_end_is_a_horizon": 2,
        "several": 2,
    },
    "finmlkit": {
        "equal": 9_527,
        "log_returns": 252,
        "horizon_has_a_sign": 299,
        "data_end_is_a_horizon": 5,
        "several": 17,
    },
    "pymlfinance": {"equal": 2_019},
    "ml4t": {"equal": 4_037, "data_end_is_a_horizon": 3},
    "hpicsk": {"equal": 4_015, "horizon_is_the_next_bar": 22, "data_end_is_a_horizon": 3},
}
"""Of (label, bar) of each event. No library differs by > instead of ≥ alone."""


@needs_shared_compiled
@pytest.mark.parametrize("peer", PEERS)
def test_each_difference_from_ours_has_one_convention_as_its_reason(peer: str) -> None:
    """With the multiples that the library used; the reason is the convention that alone turns our outcome into its."""
    found: Counter[str] = Counter()
    for (source, case), part in stated(peer).group_by("input", "case", maintain_order=True):
        place = (str(source), str(case), multiples(peer, str(case)))
        theirs = convention(peer, place[1])
        apart = [name for name in Convention._fields if getattr(theirs, name)]
        alone = {name: walks(*place, Convention(**{name: True})) for name in apart}
        for event in part["ev"].to_list():
            outcome = walks(*place, theirs)[event]
            if outcome == walks(*place, OURS)[event]:
                found["equal"] += 1
            else:
                found[next((name for name in apart if alone[name][event] == outcome), "several")] += 1
    assert dict(found) == REASONS[peer]


APART = {
    "mlfinlab08": 22.33,
    "mlfinpy": 22.33,
    "risklabai": 0.0091,
    "finmlkit": 20.10,
    "ml4t": 0.0779,
    "hpicsk": 0.0779,
}
"""The largest difference of a return from ours, which is ``side·(price/entry − 1)`` at the touch."""


@needs_shared_compiled
@pytest.mark.parametrize("peer", APART)
def test_a_peers_return_is_another_function_of_the_same_price(peer: str) -> None:
    """mlfinlab: that of a short is entry/price − 1; RiskLabAI, finmlkit: the log; ml4t, hpicsk: the barrier's own."""
    rows = pl.read_parquet(VECTORS / "peers_labels.parquet").filter(pl.col("peer") == peer, pl.col("ret").is_not_nan())
    apart = 0.0
    for (source, case), part in rows.group_by("input", "case"):
        of = events(str(source), str(case))
        known = part.filter(pl.col("t1").is_between(0, len(of.close) - 1))
        event, bar, ret = (known[name].to_numpy() for name in ("ev", "t1", "ret"))
        ratio, side = of.close[bar] / of.close[of.entry[event]], of.side[event]
        ours = side * (ratio - 1.0)
        if peer in {"ml4t", "hpicsk"}:
            profit, loss, _ = CASES[str(case)]
            label = known["label"].to_numpy()
            expected = np.select([label > 0, label < 0], [profit * of.target[event], -loss * of.target[event]], ours)
        else:
            expected = side * np.log(ratio) if peer in {"risklabai", "finmlkit"} else ratio**side - 1.0
        np.testing.assert_allclose(ret, expected, atol=1e-12)
        apart = max(apart, float(np.abs(ret - ours).max()))
    assert apart == pytest.approx(APART[peer], rel=0.01)
