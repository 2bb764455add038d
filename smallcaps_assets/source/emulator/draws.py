"""Counter-based random numbers: what is drawn depends on its key alone, never on what was asked before."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What the numbers are for; one stream each."""

    IDENTITY = 1
    PANEL = 2
    SHAPE = 3
    PATH = 4
    TAPE = 5
    QUOTES = 6
    NEWS = 7
    SHARES = 8
    SHORTS = 9
    STATEMENTS = 10


def generator(seed: int, purpose: Purpose, ticker: int, session: int = 0) -> np.random.Generator:
    """Generator of the stream (seed, purpose, index of the ticker, ordinal of the session), equal in every process."""
    key = np.array([seed, (int(purpose) << 56) | (ticker << 32) | session], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
