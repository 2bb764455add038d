"""Frames used lately, up to a number of rows: the pages and windows of one session of ticks are cut from one frame."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import date

import polars as pl

Ticks = Callable[[str, date], pl.DataFrame]


class Recent:
    """``make`` with a memory of its latest results of at most ``rows`` rows (the last one whatever its size)."""

    def __init__(self, make: Ticks, rows: int) -> None:
        self.make = make
        self.rows = rows
        self.held = 0
        self.frames: OrderedDict[tuple[str, date], pl.DataFrame] = OrderedDict()

    def __call__(self, ticker: str, session: date) -> pl.DataFrame:
        """The frame of a ticker and session. Empty ones are not remembered."""
        key = ticker, session
        if key in self.frames:
            self.frames.move_to_end(key)
            return self.frames[key]
        frame = self.make(ticker, session)
        if frame.height:
            self.frames[key] = frame
            self.held += frame.height
        while self.held > self.rows and len(self.frames) > 1:
            _, oldest = self.frames.popitem(last=False)
            self.held -= oldest.height
        return frame
