"""Training rows: features known at the close of a bar, outcomes apart."""

import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Rows, Run
from smallcaps_assets.datasets import training_rows as training
from smallcaps_assets.datasets.barrier_labels import BarrierLabelsConfig, barrier_labels
from smallcaps_assets.datasets.event_quotes import event_quotes
from smallcaps_assets.datasets.event_trades import event_trades
from smallcaps_assets.datasets.imbalance_bars import ImbalanceBarsConfig, imbalance_bars
from smallcaps_assets.datasets.sample_weights import sample_weights
from smallcaps_assets.datasets.training_rows import TrainingRows, TrainingRowsConfig, prefix_stable, training_rows
from smallcaps_assets.maths import features, features_bars, features_context, features_known
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.state_rows import beside_prices
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, SESSION, Row, Source, at, manifest, quote, trade

G = (Partition(SESSION, "G"), Partition(SESSION, "H"))
EVENTS = manifest(("GEVO", "a", "10:00:00", "10:10:00"), ("GEVO", "b", "10:02:00", "10:12:00")).with_columns(
    known_at=pl.col("window_starts_at") + pl.duration(minutes=3, time_unit="ns"),
    detector=pl.Series(["volume_spike", "price_spike"]),
)
SECOND_NS = 10**9


def tape(count: int = 700) -> tuple[list[Row], list[Row]]:
    """A seeded walk of trades and quotes from 10:00 to 10:11:40."""
    rng = np.random.default_rng(5)
    price = np.round(5 + np.cumsum(rng.choice([-0.01, 0.0, 0.01], count)), 2)
    size = rng.choice([10.0, 100.0, 500.0, 5000.0], count)
    start = at("10:00:00") + 137
    trades, quotes = [], []
    for k in range(count):
        row = trade("GEVO", "10:00:00", float(price[k]), float(size[k]), sequence_number=k, exchange=4 if k % 3 else 11)
        trades.append(row | {"sip_at": start + k * SECOND_NS})
        both = quote(
            "GEVO", "10:00:00", float(price[k]) - 0.01, float(price[k]) + 0.01 * (1 + k % 3), sequence_number=k
        )
        quotes.append(both | {"sip_at": start + k * SECOND_NS - 50})
    return trades, quotes


def lake() -> dict[str, Any]:
    trades, quotes = tape()
    source, windows = Source(trades, quotes), {"event_manifest": EVENTS.lazy()}
    minutes = pl.DataFrame(
        [
            {"started_at": at(f"{h:02d}:{m:02d}:00"), "open": 5.0, "high": 5.0 + m / 100, "low": 4.9, "close": 5.0,
             "volume": 1000.0 + m, "vwap": 4.95, "segment": "RTH" if (h, m) >= (9, 30) else "PM"}
            for h, m in [(9, m) for m in range(20, 60)] + [(10, m) for m in range(15)]
        ]
    ).with_columns(pl.col("started_at").cast(INSTANT), session=pl.lit(SESSION), ticker=pl.lit("GEVO"))  # fmt: skip
    known = {"session": [SESSION], "ticker": ["GEVO"]}
    metrics = pl.DataFrame(
        known | {"prior_close": [4.0], "atr_14": [0.2], "high_252": [10.0], "low_252": [2.0], "mean_volume_20": [1e5],
                 "sessions_since_reverse_split": [None]},
        schema_overrides={"sessions_since_reverse_split": pl.Int64},
    )  # fmt: skip
    universe = pl.DataFrame(known | {"security_id": ["S1"], "cap_class": ["micro"], "float_shares": [None]})
    found: dict[str, Any] = windows | {"minute_bars": minutes.lazy(), "daily_metrics": metrics.lazy()}
    found["universe"] = universe.with_columns(pl.col("float_shares").cast(pl.Float64)).lazy()
    found |= beside_prices()
    run = Run("x", G)
    found["event_trades"] = first(event_trades(run, **windows, minute_bars=found["minute_bars"], polygon=source))
    found["event_quotes"] = first(event_quotes(run, **windows, polygon=source))
    ticks = {name: found[name] for name in ("event_manifest", "event_trades")}
    config = ImbalanceBarsConfig(kind="threshold", measure="tick", threshold=20)
    found["imbalance_bars"] = first(imbalance_bars(run, **ticks, config=config))
    labelled = {n: found[n] for n in ("imbalance_bars", "event_quotes", "minute_bars")}
    labels = barrier_labels(run, **ticks, **labelled, config=BarrierLabelsConfig(horizon_minutes=1))
    found["barrier_labels"] = first(labels)
    of_labels = {name: found[name] for name in ("barrier_labels", "imbalance_bars")}
    found["sample_weights"] = first(sample_weights(run, **of_labels))
    return found


