"""The sets of conditions that synthetic trades carry, one code a set, with what each set updates.

Codes below ``FIRST_SPECIAL`` are flags of ordinary trades; the prints outside the continuous tape follow.
"""

import numpy as np

from smallcaps_assets.source.emulator.conditions import FORM_T, HIGH_LOW, OPEN_CLOSE, TRADE_THRU_EXEMPT, VOLUME

ODD, SWEEP, EXEMPT, EXTENDED = 1, 2, 4, 8
FIRST_SPECIAL = 16
# Opening, official open, closing, official close, reopening: first as Nasdaq's tape writes them, then the others.
AUCTIONS = {True: ((25,), (16,), (8,), (15,), (28,)), False: ((17,), (16,), (19,), (15,), (18,))}
OUT_OF_TURN = ((2,), (7,), (10,), (52,), (53,), (32,))
_SPECIAL = tuple(dict.fromkeys((*AUCTIONS[True], *AUCTIONS[False], *OUT_OF_TURN)))
_FLAGS = ((SWEEP, 14), (EXTENDED, FORM_T), (ODD, 37), (EXEMPT, TRADE_THRU_EXEMPT))
SETS: tuple[tuple[int, ...], ...] = (
    *(tuple(condition for bit, condition in _FLAGS if code & bit) for code in range(FIRST_SPECIAL)),
    *_SPECIAL,
)
CODES = {conditions: FIRST_SPECIAL + at for at, conditions in enumerate(_SPECIAL)}
# Official prices repeat an auction: (official, the auctions it repeats).
OFFICIAL = (((16,), ((25,), (17,))), ((15,), ((8,), (19,))))

SET_HIGH_LOW, SET_OPEN_CLOSE, SET_VOLUME = (
    np.array([all(table[condition] for condition in conditions) for conditions in SETS])
    for table in (HIGH_LOW, OPEN_CLOSE, VOLUME)
)
# Outside regular hours Form T does not forbid a price in minute bars.
SET_EXTENDED = np.array([all(OPEN_CLOSE[c] for c in conditions if c != FORM_T) for conditions in SETS])
