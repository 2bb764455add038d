"""The tick rule and the signed flow of trades. Source: Lee and Ready (1991); AFML 2.3.2.1."""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.arguments import Floats, prices
from smallcaps_assets.maths.compiled import compiled

Measure = Literal["tick", "volume", "dollar"]
MEASURES: tuple[str, ...] = get_args(Measure)


def tick_rule(price: npt.ArrayLike) -> npt.NDArray[np.int8]:
    """Who started each trade, by the direction of the last price change: int8[n] of +1 (buyer), -1 (seller), 0.

    A trade at an unchanged price keeps the sign before it; trades before the first change have no sign: 0.

    Args:
        price: float64[n], in the order of the tape.

    Raises:
        ValueError: a price is not finite or not above 0.

    >>> tick_rule([10.0, 10.0, 10.01, 10.01, 10.0, 10.0]).tolist()
    [0, 0, 1, 1, -1, -1]
    """
    return _signs(prices("price", price))


def signed_flow(price: Floats, size: Floats, measure: Measure) -> Floats:
    """``b·x`` of each tick: the sign by the tick rule times 1 (tick), shares (volume) or dollars (dollar).

    The arrays are taken as checked.

    >>> signed_flow(np.array([10.0, 11.0, 9.0]), np.array([5.0, 2.0, 3.0]), "dollar").tolist()
    [0.0, 22.0, -27.0]
    """
    return _signs(price) * quantity(price, size, measure)


def quantity(price: Floats, size: Floats, measure: Measure) -> Floats:
    """``x`` of each tick: 1 (tick), shares (volume) or dollars (dollar)."""
    code = measure_code(measure)
    return np.ones_like(price) if code == 0 else size if code == 1 else price * size


def measure_code(measure: Measure) -> int:
    """0 for tick, 1 for volume, 2 for dollar; anything else is refused."""
    if measure not in MEASURES:
        raise ValueError(f"measure is {measure!r}, not one of {', '.join(MEASURES)}")
    return MEASURES.index(measure)


@compiled
def _signs(price: Floats) -> npt.NDArray[np.int8]:
    signs = np.zeros(len(price), dtype=np.int8)
    sign = 0
    for i in range(1, len(price)):
        if price[i] > price[i - 1]:
            sign = 1
        elif price[i] < price[i - 1]:
            sign = -1
        signs[i] = sign
    return signs
