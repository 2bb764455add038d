"""A mark of a chart of the research: what labels, weights, folds, forecasts and a naive rule's gains look like.

Source: every session of `barrier_labels`, `sample_weights`, `training_rows` and `ml_splits`, and what models made of
them. Grain: one row per chart, panel, series and mark; `reports/research_report.html` shows them with what to read from
each and what would be bad, `reports/research_*.png` the pictures alone. Known when the newest label is.

The rule's gains are of one scheme (walk-forward by default) and of test rows alone, each forecast by its own fold, at
or after the tape's first event: what an event later in the tape chose is hindsight and left out, and counted in the
metadata. What can go wrong: the rule takes every signal with the same notional, so capital is what `most open at once`
says; fills are the labels' own, at the bar's close; and censored bars, which nobody can tell beforehand, are neither
bought nor in the benchmark: the page says how many.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import dagster as dg
import pandera.polars as pa
import polars as pl
from pydantic import Field

from smallcaps_assets import sessions
from smallcaps_assets.contract import Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.datasets.ml_splits import KEY, SESSION_NS, timed
from smallcaps_assets.datasets.models import believable_auc
from smallcaps_assets.datasets.training_rows import known_events
from smallcaps_assets.maths.features_events import event_features
from smallcaps_assets.partitions import Axis
from smallcaps_assets.reports import (
    fold_marks,
    label_marks,
    model_marks,
    research_plots,
    research_plots_models,
    rule_marks,
)
from smallcaps_assets.reports.folder import Reports
from smallcaps_assets.reports.marks import (
    BALANCE,
    CALIBRATION,
    CHARTS,
    DECAY,
    EQUITY,
    FOLDS,
    IMPORTANCE,
    PERFORMANCE,
    UNIQUENESS,
    WEIGHTS,
)
from smallcaps_assets.reports.research_page import page

PAGE = "research_report.html"
PICTURES = {
    "labels": research_plots.balance,
    "weights": research_plots.weights,
    "folds": research_plots.folds,
    "calibration": research_plots_models.calibration,
    "importance": research_plots_models.importance,
    "equity": research_plots_models.equity,
    "slices": research_plots_models.slices,
}
ROUNDING = 1e-9


class ResearchReportConfig(dg.Config):
    """Which forecasts are drawn, and what the naive rule buys."""

    scheme: Literal["walk_forward", "purged_kfold"] = "walk_forward"
    """Of the calibration, the importance and the rule: only a walk-forward is what could have been traded."""
    threshold: float | None = Field(default=None, ge=0, le=1)
    """The chance of +1, given a touch, from which the rule buys; none: where the row's own bet breaks even after costs,
    (loss + cost) / (profit + loss)."""


class ResearchReport(pa.DataFrameModel):
    """A mark of a chart."""

    chart: str = column("what is drawn", isin=CHARTS)
    panel: str = column("one picture of the chart: a set of barriers, a fold, a model")
    series: str = column("one colour or column of the picture: an outcome, a role, a score")
    place: pl.Int64 = column("order within the series", ge=1)
    label: str = column("what the mark stands for; a verdict's words")
    x: float = column("where it lies on a numeric axis", nullable=True)
    value: float = column("the figure drawn; of a run of a fold's rows, where it ends", nullable=True)
    low: float = column("lower end of the figure's interval", nullable=True)
    high: float = column("upper end of the figure's interval", nullable=True)
    rows: pl.Int64 = column("input rows it stands for; null where it stands for none", unit="rows", ge=0, nullable=True)

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ["chart", "panel", "series", "place"]

    @pa.dataframe_check
    @classmethod
    def an_interval_holds_its_order(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """The lower end is no higher than the upper."""
        return data.lazyframe.select((pl.col("low") <= pl.col("high")).fill_null(True))

    @pa.dataframe_check
    @classmethod
    def figures_are_finite_or_null(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """No figure is infinite or not a number."""
        figures = pl.col("x", "value", "low", "high").is_finite().fill_null(True)
        return data.lazyframe.select(pl.all_horizontal(figures))


def detected(labels: pl.LazyFrame, manifest: pl.LazyFrame) -> pl.DataFrame:
    """The labels with the detector of their tape's latest event known by their entry; null before the first."""
    wanted = labels.select(*KEY, "barriers", "label", "upper", "lower", known_at="entered_at").collect()
    return event_features(wanted, known_events(manifest))


