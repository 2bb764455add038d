"""Weights of labels."""

from datetime import date, timedelta
from math import log

import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets.sample_weights import SampleWeights, sample_weights
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, SESSION, Row, Schema, at

NEXT = SESSION + timedelta(days=1)
LABELS: Schema = {
    "session": pl.Date, "ticker": pl.String, "tape_starts_at": INSTANT, "bar": pl.Int64, "barriers": pl.String,
    "entered_at": INSTANT, "label_ends_at": INSTANT, "ret_gross": pl.Float64, "censored": pl.Boolean,
}  # fmt: skip


def label(
    bar: int, ends: str | None, ret: float | None, session: date = SESSION, tape: str = "10:00:00", **o: str
) -> Row:
    hour, minute = tape.split(":")[0], int(tape.split(":")[1])
    return {
        "session": session,
        "ticker": o.get("ticker", "GEVO"),
        "tape_starts_at": at(tape, session),
        "bar": bar,
        "barriers": o.get("barriers", "plain"),
        "entered_at": at(f"{hour}:{minute + bar:02d}:00", session),
        "label_ends_at": ends and at(ends, session),
        "ret_gross": ret,
        "censored": ends is None,
    }


def weights(*labels: Row, partitions: tuple[Partition, ...] = (Partition(SESSION, "G"),)) -> list[Rows]:
    frame = pl.DataFrame(list(labels), schema=LABELS)
    bars = frame.select("session", "ticker", closed_at="entered_at").unique()
    run = Run("sample_weights", partitions)
    parts = list(sample_weights(run, barrier_labels=frame.lazy(), imbalance_bars=bars.lazy()))
    for part in parts:
        assert contracts.verdict(SampleWeights, contracts.conform(SampleWeights, part.frame)).passed
    return parts


def test_the_weight_is_the_log_return_times_uniqueness_scaled_to_one() -> None:
    # label 0 lives on bars 0 and 1, label 1 on bars 1 and 2, label 2 on bar 2: alive 1, 2, 2
    (part,) = weights(label(0, "10:01:30", 0.10), label(1, "10:02:00", -0.05), label(2, "10:02:10", 0.02))
    assert part.frame["uniqueness"].to_list() == pytest.approx([0.75, 0.5, 0.5])
    raw = [0.75 * log(1.1), 0.5 * -log(0.95), 0.5 * log(1.02)]
    assert part.frame["weight"].to_list() == pytest.approx([each / sum(raw) for each in raw])


def test_labels_of_two_tapes_of_a_ticker_session_share_what_they_overlap_in() -> None:
    (part,) = weights(label(0, "10:31:00", 0.1), label(0, "10:31:00", 0.1, tape="10:30:00"))
    # the first lives on both bars, the second on the last, which is shared
    assert part.frame["uniqueness"].to_list() == pytest.approx([0.75, 0.5])
    assert part.frame["weight"].sum() == pytest.approx(1.0)


def test_tickers_sessions_and_barrier_sets_each_sum_to_one() -> None:
    both = (Partition(SESSION, "G"), Partition(NEXT, "G"))
    other = [label(0, "10:01:00", 0.1, barriers="volatility"), label(0, "10:01:00", 0.2, ticker="GME")]
    parts = weights(label(0, "10:01:00", 0.1), label(1, "10:01:00", 0.1, session=NEXT), *other, partitions=both)
    assert [part.frame["weight"].to_list() for part in parts] == [[1.0, 1.0, 1.0], [1.0]]


def test_returns_that_are_all_zero_get_equal_weights() -> None:
    (part,) = weights(label(0, "10:00:30", 0.0), label(1, "10:03:00", 0.0), label(2, "10:03:00", 0.0))
    assert part.frame["weight"].to_list() == pytest.approx([1 / 3] * 3)


def test_a_censored_label_has_no_weight_and_shares_nothing() -> None:
    (part,) = weights(label(0, "10:01:00", 0.1), label(1, None, None))
    assert part.frame["bar"].to_list() == [0]
    assert part.frame["uniqueness"].to_list() == [1.0]


def test_no_labels_give_empty_partitions() -> None:
    (part,) = weights()
    assert part.frame.is_empty()


def test_labels_of_bars_that_are_gone_are_refused() -> None:
    frame = pl.DataFrame([label(0, "10:01:00", 0.1)], schema=LABELS)
    bars = frame.select("session", "ticker", closed_at="entered_at").clear()
    run = Run("sample_weights", (Partition(SESSION, "G"),))
    with pytest.raises(ValueError, match="no bar of GEVO"):
        list(sample_weights(run, barrier_labels=frame.lazy(), imbalance_bars=bars.lazy()))


def test_the_contract_refuses_a_ticker_session_that_does_not_speak_once() -> None:
    (part,) = weights(label(0, "10:01:00", 0.1), label(1, "10:01:00", 0.1))
    assert not contracts.verdict(SampleWeights, part.frame.with_columns(weight=pl.col("weight") / 2)).passed


def test_sessions_computed_one_at_a_time_are_those_computed_together() -> None:
    keys = (Partition(SESSION, "G"), Partition(NEXT, "G"))
    days = [[label(k, f"10:0{k + 2}:00", 0.1 * k + 0.1, session=day) for k in range(4)] for day in (SESSION, NEXT)]
    together = weights(*days[0], *days[1], partitions=keys)
    alone = [weights(*of_day, partitions=(key,))[0] for of_day, key in zip(days, keys, strict=True)]
    assert all(one.frame.equals(both.frame) for one, both in zip(alone, together, strict=True))
