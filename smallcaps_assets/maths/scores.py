"""How good forecasts of an event's probability were. Sources: Brier (1950); Murphy (1973); Fawcett (2006), 4 and 7.

``label`` is 0 or 1 (or bool) for each row, ``p`` the probability that was forecast for 1, ``weight`` how much a row
counts (none: all alike). A score that is not defined is NaN: every score of no rows or no weight, the area under the
curve where all labels are the same, the skill against a base forecast that made no error.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import (
    Bools,
    Floats,
    Ints,
    equal_lengths,
    outcomes,
    positions,
    probabilities,
    refuse_at,
    sizes,
    whole,
)
from smallcaps_assets.maths.compiled import compiled

SMALLEST = float(np.finfo(np.float64).eps)  # as scikit-learn: a certain forecast that fails costs 36, not infinity


class Reliability(NamedTuple):
    """The points of a calibration curve, by rising forecast: arrays of one length."""

    forecast: Floats
    """Mean probability forecast in the bin."""
    share: Floats
    """Share of label 1 in the bin."""
    rows: Ints
    weight: Floats
    """The bin's part of all weight; sums to 1."""


def log_loss(label: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean of −ln of the probability given to what happened; probabilities are kept 2.2e-16 off 0 and 1.

    Raises:
        ValueError: a label that is not 0 or 1, a p outside [0, 1], a negative weight, unequal lengths.

    >>> round(log_loss([1, 0], [0.8, 0.4]), 6)  # −(ln 0.8 + ln 0.6)/2
    0.366985
    """
    labels, forecasts, weights = _checked(label, p, weight)
    return _mean(-np.log(np.clip(np.where(labels == 1.0, forecasts, 1.0 - forecasts), SMALLEST, 1.0)), weights)


def brier(label: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean of (p − label)².

    Raises:
        ValueError: as :func:`log_loss`.

    >>> round(brier([1, 0], [0.8, 0.4]), 6)  # (0.04 + 0.16)/2
    0.1
    """
    labels, forecasts, weights = _checked(label, p, weight)
    return _mean((forecasts - labels) ** 2, weights)


def brier_skill(
    label: npt.ArrayLike, p: npt.ArrayLike, base: npt.ArrayLike, weight: npt.ArrayLike | None = None
) -> float:
    """1 − Brier of p over Brier of ``base``: 1 is perfect, 0 no better than the base, below 0 worse.

    ``base`` is the forecast to beat: one number, or one a row where rows come from folds with a base rate each. It must
    be known before the rows (a training set's share), or no forecast could be compared with it fairly.

    Raises:
        ValueError: as :func:`log_loss`, also for base.

    >>> round(brier_skill([1, 0], [0.8, 0.4], 0.5), 6)  # 1 − 0.1/0.25
    0.6
    """
    labels, forecasts, weights = _checked(label, p, weight)
    bases = np.broadcast_to(np.asarray(base, dtype=np.float64), labels.shape) if np.ndim(base) == 0 else base
    reference = brier(labels, probabilities("base", bases), weights)
    return 1.0 - brier(labels, forecasts, weights) / reference if reference > 0.0 else np.nan


def auc(label: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Chance that a row of label 1 has a higher forecast than one of label 0, equal forecasts counted half.

    The area under the ROC curve; exact, in O(n log n).

    Raises:
        ValueError: as :func:`log_loss`.

    >>> auc([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1])  # of 4 pairs 3 right and one equal
    0.875
    """
    labels, forecasts, weights = _checked(label, p, weight)
    order, new = ranked(forecasts)
    return float(ranked_auc(labels[order], weights[order], new))


def calibration_error(
    label: npt.ArrayLike, p: npt.ArrayLike, bins: int = 10, weight: npt.ArrayLike | None = None
) -> float:
    """Expected calibration error: mean over the bins of :func:`reliability`, by weight, of |mean p − share of 1|.

    Raises:
        ValueError: as :func:`log_loss`, or bins below 1.

    >>> round(calibration_error([1, 0, 1, 1], [0.2, 0.2, 0.9, 0.9], bins=2), 6)  # (|0.2 − 0.5| + |0.9 − 1|)/2
    0.2
    """
    curve = reliability(label, p, bins, weight)
    gaps = curve.weight * np.abs(curve.forecast - curve.share)
    return min(float(np.sum(gaps)), 1.0) if len(curve.rows) else np.nan


def reliability(
    label: npt.ArrayLike, p: npt.ArrayLike, bins: int = 10, weight: npt.ArrayLike | None = None
) -> Reliability:
    """How often what was forecast came about, in bins of equal weight from the lowest p to the highest.

    Rows of the same p are never parted, or their order would matter: together they are in the bin that holds the middle
    of their weight. So bins may be unequal, and those that hold no row are left out.

    Raises:
        ValueError: as :func:`log_loss`, or bins below 1.

    >>> reliability([1, 0, 1, 1], [0.2, 0.2, 0.9, 0.9], bins=4).share.tolist()
    [0.5, 1.0]
    """
    count = whole("bins", bins, 1)
    labels, forecasts, weights = _checked(label, p, weight)
    total = weights.sum()
    if not total > 0.0:
        return Reliability(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64), np.empty(0))
    distinct, of_row = np.unique(forecasts, return_inverse=True)
    mass = np.bincount(of_row, weights, len(distinct))
    middle = np.cumsum(mass) - mass / 2.0
    bin_of_row = np.minimum(middle / total * count, count - 1).astype(np.int64)[of_row]
    held = np.bincount(bin_of_row, weights, count)
    used = held > 0.0
    forecast, came = (np.bincount(bin_of_row, weights * values, count)[used] for values in (forecasts, labels))
    rows = np.bincount(bin_of_row, minlength=count)[used]
    return Reliability(forecast / held[used], came / held[used], rows, held[used] / total)


def precision_at_top(
    label: npt.ArrayLike, p: npt.ArrayLike, share: float = 0.1, weight: npt.ArrayLike | None = None
) -> float:
    """Share of label 1 among the ``share`` of all weight with the highest p.

    Rows of the same p at the cut count in proportion, so that order does not matter: a constant forecast has the
    precision of all rows.

    Raises:
        ValueError: as :func:`log_loss`, or a share outside (0, 1].

    >>> precision_at_top([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1], share=0.5)  # 0.9, and half of what stands at 0.5
    0.75
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share is {share}, not a number above 0 and at most 1")
    labels, forecasts, weights = _checked(label, p, weight)
    wanted = share * weights.sum()
    if not wanted > 0.0:
        return np.nan
    distinct, of_row = np.unique(-forecasts, return_inverse=True)
    mass = np.bincount(of_row, weights, len(distinct))
    ones = np.bincount(of_row, weights * labels, len(distinct))
    taken = np.clip(wanted - (np.cumsum(mass) - mass), 0.0, mass)
    parts = np.divide(taken, mass, out=np.zeros_like(mass), where=mass > 0.0)
    return min(float(np.sum(ones * parts) / np.sum(taken)), 1.0)


def log_loss_of_classes(label: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean of −ln of the probability given to the class that came: ``label`` int[n] in 0..k−1, ``p`` float[n, k].

    Raises:
        ValueError: a label without a column, a row of p that is no distribution (sum 1 to 1e-6), unequal lengths.

    >>> round(log_loss_of_classes([0, 2], [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]), 6)  # (ln 2 + ln 4)/2
    1.039721
    """
    labels, forecasts, weights = _checked_classes(label, p, weight)
    given = forecasts[np.arange(len(labels)), labels]
    return _mean(-np.log(np.clip(given, SMALLEST, 1.0)), weights)


def brier_of_classes(label: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean of Σ over classes (p − 1 of the class that came)², in [0, 2]: Brier's own; with two classes twice `brier`.

    Raises:
        ValueError: as :func:`log_loss_of_classes`.

    >>> round(brier_of_classes([0, 1], [[1.0, 0.0], [0.5, 0.5]]), 6)  # (0 + 0.5)/2
    0.25
    """
    labels, forecasts, weights = _checked_classes(label, p, weight)
    came = np.zeros_like(forecasts)
    came[np.arange(len(labels)), labels] = 1.0
    return _mean(np.asarray(((forecasts - came) ** 2).sum(axis=1), dtype=np.float64), weights)


def ranked(p: Floats) -> tuple[Ints, Bools]:
    """The order of rising p, and in that order where p differs from the one before; the first is always new."""
    order = np.argsort(p, kind="stable")
    new = np.ones(len(p), dtype=np.bool_)
    new[1:] = np.diff(p[order]) > 0.0
    return order, new


@compiled
def ranked_auc(label: Floats, weight: Floats, new: Bools) -> float:
    """:func:`auc` of rows in the order of :func:`ranked`: one pass. Takes arrays as checked."""
    ones, zeros, right = 0.0, 0.0, 0.0  # ones, zeros: of all rows before the current p
    ones_here, zeros_here = 0.0, 0.0
    for i in range(len(label)):
        if new[i]:
            right += ones_here * (zeros + zeros_here / 2.0)
            ones += ones_here
            zeros += zeros_here
            ones_here, zeros_here = 0.0, 0.0
        if label[i] == 1.0:
            ones_here += weight[i]
        else:
            zeros_here += weight[i]
    right += ones_here * (zeros + zeros_here / 2.0)
    pairs = (ones + ones_here) * (zeros + zeros_here)
    return min(right / pairs, 1.0) if pairs > 0.0 else np.nan  # rounding of weighted sums may go over


def _mean(values: Floats, weight: Floats) -> float:
    total = weight.sum()
    return float(np.sum(values * weight) / total) if total > 0.0 else np.nan


def _checked(label: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    labels, forecasts = outcomes("label", label), probabilities("p", p)
    weights = np.ones(len(labels)) if weight is None else sizes("weight", weight)
    equal_lengths(label=labels, p=forecasts, weight=weights)
    return labels, forecasts, weights


def _checked_classes(
    label: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None
) -> tuple[Ints, Floats, Floats]:
    forecasts = np.ascontiguousarray(p, dtype=np.float64)
    if forecasts.ndim != 2:
        raise ValueError(f"p has {forecasts.ndim} dimensions, not 2: rows and classes")
    labels = positions("label", label, forecasts.shape[1])
    weights = np.ones(len(labels)) if weight is None else sizes("weight", weight)
    equal_lengths(label=labels, p=forecasts, weight=weights)
    lawful = (forecasts >= 0.0).all(axis=1) & (np.abs(forecasts.sum(axis=1) - 1.0) <= 1e-6)
    refuse_at("p", forecasts, -1 if lawful.all() else int(np.argmin(lawful)), "is no distribution over the classes")
    return labels, forecasts, weights
