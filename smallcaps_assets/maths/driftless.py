"""What barriers alone make of a label: the chance of profit before loss on a price without drift.

A continuous martingale that starts at 1 and stops at 1 + profit or 1 − loss is worth 1 on average when it stops, so
that the chance c of profit first solves ``c × profit = (1 − c) × loss``: c = loss/(profit + loss), whatever the
volatility and its path (optional stopping; gambler's ruin). Distances are simple returns, since it is the price that
has no drift; if the log price had none, they would be log returns, ``ln(1 + profit)`` and ``−ln(1 − loss)``, and the
chance a little larger: at 3 % against 2 % 0.406 for 0.4.

It stands without a horizon. With one, of the paths that touched in time more touched the nearer barrier; and a price
that moves by ticks may jump over a barrier. And it is the share of labels, not their share by weight: labels that weigh
by their return weigh ``c × profit`` and ``(1 − c) × loss``, which are equal, so that by weight the share is ½.

A model is judged against the base rate of its training rows; this number tells how far rows are from pure geometry.
"""

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import Floats, equal_lengths, prices, refuse_at


def driftless(profit: npt.ArrayLike, loss: npt.ArrayLike) -> Floats:
    """loss/(profit + loss): float64[n], the chance that profit is met first; both are distances above 0, in one unit.

    Raises:
        ValueError: a distance that is not finite and above 0, or unequal lengths.

    >>> driftless([3.0, 1.0], [2.0, 1.0]).tolist()
    [0.4, 0.5]
    """
    above, below = prices("profit", profit), prices("loss", loss)
    equal_lengths(profit=above, loss=below)
    return below / (above + below)


def driftless_of_barriers(upper: npt.ArrayLike, lower: npt.ArrayLike) -> Floats:
    """The same for barriers as `barrier_labels` holds them: ``upper`` above 0, ``lower`` below 0, simple returns.

    Raises:
        ValueError: a barrier on the wrong side, or unequal lengths.

    >>> driftless_of_barriers([0.75], [-0.25]).tolist()
    [0.25]
    """
    below = np.asarray(lower, dtype=np.float64)
    wrong = ~(below < 0.0)
    refuse_at("lower", below, int(np.argmax(wrong)) if wrong.any() else -1, "is not below 0")
    above = prices("upper", upper)
    equal_lengths(upper=above, lower=below)
    return driftless(above, -below)
