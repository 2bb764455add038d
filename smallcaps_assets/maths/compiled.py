"""numba's ``njit`` with the one set of options of this package, and with a type that mypy can follow."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """``function`` in machine code: no object mode, kept on disk between processes, releases the GIL.

    A division by zero gives what NumPy gives (inf or NaN) and no exception. Floating point is not reordered, so that a
    result is the same on every machine and NaN stays NaN.
    """
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
