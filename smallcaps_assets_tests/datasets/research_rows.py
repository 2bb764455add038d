"""What models learn from and what they made of it, in four sessions of two labelled bars each, drawn by hand.

Walk-forward: fold 0 tests the third session and fold 1 the fourth. The first bar of each is a signal that is right, the
second one is no signal and was wrong. The fourth session's first bar closes before its tape's first event is known, and
a third bar of it is censored.
"""

from datetime import date
from typing import Any

import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Contract, empty
from smallcaps_assets.datasets.barrier_labels import BarrierLabels
from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets.datasets.ml_splits import KEY, MlSplits
from smallcaps_assets.datasets.sample_weights import SampleWeights
from smallcaps_assets_tests.datasets.event_rows import event_rows
from smallcaps_assets_tests.datasets.tape_rows import INSTANT, at

DAYS = sessions.between(date(2024, 3, 4), date(2024, 3, 7))
MINUTE = 60_000_000_000
ROLES = {0: ("train", "valid", "test", ""), 1: ("", "train", "valid", "test")}


def frame(contract: Contract, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows with the contract's types; what is not given is null."""
    schema = empty(contract).schema
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def bars() -> list[dict[str, Any]]:
    """The labelled bars: key, instants, label and returns."""
    found = []
    for session in DAYS:
        for bar, label in ((0, 1), (1, -1)):
            known_at = at("10:00:00", session) + bar * MINUTE
            ret = 0.03 if label == 1 else -0.02
            found.append(
                {
                    "session": session,
                    "ticker": "AAA",
                    "tape_starts_at": at("09:58:00" if session == DAYS[3] else "09:54:00", session),
                    "bar": bar,
                    "entered_at": known_at,
                    "known_at": known_at,
                    "label_ends_at": known_at + MINUTE,
                    "label": label,
                    "upper": 0.03,
                    "lower": -0.02,
                    "cost": 0.005,
                    "target": 0.01,
                    "ret_gross": ret,
                    "ret_net": ret - 0.005,
                    "weight": 0.5,
                    "uniqueness": 1.0,
                    "barriers": "volatility",
                    "censored": False,
                    "ambiguous": False,
                }
            )
    return found


def training_rows() -> pl.DataFrame:
    """The columns that the report reads."""
    rows = pl.DataFrame(bars()).with_columns(pl.col("^.*_at$").cast(INSTANT))
    known = pl.when((pl.col("session") < DAYS[3]) | (pl.col("bar") == 1)).then("known_at")
    outcomes = {f"o_{name}": name for name in ("ret_gross", "ret_net", "uniqueness", "upper", "lower", "cost")}
    return rows.select(*KEY, "known_at", "label_ends_at", "label", "weight", event_known_at=known, **outcomes)


def splits() -> pl.DataFrame:
    """Two walk-forward folds, and one of a k-fold that tests the second session and embargoes the third."""
    rows = []
    schemes = {("walk_forward", fold): roles for fold, roles in ROLES.items()}
    for (scheme, fold), roles in (schemes | {("purged_kfold", 0): ("train", "test", "embargoed", "train")}).items():
        for bar in bars():
            if role := roles[DAYS.index(bar["session"])]:
                named = {"scheme": scheme, "fold": fold, "role": role, "embargo_ns": 16 * 3600 * 10**9}
                rows.append(bar | named | {"weight": None if role == "embargoed" else 0.5})
    return frame(MlSplits, rows)


def models() -> pl.DataFrame:
    """Both libraries' binary models of both folds: the columns that the report reads."""
    return pl.DataFrame(
        [
            {"scheme": "walk_forward", "fold": fold, "objective": "binary", "library": library}
            | {"test_from": DAYS[2 + fold], "test_to": DAYS[2 + fold]}
            for fold in ROLES
            for library in ("lightgbm", "xgboost")
        ]
    )


def predictions() -> pl.DataFrame:
    """LightGBM's forecasts are 0.7 and 0.3, XGBoost's 0.4 always, which is never a signal."""
    tested = training_rows().join(splits().filter(scheme="walk_forward", role="test").select(*KEY, "fold"), on=KEY)
    up = pl.when(pl.col("library") == "xgboost").then(0.4).when(pl.col("bar") == 0).then(0.7).otherwise(0.3)
    forecasts = models().drop("test_from", "test_to").join(tested, on="fold").with_columns(p_up=up)
    names = ("scheme", "fold", "objective", "library", *KEY, "known_at", "label", "weight", "p_up")
    return forecasts.select(*names, p_down=1 - pl.col("p_up"), raw_up=pl.col("p_up") * 0.9)


def scores() -> pl.DataFrame:
    """Rows of `model_metrics` that the report reads."""
    figures = {
        "rows": 4, "ticker_sessions": 2, "share_up": 0.5,
        "share_up_of_rows": 0.5, "base_rate": 0.5, "driftless": 0.4, "log_loss": 0.36,
        "log_loss_base": 0.69, "brier": 0.09, "brier_skill": 0.64, "brier_skill_low": -0.1, "brier_skill_high": 0.9,
        "auc": 0.7, "auc_low": 0.4, "auc_high": 1.0, "calibration_error": 0.3, "top_decile_precision": 1.0,
    }  # fmt: skip
    return pl.DataFrame(
        [
            {"scheme": "walk_forward", "objective": "binary", "library": library, "slice": slice_, "value": value}
            | figures
            for library in ("lightgbm", "xgboost")
            for slice_, value in (("all", "all"), ("fold", "0"), ("fold", "1"), ("month", "2024-03"))
        ]
    )


def importances() -> pl.DataFrame:
    """Two features of each model."""
    rows = []
    for model in models().drop("test_from", "test_to").rows(named=True):
        for feature, size in (("f_gap", 0.2), ("f_amihud", 0.1)):
            figures = {"cluster": 0, "gain": 10 * size, "shap": size, "permuted": size / 10, "permuted_std": 0.005}
            rows.append(model | {"feature": feature} | figures)
    return pl.DataFrame(rows)


def inputs() -> dict[str, pl.LazyFrame]:
    """All that the report reads."""
    events = event_rows(
        EventManifest,
        *(
            {"session": day, "ticker": "AAA", "minute": 30 if day == DAYS[3] else 26, "detector": "flush"}
            for day in DAYS
        ),
    )
    lost = {"bar": 2, "censored": True, "label": None, "label_ends_at": None, "ret_gross": None, "ret_net": None}
    censored = bars()[-1] | lost
    frames = {
        "event_manifest": events,
        "barrier_labels": frame(BarrierLabels, [*bars(), censored]),
        "sample_weights": frame(SampleWeights, bars()),
        "training_rows": training_rows(),
        "ml_splits": splits(),
        "models": models(),
        "predictions": predictions(),
        "model_metrics": scores(),
        "feature_importance": importances(),
    }
    return {name: rows.lazy() for name, rows in frames.items()}