def first(parts: Any) -> pl.LazyFrame:
    part: Rows = next(iter(parts))
    return part.frame.lazy()


@pytest.fixture(scope="module")
def inputs() -> dict[str, Any]:
    return lake()


def computed(inputs: dict[str, Any], config: TrainingRowsConfig | None = None) -> list[Rows]:
    parts = list(training_rows(Run("training_rows", G), **inputs, config=config or TrainingRowsConfig()))
    rows = [part._replace(frame=contracts.conform(TrainingRows, part.frame)) for part in parts]
    assert all(contracts.verdict(TrainingRows, part.frame).passed for part in rows)
    return rows


def test_there_is_a_row_for_each_label_that_is_not_censored_and_empty_partitions_stay_empty(inputs: Any) -> None:
    part, empty = computed(inputs)
    labels = inputs["barrier_labels"].filter(~pl.col("censored"), barriers=pl.lit("volatility")).collect()
    assert part.frame.height == labels.height > 20
    assert part.frame["known_at"].to_list() == labels.sort("bar")["entered_at"].to_list()
    assert empty.frame.is_empty()
    assert prefix_stable(empty.frame, inputs, TrainingRowsConfig()).passed


def test_features_are_what_was_known_at_the_close(inputs: Any) -> None:
    (part, _) = computed(inputs)
    row = part.frame.row(-1, named=True)
    bars = inputs["imbalance_bars"].collect().sort("bar")
    bar, before = (bars.row(row["bar"] - back, named=True) for back in (0, 1))
    assert row["f_log_return_1"] == pytest.approx(np.log(bar["close"] / before["close"]))
    assert row["f_move_from_prior_close"] == pytest.approx(bar["close"] / 4.0 - 1)
    assert row["f_gap"] == pytest.approx(0.25)
    assert row["f_cap_class"] == 1.0
    assert row["f_float_turnover"] is None
    assert row["f_sessions_since_reverse_split"] is None
    assert row["f_distance_to_vwap"] == pytest.approx(bar["close"] / 4.95 - 1)
    assert row["f_trades_a_second"] == pytest.approx(20 / 19)
    assert row["f_quote_rate"] == 1.0
    opened = at("09:30:00")
    close = part.frame["known_at"].cast(pl.Int64)[-1]
    assert row["f_minutes_since_open"] == pytest.approx((close - opened) / 60e9)
    # minutes 9:20 to the last whole one before the close
    whole = [1000.0 + m for m in range(20, 60)] + [
        1000.0 + m for m in range((close - at("10:00:00")) // (60 * SECOND_NS))
    ]
    assert row["f_rvol_daily"] == pytest.approx(sum(whole) / 1e5)


def test_a_row_says_which_event_was_known_at_its_close_and_whether_it_is_hindsight(inputs: Any) -> None:
    (part, _) = computed(inputs)
    frame = part.frame.with_columns(pl.col("known_at", "event_known_at").cast(pl.Int64))
    early, middle, late = at("10:03:00"), at("10:05:00"), at("10:12:00")
    for low, high, event, detector in (
        (0, early, None, None), (early, middle, early, "volume_spike"), (middle, late, middle, "price_spike"),
    ):  # fmt: skip
        inside = frame.filter(pl.col("known_at").is_between(low, high, closed="left"))
        assert inside.height
        assert set(inside["event_known_at"]) == {event}
        assert set(inside["detector"]) == {detector}
    assert part.metadata["rows_before_their_event"] == frame.filter(pl.col("known_at") < early).height


def test_the_barrier_set_is_configured(inputs: Any) -> None:
    (part, _) = computed(inputs, TrainingRowsConfig(barriers="plain"))
    assert set(part.frame["o_target"]) == {1.0}
    assert set(part.frame.select("o_upper", "o_lower").rows()) == {(0.15, -0.10)}


def test_states_news_and_short_interest_are_those_known_at_the_close(inputs: Any) -> None:
    (part, _) = computed(inputs)
    clock = pl.col("known_at").cast(pl.Int64)
    early, late = (part.frame.filter(clock < at("10:05:00")), part.frame.filter(clock >= at("10:08:20")))
    close = inputs["imbalance_bars"].filter(pl.col("bar") == late["bar"][0]).collect()["close"].item()
    told = ["f_halted", "f_halts_so_far", "f_short_sale_restricted", "f_news_count", "f_news_sentiment"]
    assert early.select(told).unique().rows() == [(0.0, 0.0, 0.0, 2.0, 1.0)]
    assert late.select(told).unique().rows() == [(0.0, 1.0, 1.0, 3.0, 0.0)]
    assert early["f_distance_to_luld_upper"].null_count() == early.height > 0
    assert late["f_distance_to_luld_upper"][0] == pytest.approx(5.5 / close - 1)
    assert set(part.frame["f_short_interest_ratio"]) == {2.5}


def test_labels_without_weights_are_refused(inputs: Any) -> None:
    with pytest.raises(ValueError, match="have no weight"):
        computed(inputs | {"sample_weights": inputs["sample_weights"].filter(pl.col("bar") > 9)})


def test_features_recomputed_from_a_prefix_are_the_same_at_each_of_the_instants(inputs: Any) -> None:
    (part, _) = computed(inputs)
    for count in (1, 5):
        verdict = prefix_stable(part.frame, inputs, TrainingRowsConfig(prefix_instants=count))
        assert verdict.passed, verdict.metadata
        assert verdict.metadata["instants"] == count
        assert count <= verdict.metadata["rows"] <= count * part.frame.height
    all_of_two = prefix_stable(part.frame.head(2), inputs, TrainingRowsConfig(prefix_instants=9))
    assert (all_of_two.metadata["instants"], all_of_two.metadata["rows"]) == (2, 3)


CLOSE, VOLUME = pl.col("close"), pl.col("volume")
LEAKS = {
    "f_log_return_1": (CLOSE.shift(-1) / CLOSE).log(),  # the next bar's return
    "f_distance_to_high": CLOSE / pl.col("high").reverse().cum_max().reverse() - 1,  # the high still to come
    "f_volume_z_20": (VOLUME - VOLUME.mean()) / VOLUME.std(),  # over the whole tape
    "f_rvol_minute": VOLUME.rank() / pl.len(),  # place among all bars of the tape
}


@pytest.mark.parametrize("feature", LEAKS)
def test_a_planted_feature_that_looks_ahead_is_caught_and_named(
    inputs: Any, feature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, leak = features_context.context_features, features_bars.over_tape(LEAKS[feature])
    monkeypatch.setattr(features, "context_features", lambda *given: honest(*given).with_columns(leak.alias(feature)))
    (part, _) = computed(inputs)
    verdict = prefix_stable(part.frame, inputs, TrainingRowsConfig())
    assert not verdict.passed
    assert re.fullmatch(rf"{{'{feature}': [1-9]\d*}}", verdict.metadata["changed"])


def test_tomorrows_daily_return_planted_as_a_feature_is_caught_and_named(
    inputs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = inputs["daily_metrics"].collect()
    tomorrow = today.with_columns(session=pl.col("session") + pl.duration(days=1), prior_close=5.2, atr_14=0.4)
    both = inputs | {"daily_metrics": pl.concat([today, tomorrow]).lazy()}
    honest, next_close = training.known, pl.col("prior_close").shift(-1).over("ticker", order_by="session")

    def looking_ahead(bars: pl.DataFrame, events: pl.DataFrame, sources: training.Sources) -> pl.DataFrame:
        metrics = sources.daily_metrics.with_columns(prior_close=next_close)
        return honest(bars, events, sources._replace(daily_metrics=metrics))

    assert prefix_stable(computed(both)[0].frame, both, TrainingRowsConfig()).passed
    monkeypatch.setattr(training, "known", looking_ahead)
    (part, _) = computed(both)
    last = inputs["imbalance_bars"].collect().sort("bar")["close"][part.frame["bar"][-1]]
    assert part.frame["f_move_from_prior_close"][-1] == pytest.approx(last / 5.2 - 1)  # until the session's own close
    verdict = prefix_stable(part.frame, both, TrainingRowsConfig())
    assert not verdict.passed
    assert set(re.findall(r"f_\w+", verdict.metadata["changed"])) == {
        "f_gap", "f_move_from_prior_close", "f_atr_14_share"
    }  # fmt: skip


def test_a_quote_second_that_had_not_ended_is_not_seen(inputs: Any) -> None:
    (part, _) = computed(inputs)
    last = part.frame["known_at"].cast(pl.Int64)[-1]
    cut = inputs["event_quotes"].filter(pl.col("second_at").cast(pl.Int64) + SECOND_NS <= last)
    (again, _) = computed(inputs | {"event_quotes": cut})
    assert again.frame.tail(1).equals(part.frame.tail(1))


@pytest.mark.parametrize("broken", [{"f_gap": float("inf")}, {"label_ends_at": at("09:00:00")}])
def test_the_contract_refuses(inputs: Any, broken: dict[str, Any]) -> None:
    frame = computed(inputs)[0].frame
    changed = frame.with_columns(pl.lit(value).cast(frame.schema[name]).alias(name) for name, value in broken.items())
    assert not contracts.verdict(TrainingRows, changed).passed


def test_the_features_are_the_columns_that_begin_with_f_and_no_outcome_is_one() -> None:
    declared = contracts.roles(TrainingRows)
    assert [name for name in declared if name.startswith("f_")] == list(contracts.feature_names(TrainingRows))
    outcomes = [
        "label_ends_at",
        "label",
        "weight",
        "o_ret_gross",
        "o_ret_net",
        "o_uniqueness",
        "o_target",
        "o_upper",
        "o_lower",
        "o_cost",
    ]
    assert [name for name, role in declared.items() if role == "outcome"] == outcomes
    for name in [*outcomes, "detector", "known_at", "bar"]:
        with pytest.raises(ValueError, match=f"{name} is no feature"):
            contracts.feature_names(TrainingRows, name)


@pytest.mark.parametrize(("early", "at_column"), [("states", "known_at"), ("articles", "published_at")])
def test_a_state_or_an_article_that_counts_before_its_instant_is_caught(
    inputs: Any, early: str, at_column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = features_known.known_features

    def ahead(bars: pl.DataFrame, states: pl.DataFrame, articles: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
        given = {"states": states, "articles": articles}
        given[early] = given[early].with_columns(pl.col(at_column) - pl.duration(minutes=3, time_unit="ns"))
        return honest(bars, given["states"], given["articles"], carried)

    monkeypatch.setattr(training, "known_features", ahead)
    (part, _) = computed(inputs)
    verdict = prefix_stable(part.frame, inputs, TrainingRowsConfig(prefix_instants=9))
    assert not verdict.passed
    assert ("f_news_count" in verdict.metadata["changed"]) is (early == "articles")