def inputs_drawn(given: Mapping[str, pl.LazyFrame]) -> list[pl.DataFrame]:
    """Marks of labels, weights and folds."""
    weighed = given["sample_weights"].select("session", "ticker", "barriers", "uniqueness", "weight").collect()
    rows = (
        given["training_rows"]
        .select(*KEY, "known_at", "label_ends_at", own="weight", uniqueness="o_uniqueness")
        .collect()
    )
    splits = given["ml_splits"].collect()
    walked = splits.filter(scheme="walk_forward", role="train")
    newest = walked.filter(pl.col("fold") == pl.col("fold").max()).select(*KEY, "weight")
    at = timed(rows)
    clock = at.rows.select(*KEY, start=pl.Series(at.start), end=pl.Series(at.end))
    return [
        label_marks.balance(detected(given["barrier_labels"], given["event_manifest"])),
        label_marks.weights(weighed),
        label_marks.effective(weighed, pl.col("barriers")),
        label_marks.decay(newest.join(rows, on=KEY, how="inner", validate="1:1").sort(KEY)),
        fold_marks.timeline(splits, clock, KEY, SESSION_NS),
    ]


def forecasts_drawn(given: Mapping[str, pl.LazyFrame], config: ResearchReportConfig) -> list[pl.DataFrame]:
    """Marks of calibration, importance, the rule, scores and verdicts."""
    ours = {
        name: given[name].filter(scheme=config.scheme).collect()
        for name in ("models", "predictions", "feature_importance")
    }
    found = given["model_metrics"].collect()
    outcomes = ("o_ret_gross", "o_ret_net")
    barriers = {name: f"o_{name}" for name in ("upper", "lower", "cost")}
    rows = given["training_rows"].select(*KEY, "event_known_at", "known_at", "label_ends_at", *outcomes, **barriers)
    forecasts = rule_marks.tradable(ours["predictions"], rows.collect(), KEY).sort("panel", *KEY)
    bought = rule_marks.signals(forecasts, config.threshold, KEY)
    panels = [*forecasts["panel"].unique().sort(), rule_marks.BENCHMARK]
    tested = ours["models"].select(pl.col("test_from").min(), pl.col("test_to").max()).row(0)
    span = sessions.between(*tested) if ours["models"].height else []
    gains = rule_marks.equity(bought, panels, span)
    performed = rule_marks.performance(bought, gains, given["models"].select(pl.len()).collect().item())
    return [
        model_marks.calibration(ours["predictions"]),
        model_marks.importance(ours["feature_importance"]),
        gains,
        performed,
        model_marks.metrics(found),
        model_marks.unmodelled(ours["models"].height, config.scheme),
        model_marks.verdicts(found.with_columns(believable=believable_auc())),
        rule_marks.verdicts(performed),
    ]


def left_out(given: Mapping[str, pl.LazyFrame], config: ResearchReportConfig) -> dict[str, int]:
    """What the rule cannot buy, of all that is tested: rows that a later event of their tape chose, and censored bars.

    Censored ones are counted over the tested sessions in the set of barriers that the training rows have.
    """
    tested = given["ml_splits"].filter(scheme=config.scheme, role="test").select(KEY).unique()
    rows = given["training_rows"].select(*KEY, "event_known_at", upper="o_upper")
    chosen = tested.join(rows, on=KEY, how="left").select(pl.col("event_known_at").is_null()).collect().to_series()
    labels = given["barrier_labels"].select(*KEY, "upper", "barriers", "censored")
    used = labels.join(rows, on=[*KEY, "upper"], how="semi").select("barriers").unique()
    bars = labels.join(used, on="barriers", how="semi").join(
        tested.select("session").unique(), on="session", how="semi"
    )
    censored = bars.select("censored").collect().to_series()
    return {
        "test_rows": len(chosen),
        "test_rows_of_hindsight": int(chosen.sum()),
        "bars_of_tested_sessions": len(censored),
        "censored_bars_of_tested_sessions": int(censored.sum()),
    }


