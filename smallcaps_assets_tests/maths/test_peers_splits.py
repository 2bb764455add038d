"""Purged splits beside eight other libraries: what they train on more or less than we do, and how much of it leaks.

Ours counts a shared instant as an overlap (AFML snippet 7.1, the vectors' ``drop``).
"""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from smallcaps_assets.maths.arguments import Ints
from smallcaps_assets.maths.folds import leaks
from smallcaps_assets.maths.purging import purge
from smallcaps_assets_tests.shared import SHARED, needs_shared

VECTORS = SHARED / "refvec/cv"
LABELS = ("toy_tie", "toy_var", "toy_gap", "mid")
KFOLD, COMBINATORIAL = "kfold4_pct0.0", "cpcv5_2_pct0.0"
Split = tuple[list[int], list[int]]
Count = tuple[int, int, int] | str


@cache
def stated(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{file}.json").read_text())
    return found


def lives(labels: str) -> tuple[Ints, Ints]:
    start, end = stated("inputs_t0_t1")[labels]
    return np.array(start), np.array(end)


def counted(labels: str, splits: list[Split] | str) -> Count:
    """Training rows of all splits that we leave out, that we have besides, and that meet a test label."""
    if isinstance(splits, str):
        return splits.split("(")[0].removeprefix("ERR ")
    start, end = lives(labels)
    more = less = leaking = 0
    for train, test in splits:
        ours = set(np.flatnonzero(purge(start, end, test)).tolist())
        more += len(set(train) - ours)
        less += len(ours - set(train))
        leaking += int(leaks(start[train], end[train], start[test], end[test], 0).sum())
    return more, less, leaking


EQUAL = (0, 0, 0)
RAISES = "Exception"
FOLDS: dict[tuple[str, str], tuple[Count, ...]] = {
    # the block begins where its first label ends (mlfinlab#295): labels that reach into the first label train
    ("mlfinlab08", KFOLD): ((9, 0, 9), (36, 0, 36), (6, 0, 6), (8, 0, 8)),
    ("mlfinpy", KFOLD): ((9, 0, 9), RAISES, (6, 0, 6), RAISES),
    ("mlfinpy", COMBINATORIAL): ("ValueError",) * 4,
    # the block ends where its last label ends, which need not be the latest
    ("risklabai", KFOLD): (EQUAL, (31, 0, 31), EQUAL, (5, 0, 5)),
    ("risklabai", COMBINATORIAL): (EQUAL, EQUAL, EQUAL, EQUAL),
    ("pymlfinance", KFOLD): (EQUAL, EQUAL, EQUAL, EQUAL),
    # intervals are half-open: a label that ends where a test label starts trains
    ("purgedcv", KFOLD): ((6, 0, 6), (3, 0, 3), (6, 0, 6), (3, 0, 3)),
    ("purgedcv", COMBINATORIAL): ((24, 0, 24), (16, 0, 16), (24, 0, 24), (15, 0, 15)),
    # between two blocks: too little where the second ends the data, else too much (seen; the cause was not sought)
    ("timeseriescv", "cpcv5_2_h0"): ((6, 2, 6), (13, 0, 13), (4, 6, 4), (2, 307, 2)),
    # purges by the length of the longest label in rows
    ("skfolio", COMBINATORIAL): (EQUAL, "ValueError", EQUAL, (0, 159, 0)),
    # the block ends where its last label starts; between two test blocks nothing trains
    ("hpicsk", KFOLD): ((9, 0, 9), (33, 0, 33), (6, 0, 6), (8, 0, 8)),
    ("hpicsk", COMBINATORIAL): ((18, 44, 18), (47, 41, 47), (12, 76, 12), (3, 3075, 3)),
}


@needs_shared
@pytest.mark.parametrize(("peer", "scheme"), FOLDS)
def test_what_a_peer_trains_on_besides_ours_leaks_to_the_last_row(peer: str, scheme: str) -> None:
    found = tuple(counted(labels, stated("peers_cv")[peer][labels][scheme]) for labels in LABELS)
    assert found == FOLDS[peer, scheme]
    assert all(isinstance(count, str) or count[0] == count[2] for count in found)


@needs_shared
def test_half_open_intervals_are_those_of_purgedcv_but_for_labels_of_no_length() -> None:
    for labels in LABELS:
        start, end = lives(labels)
        for name, oracle in ((KFOLD, "kfold4_keep"), (COMBINATORIAL, "cpcv5_2_keep")):
            theirs, plain = stated("peers_cv")["purgedcv"][labels][name], stated("oracle_cv")[labels][oracle]
            for (train, test), (expected, tested) in zip(theirs, plain, strict=True):
                apart = sorted(set(train) ^ set(expected))
                assert test == tested
                assert (start[apart] == end[apart]).all() or labels == "toy_var"
                assert labels == "toy_var" or not apart


@needs_shared
def test_the_books_snippet_7_3_contradicts_its_7_1_exactly_at_shared_instants() -> None:
    """``keep`` trains on labels that touch a test label at one instant: 6 and 24 of toy_tie, and so on, all such."""
    counts = {}
    for labels in LABELS:
        start, end = lives(labels)
        for name in ("kfold4_keep", "cpcv5_2_keep", "kfold4_book73_pct0"):
            kept = 0
            for train, test in stated("oracle_cv")[labels][name]:
                extra = np.setdiff1d(train, np.flatnonzero(purge(start, end, test)))
                kept += len(extra)
                inside = (start[extra][:, None] < end[test]) & (end[extra][:, None] > start[test])
                assert not inside.any()
            counts[labels, name] = kept
    assert [counts[labels, "kfold4_keep"] for labels in LABELS] == [6, 1, 6, 3]
    assert [counts[labels, "cpcv5_2_keep"] for labels in LABELS] == [24, 8, 24, 15]
    assert [counts[labels, "kfold4_book73_pct0"] for labels in LABELS] == [6, 1, 6, 3]


@needs_shared
@pytest.mark.parametrize(
    ("peer", "scheme", "sets"),
    [
        ("mlfinlab08", KFOLD, ("toy_tie", "toy_gap")),
        ("risklabai", KFOLD, LABELS),
        ("hpicsk", KFOLD, LABELS),
        ("hpicsk", COMBINATORIAL, LABELS),
    ],
)
def test_the_window_that_a_peer_purges_by_is_the_reason_named(peer: str, scheme: str, sets: tuple[str, ...]) -> None:
    """Purging by [first label's start or end, last label's end or start] gives its rows; ours by [min start, max end].

    mlfinlab's two other sets hold labels that outlive the block, which its three conditions treat each in its own way.
    """
    for labels in sets:
        start, end = lives(labels)
        begins, ends = (end if peer == "mlfinlab08" else start), (start if peer == "hpicsk" else end)
        for train, test in stated("peers_cv")[peer][labels][scheme]:
            low, high = begins[test[0]], ends[test[-1]]
            kept = (start > high) | (end < low)
            kept[test] = False
            assert np.flatnonzero(kept).tolist() == train
