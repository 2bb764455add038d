"""How a model did on rows that it had not seen: scores of the probability of +1, against those of its base rate.

Each row counts by its weight, as it did in fitting: a model that learned from weighted rows forecasts their weighted
share. With three classes it is +1 against the rest. Intervals draw whole ticker-sessions (`maths/bootstrap.py`).
Only `driftless` is a mean of rows alike: it is about how many labels are +1, not what they weigh.
"""

import math

import numpy as np
import polars as pl

from smallcaps_assets.maths import scores
from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.maths.bootstrap import bootstrap_interval
from smallcaps_assets.maths.driftless import driftless_of_barriers
from smallcaps_assets.maths.tapes import TICKER_SESSION

TOP = 0.1


def base_rate(train: pl.DataFrame) -> float:
    """Share of +1 of the training rows, by weight: the forecast that a model must beat."""
    weight = train["weight"].to_numpy()
    return float(weight[train["label"].to_numpy() == 1].sum() / weight.sum())


def judged(test: pl.DataFrame, p_up: Floats, base: float | Floats, draws: int, seed: int) -> dict[str, float | None]:
    """The scores by name; null where one is not defined, as the area under the curve of one class only.

    ``test``: rows with ticker, session, ``label``, ``weight``, ``o_upper`` and ``o_lower``, in any order; ``p_up``
    their forecasts; ``base`` the share to beat, one or one a row. ``ValueError`` as the scores.
    """
    label, weight = (test["label"] == 1).cast(pl.Int64).to_numpy(), test["weight"].to_numpy()
    groups = test.select(pl.struct(TICKER_SESSION).rank("dense").cast(pl.Int64)).to_series().to_numpy()
    bases = np.full(len(label), base) if isinstance(base, float) else base
    ends = bootstrap_interval(label, p_up, bases, groups, draws=draws, seed=seed, weight=weight)
    chance = driftless_of_barriers(test["o_upper"].to_numpy(), test["o_lower"].to_numpy())
    found = {
        "driftless": float(chance.mean()),
        "log_loss": scores.log_loss(label, p_up, weight),
        "log_loss_base": scores.log_loss(label, bases, weight),
        "brier": scores.brier(label, p_up, weight),
        "brier_skill": scores.brier_skill(label, p_up, bases, weight),
        "brier_skill_low": ends.brier_skill_low,
        "brier_skill_high": ends.brier_skill_high,
        "auc": scores.auc(label, p_up, weight),
        "auc_low": ends.auc_low,
        "auc_high": ends.auc_high,
        "calibration_error": scores.calibration_error(label, p_up, weight=weight),
        "top_decile_precision": scores.precision_at_top(label, p_up, TOP, weight),
    }
    return {name: None if math.isnan(value) else value for name, value in found.items()}
