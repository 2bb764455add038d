"""How sure a score is: intervals by drawing whole clusters again. Source: Efron and Tibshirani (1993), 13.3; AFML 4.5.

Rows of one ticker and session share a market and overlapping labels: drawing them one by one would take them for
independent and give intervals that are too narrow. So a draw takes as many whole clusters as there are, with
replacement, and each row counts as often as its cluster was drawn.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import Floats, equal_lengths, integers, outcomes, probabilities, sizes, whole
from smallcaps_assets.maths.scores import ranked, ranked_auc

ENDS = (0.025, 0.975)


class Intervals(NamedTuple):
    """Ends of the 95 % intervals; NaN where there is none."""

    auc_low: float
    auc_high: float
    brier_skill_low: float
    brier_skill_high: float


def bootstrap_interval(
    label: npt.ArrayLike,
    p: npt.ArrayLike,
    base: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    draws: int = 1000,
    seed: int = 0,
    weight: npt.ArrayLike | None = None,
) -> Intervals:
    """95 % percentile intervals of `scores.auc` and `scores.brier_skill`, from ``draws`` draws of whole clusters.

    Rows are sorted once; a draw costs O(rows). One cluster says nothing of how clusters differ: NaN. A draw whose
    labels are all the same has no area under the curve and is left out of its interval, as is one whose base forecast
    made no error out of the skill's; if no draw is left, NaN.

    Args:
        label: 0 or 1, [n].
        p: probability forecast for 1, [n].
        base: the forecast to beat, one number or [n].
        groups: int[n], the cluster of each row; numbers in any order.
        draws: how many samples are drawn.
        seed: of the draws; the same gives the same interval.
        weight: [n], how much a row counts; none: all alike.

    Raises:
        ValueError: as `scores.brier_skill`; groups that are no integers; draws below 1.

    >>> label, p, groups = [1, 0] * 50, [0.9, 0.1] * 50, list(range(100))
    >>> found = bootstrap_interval(label, p, 0.5, groups)
    >>> found.auc_low, found.auc_high, round(found.brier_skill_low, 6), round(found.brier_skill_high, 6)
    (1.0, 1.0, 0.96, 0.96)
    """
    labels, forecasts = outcomes("label", label), probabilities("p", p)
    bases = probabilities("base", np.full(len(labels), base, dtype=np.float64) if np.ndim(base) == 0 else base)
    weights = np.ones(len(labels)) if weight is None else sizes("weight", weight)
    names, cluster = np.unique(integers("groups", groups), return_inverse=True)
    equal_lengths(label=labels, p=forecasts, base=bases, weight=weights, groups=cluster)
    count, most = len(names), whole("draws", draws, 1)
    if count < 2:
        return Intervals(np.nan, np.nan, np.nan, np.nan)
    order, new = ranked(forecasts)
    sorted_label, sorted_weight, sorted_cluster = labels[order], weights[order], cluster[order]
    errors, base_errors = (
        np.bincount(cluster, weights * (forecast - labels) ** 2, count) for forecast in (forecasts, bases)
    )
    rng = np.random.default_rng(seed)
    areas, skills = np.full(most, np.nan), np.full(most, np.nan)
    for draw in range(most):
        times = np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)
        areas[draw] = ranked_auc(sorted_label, sorted_weight * times[sorted_cluster], new)
        reference = float(times @ base_errors)
        if reference > 0.0:
            skills[draw] = 1.0 - float(times @ errors) / reference
    return Intervals(*_ends(areas), *_ends(skills))


def _ends(drawn: Floats) -> tuple[float, float]:
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, ENDS)
    return float(low), float(high)