def counted(given: Mapping[str, pl.LazyFrame], config: ResearchReportConfig) -> pl.DataFrame:
    """How many rows of the inputs each series of a chart must stand for: chart, panel, series, rows."""
    bars, weighed, splits = (given[name] for name in ("barrier_labels", "sample_weights", "ml_splits"))
    ours = {name: given[name].filter(scheme=config.scheme) for name in ("predictions", "feature_importance")}
    walked = splits.filter(scheme="walk_forward", role="train")
    judged = ours["predictions"].filter(pl.col("objective") == "binary", pl.col("label") != 0)
    known = given["training_rows"].filter(pl.col("event_known_at").is_not_null()).select(KEY)
    traded = ours["predictions"].select(KEY).unique().join(known, on=KEY, how="semi")
    barriers, model = pl.col("barriers"), model_marks.MODEL
    fold, newest = pl.format("{} {}", "scheme", "fold"), walked.filter(pl.col("fold") == pl.col("fold").max())
    of = [
        *((BALANCE, pl.format("{} by {}", barriers, pl.lit(kind)), pl.lit(""), bars) for kind in label_marks.SLICES),
        (WEIGHTS, barriers, pl.lit("weight"), weighed),
        (UNIQUENESS, barriers, pl.lit("uniqueness"), weighed),
        (DECAY, pl.lit("newest training set"), pl.lit("weight left"), newest),
        (FOLDS, fold, pl.col("role"), splits),
        *((CALIBRATION, model, pl.lit(name), judged) for name in (model_marks.BEFORE, model_marks.AFTER)),
        *((IMPORTANCE, model, pl.lit(name), ours["feature_importance"]) for name in model_marks.MEASURES),
        *((EQUITY, pl.lit(rule_marks.BENCHMARK), pl.lit(name), traded) for name in rule_marks.RETURNS),
    ]
    counts = [
        rows.group_by(panel=panel, series=series).agg(there=pl.len().cast(pl.Int64)).with_columns(chart=pl.lit(chart))
        for chart, panel, series, rows in of
    ]
    return pl.concat(counts).collect()


def each_chart_stands_for_every_row(
    stored: pl.DataFrame, inputs: Mapping[str, pl.LazyFrame], config: ResearchReportConfig
) -> Verdict:
    """The rows behind the marks add up to those of the inputs, and gains by session to `sum of gains`.

    Series by series; but the outcomes of a panel of label balance add up to all its labels together.
    """
    there = counted(inputs, config)
    outcomes = pl.when(pl.col("chart") == BALANCE).then(pl.lit("")).otherwise("series")
    drawn = stored.filter(~pl.col("series").is_in([label_marks.DRIFTLESS, fold_marks.EMBARGO]))
    own = (pl.col("chart") != EQUITY) | (pl.col("panel") == rule_marks.BENCHMARK)
    told = drawn.filter(own).group_by("chart", "panel", series=outcomes).agg(told=pl.col("rows").sum())
    names = ["chart", "panel", "series"]
    both = there.join(
        told.filter(pl.col("chart").is_in(there["chart"].unique().implode())), on=names, how="full", coalesce=True
    )
    wrong = both.filter(pl.col("there").fill_null(0) != pl.col("told").fill_null(0)).sort(names)
    gains = stored.filter(chart=EQUITY).group_by("panel", "series").agg(pl.col("value").sum())
    summed = stored.filter(chart=PERFORMANCE, label=rule_marks.SUM).select("panel", "series", told="value")
    off = gains.join(summed, on=["panel", "series"], how="full", coalesce=True).filter(
        ((pl.col("value") - pl.col("told")).abs() > ROUNDING).fill_null(True)
    )
    found = {"series": both.height, "differ": str(wrong.head(5).rows()), "gains_differ": str(off.head(5).rows())}
    return Verdict(wrong.is_empty() and off.is_empty(), found)


@dataset(ResearchReport, Axis.WHOLE, laws=(each_chart_stands_for_every_row,))
def research_report(
    run: Run,
    event_manifest: pl.LazyFrame,
    barrier_labels: pl.LazyFrame,
    sample_weights: pl.LazyFrame,
    training_rows: pl.LazyFrame,
    ml_splits: pl.LazyFrame,
    models: pl.LazyFrame,
    predictions: pl.LazyFrame,
    model_metrics: pl.LazyFrame,
    feature_importance: pl.LazyFrame,
    reports: Reports,
    config: ResearchReportConfig,
) -> Iterator[Rows]:
    """The marks, their pictures and the page."""
    given = {
        "event_manifest": event_manifest, "barrier_labels": barrier_labels, "sample_weights": sample_weights,
        "training_rows": training_rows, "ml_splits": ml_splits, "models": models, "predictions": predictions,
        "model_metrics": model_metrics, "feature_importance": feature_importance,
    }  # fmt: skip
    marks = pl.concat([*inputs_drawn(given), *forecasts_drawn(given, config)])
    pictures = {name: draw(marks) for name, draw in PICTURES.items()}
    shown: dict[str, Any] = reports.shown(PAGE)
    for name, picture in pictures.items():
        reports.write(f"research_{name}.png", picture)
        shown[name] = reports.picture(f"research_{name}.png")
    counts = left_out(given, config)
    bars = (counts["censored_bars_of_tested_sessions"], counts["bars_of_tested_sessions"])
    reports.write(PAGE, page(marks, pictures, rule_marks.in_words(config.scheme, config.threshold, *bars)))
    yield from run.whole(marks, shown | counts)
