"""Which features a model's forecasts rest on: clusters of features that say the same, permuted together; mean SHAP.

Permuting one of two features that say the same costs little, since the other still says it: both look useless. So
features are clustered by what they say, and a cluster's columns are permuted together. Sources: Breiman, "Random
forests" (2001), 10; López de Prado, *Machine Learning for Asset Managers* (2020), 6.5 (clustered importance); Lundberg
et al. (2018).

A matrix is float64[n, k], rows by features, with NaN for what is not known.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from smallcaps_assets.maths.arguments import Floats, Ints, integers, refuse_at, whole

LEAST_REPEATS = 2  # of one there is no deviation


class Rise(NamedTuple):
    """By cluster, from 0, how much worse the loss is when the cluster's columns are permuted: arrays of one length."""

    mean: Floats
    """Of the repeats; about 0 if the forecasts do not rest on the cluster, below it by chance."""
    deviation: Floats
    """Of one repeat (n − 1)."""


def spearman(matrix: npt.ArrayLike) -> Floats:
    """Rank correlations float64[k, k] of the columns; ties share their mean rank.

    Not known is one rank below all values: trees too treat it as a value, and features that are absent together say the
    same by it. A column that never varies is correlated with nothing but itself.

    Raises:
        ValueError: not two dimensions, no column, fewer than 2 rows.

    >>> spearman([[1, 9, 5], [2, 7, 5], [3, 8, 5]]).round(6).tolist()
    [[1.0, -0.5, 0.0], [-0.5, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    values = _matrix(matrix, least_rows=2)
    ranks = rankdata(np.where(np.isnan(values), -np.inf, values), axis=0)
    centred = ranks - ranks.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    even = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    found = np.clip(even.T @ even, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found, dtype=np.float64)


def clusters(matrix: npt.ArrayLike, distance: float) -> Ints:
    """The cluster of each column, int64[k], numbered from 0 by the cluster's first column.

    Average linkage on 1 − |rank correlation|, cut where clusters lie farther apart than ``distance`` on average.

    Raises:
        ValueError: as :func:`spearman`; a distance outside [0, 1].

    >>> clusters([[1, 8, 1], [2, 6, 3], [3, 4, 2], [4, 2, 1]], 0.3).tolist()  # the second falls as the first rises
    [0, 0, 1]
    """
    if not 0 <= distance <= 1:
        raise ValueError(f"distance is {distance}, not from 0 to 1")
    apart = 1 - np.abs(spearman(matrix))
    if len(apart) == 1:
        return np.zeros(1, dtype=np.int64)
    # rounded, so that sums in another order on another machine do not decide between equals
    tree = linkage(squareform(np.round(apart, 12), checks=False), method="average")
    _, first, number = np.unique(fcluster(tree, distance, criterion="distance"), return_index=True, return_inverse=True)
    place = np.empty(len(first), dtype=np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    return np.asarray(place[number], dtype=np.int64)


def permuted_rise(
    loss: Callable[[Floats], float], matrix: npt.ArrayLike, cluster: npt.ArrayLike, repeats: int, seed: int
) -> Rise:
    """By cluster, the rise of ``loss`` of the matrix when all columns of the cluster are shuffled by one permutation.

    ``loss`` gives a number for a matrix of the same rows. A repeat's permutation is the same for all clusters, so that
    they are compared on equal terms and none depends on which others there are.

    Raises:
        ValueError: no cluster for each column, clusters not numbered from 0 without a gap, fewer than 2 repeats.

    >>> rise = permuted_rise(lambda rows: float(rows[0, 0] != 1), [[1, 5], [0, 5], [0, 5], [0, 5]], [0, 1], 4, 0)
    >>> rise.mean.tolist()  # the first column decides; in four repeats of seed 0 its 1 leaves the first row always
    [1.0, 0.0]
    """
    values, number = _matrix(matrix, least_rows=1), integers("cluster", cluster)
    if len(number) != values.shape[1]:
        raise ValueError(f"cluster has {len(number)} elements, and matrix {values.shape[1]} columns")
    count = int(number.max()) + 1
    strange = np.flatnonzero((number < 0) | ~np.isin(number, np.arange(len(np.unique(number)))))
    refuse_at("cluster", number, int(strange[0]) if len(strange) else -1, "is no number from 0 without a gap")
    rises = np.empty((whole("repeats", repeats, LEAST_REPEATS), count))
    before = loss(values)
    for repeat in range(repeats):
        order = np.random.default_rng([seed, repeat]).permutation(len(values))
        for one in range(count):
            shuffled = values.copy()
            columns = number == one
            shuffled[:, columns] = values[order][:, columns]
            rises[repeat, one] = loss(shuffled) - before
    return Rise(rises.mean(axis=0), rises.std(axis=0, ddof=1))


def mean_shap(values: npt.ArrayLike) -> Floats:
    """Mean of |SHAP| by feature, float64[k], in log odds of 1 against −1.

    ``values`` as ``boosting.shap`` gives them: float64[n, k + 1], or [n, 3, k + 1] by the classes −1, 0 and 1, where
    the log odds of 1 against −1 are the difference of the two classes' scores.

    >>> mean_shap([[0.2, -0.4, 9.0], [-0.4, 0.0, 9.0]]).round(3).tolist()
    [0.3, 0.2]
    """
    added = np.asarray(values, dtype=np.float64)
    if added.ndim == 3 and added.shape[1] == 3:
        added = added[:, 2] - added[:, 0]
    if added.ndim != 2 or not len(added):
        raise ValueError(f"values are of shape {np.shape(values)}, neither [n, k + 1] nor [n, 3, k + 1] with rows")
    return np.asarray(np.abs(added[:, :-1]).mean(axis=0), dtype=np.float64)


def _matrix(matrix: npt.ArrayLike, least_rows: int) -> Floats:
    values = np.asarray(matrix, dtype=np.float64)
    if values.ndim != 2 or not values.shape[1] or len(values) < least_rows:
        raise ValueError(f"matrix is of shape {values.shape}: {least_rows} rows and a column at least are needed")
    return values
