"""The arrays compiled code accepts: checked at the edge, refused by argument and first bad position."""

import math

import numpy as np
import numpy.typing as npt

from smallcaps_assets.maths.compiled import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SMALLEST_PRICE = math.ulp(0.0)
"""The smallest double above 0."""

BLOCK = 64
"""Elements judged without a branch: a loop of this length is compiled to vector instructions, a shorter one unrolled.

Indices are unsigned there: a signed one may count from the end of the array, which keeps the loop from vectors."""


def prices(name: str, values: npt.ArrayLike) -> Floats:
    """``values`` as float64[n], each finite and above zero."""
    array = _floats(name, values)
    refuse_at(name, array, _first_not_within(array, SMALLEST_PRICE), "is not a finite price above 0")
    return array


def sizes(name: str, values: npt.ArrayLike) -> Floats:
    """``values`` as float64[n], each finite and zero or above."""
    array = _floats(name, values)
    refuse_at(name, array, _first_not_within(array, 0.0), "is not a finite size of 0 or more")
    return array


def probabilities(name: str, values: npt.ArrayLike) -> Floats:
    """``values`` as float64[n], each in [0, 1]."""
    array = _floats(name, values)
    refuse_at(name, array, _first(~((array >= 0.0) & (array <= 1.0))), "is not a probability")
    return array


def outcomes(name: str, values: npt.ArrayLike) -> Floats:
    """``values`` (bool, or 0 and 1) as float64[n]: 1 where it came about."""
    array = _floats(name, values)
    refuse_at(name, array, _first((array != 0.0) & (array != 1.0)), "is neither 0 nor 1")
    return array


def instants(name: str, values: npt.ArrayLike, *, increasing: bool = False) -> Ints:
    """``values`` (nanoseconds, or ``datetime64``) as int64[n]; ``increasing`` refuses a step back in time."""
    array = np.asarray(values)
    if np.issubdtype(array.dtype, np.datetime64):
        refuse_at(name, array, _first(np.isnat(array)), "is no instant")
        array = array.astype("datetime64[ns]").astype(np.int64)
    result = integers(name, array)
    if increasing:
        step_back = _first_decrease(result)
        refuse_at(name, result, step_back, "is earlier than the one before it")
    return result


def positions(name: str, values: npt.ArrayLike, length: int) -> Ints:
    """``values`` as int64[k], each an index into something of ``length`` elements."""
    array = integers(name, values)
    refuse_at(name, array, _first_outside(array, 0, length - 1), f"is outside 0..{length - 1}")
    return array


def integers(name: str, values: npt.ArrayLike) -> Ints:
    """``values`` as int64[n]; an empty list is an empty array."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions, not 1")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} is {array.dtype}, not an integer array")
    return np.ascontiguousarray(array, dtype=np.int64)


def intervals(first_name: str, first: Ints, last_name: str, last: Ints) -> None:
    """Refuse a closed interval that ends before it starts."""
    equal_lengths(**{first_name: first, last_name: last})
    refuse_at(last_name, last, _first_below(last, first), f"lies before its {first_name}")


def equal_lengths(**arrays: npt.NDArray[np.generic]) -> None:
    """Refuse arrays of unequal lengths."""
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(array)}" for name, array in arrays.items())
        raise ValueError(f"unequal lengths: {lengths}")


def at_least(name: str, value: float, least: float) -> None:
    """Refuse a number below ``least``, and NaN and infinity."""
    if not (math.isfinite(value) and value >= least):
        raise ValueError(f"{name} is {value}, not a finite number of {least} or more")


def whole(name: str, value: float, least: int) -> int:
    """``value`` as int, so that nanoseconds are never added as doubles; fractions and less than ``least`` refused.

    >>> whole("horizon_ns", 3e11, 0)
    300000000000
    """
    if not (math.isfinite(value) and value == int(value) and value >= least):
        raise ValueError(f"{name} is {value!r}, not a whole number of {least} or more")
    return int(value)


def above(name: str, value: float, bound: float) -> None:
    """Refuse a number of ``bound`` or less, and NaN and infinity."""
    if not (math.isfinite(value) and value > bound):
        raise ValueError(f"{name} is {value}, not a finite number above {bound}")


def refuse_at(name: str, values: npt.NDArray[np.generic], position: int, why: str) -> None:
    """Raise for the element at ``position``; -1 means that none is bad."""
    if position >= 0:
        raise ValueError(f"{name}[{position}] = {values[position]} {why}")


def _floats(name: str, values: npt.ArrayLike) -> Floats:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions, not 1")
    return np.ascontiguousarray(array, dtype=np.float64)


def _first(bad: npt.NDArray[np.bool_]) -> int:
    return int(np.argmax(bad)) if bad.any() else -1


@compiled
def _first_not_within(values: Floats, least: float) -> int:
    """The first value that is not in ``[least, inf)``; -1 if there is none."""
    length, block = np.uint64(len(values)), np.uint64(BLOCK)
    i = np.uint64(0)
    while i + block <= length:
        good = True
        for j in range(i, i + block):
            good &= (values[j] >= least) & (values[j] < np.inf)
        if not good:
            break
        i += block
    while i < length and values[i] >= least and values[i] < np.inf:
        i += np.uint64(1)
    return int(np.int64(i)) if i < length else -1


@compiled
def _first_decrease(values: Ints) -> int:
    """The first value below the one before it; -1 if there is none."""
    length, block, one = np.uint64(len(values)), np.uint64(BLOCK), np.uint64(1)
    i = one
    while i + block <= length:
        good = True
        for j in range(i, i + block):
            good &= values[j] >= values[j - one]
        if not good:
            break
        i += block
    while i < length and values[i] >= values[i - one]:
        i += one
    return int(np.int64(i)) if i < length else -1


@compiled
def _first_outside(values: Ints, least: int, most: int) -> int:
    for i in range(len(values)):
        if values[i] < least or values[i] > most:
            return i
    return -1


@compiled
def _first_below(values: Ints, bounds: Ints) -> int:
    for i in range(len(values)):
        if values[i] < bounds[i]:
            return i
    return -1
