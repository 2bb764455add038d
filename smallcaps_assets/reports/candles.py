"""Draws an event: minute candles, VWAP, levels and volume on a New York clock, as PNG without a screen.

One figure is used again for every picture, so that memory does not grow with their number; the same picture gives the
same bytes.
"""

from io import BytesIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from smallcaps_assets.maths.arguments import Floats
from smallcaps_assets.reports.event_chart import Picture

GREEN, RED, FLAT = "#1a9850", "#d73027", "#777777"
VWAP, LEVEL, TRIGGER = "#2c5fd5", "#9a9a9a", "#f2a900"
INCHES, DOTS = (9.0, 4.6), 80
BODY = 0.35  # half a candle's width, minutes


class Candles:
    """A figure with prices above and volume below."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=INCHES, dpi=DOTS, facecolor="white")
        FigureCanvasAgg(self.figure)
        self.price, self.volume = self.figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1], "hspace": 0.04}
        )
        self.figure.subplots_adjust(left=0.075, right=0.99, top=0.985, bottom=0.075)
        self.price.set_ylabel("USD", fontsize=8)
        self.volume.set_ylabel("shares", fontsize=8)
        self.volume.xaxis.set_major_formatter(FuncFormatter(clock))
        self.volume.yaxis.set_major_formatter(FuncFormatter(thousands))
        for axes in (self.price, self.volume):
            axes.tick_params(labelsize=8)
            axes.grid(color="#eeeeee", linewidth=0.6)
            axes.set_axisbelow(True)
        self.price.tick_params(labelbottom=False)

    def png(self, picture: Picture) -> bytes:
        """The picture's PNG."""
        for axes in (self.price, self.volume):  # clear() would also take the ticks, which cost most to make
            for artist in [*axes.collections, *axes.lines, *axes.texts, *axes.patches]:
                artist.remove()
        self._trigger(picture)
        self._prices(picture)
        self._volumes(picture)
        self._axes(picture)
        file = BytesIO()
        self.figure.savefig(file, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": 3})
        return file.getvalue()

    def _trigger(self, picture: Picture) -> None:
        for axes in (self.price, self.volume):
            axes.axvspan(picture.trigger, picture.trigger + 1, color=TRIGGER, alpha=0.25, linewidth=0)

    def _prices(self, picture: Picture) -> None:
        middle = picture.minute + 0.5
        colours = _colours(picture)
        wicks = np.stack([np.column_stack([middle, picture.low]), np.column_stack([middle, picture.high])], axis=1)
        self.price.add_collection(LineCollection(list(wicks), colors=colours, linewidths=0.8))
        bottom, top = np.minimum(picture.open, picture.close), np.maximum(picture.open, picture.close)
        self.price.add_collection(_boxes(middle, bottom, top, colours))
        for part, label in ((picture.regular, "VWAP"), (~picture.regular, None)):  # each has an anchor of its own
            self.price.plot(middle, np.where(part, picture.vwap, np.nan), color=VWAP, linewidth=1.2, label=label)
        low, high = float(picture.low.min()), float(picture.high.max())
        room = (high - low) * 0.06 or high * 0.01
        self.price.set_ylim(low - room, high + room)
        for level in sorted(set(picture.levels.values())):
            if low - room <= level <= high + room:
                name = ", ".join(name for name, price in picture.levels.items() if price == level)
                self.price.axhline(level, color=LEVEL, linewidth=0.8, linestyle="--")
                self.price.text(picture.first, level, f" {name}", color="#555555", fontsize=7, va="bottom")
        at = int(np.searchsorted(picture.minute, picture.trigger))
        if picture.up:
            self.price.plot([middle[at]], [picture.low[at] - room / 2], marker="^", color=GREEN, markersize=8)
        else:
            self.price.plot([middle[at]], [picture.high[at] + room / 2], marker="v", color=RED, markersize=8)
        self.price.legend(loc="upper right", fontsize=8, frameon=False)

    def _volumes(self, picture: Picture) -> None:
        middle = picture.minute + 0.5
        self.volume.add_collection(_boxes(middle, np.zeros(len(middle)), picture.volume, _colours(picture)))
        self.volume.set_ylim(0, float(picture.volume.max()) * 1.08 or 1.0)

    def _axes(self, picture: Picture) -> None:
        span = picture.last - picture.first
        self.volume.set_xlim(picture.first - 0.5, picture.last + max(span * 0.02, 1.0))
        self.volume.xaxis.set_major_locator(MultipleLocator(5 if span < 45 else 15 if span < 150 else 30))


def clock(minute: float, _place: object = None) -> str:
    """A minute of the day as New York reads it.

    >>> clock(570.0)
    '09:30'
    """
    return f"{int(minute) // 60:02d}:{int(minute) % 60:02d}"


def thousands(shares: float, _place: object = None) -> str:
    """A number of shares, short.

    >>> thousands(1_250_000.0), thousands(80_000.0), thousands(500.0)
    ('1.25M', '80k', '500')
    """
    if shares >= 1_000_000:
        return f"{shares / 1_000_000:g}M"
    return f"{shares / 1_000:g}k" if shares >= 1_000 else f"{shares:g}"


def _colours(picture: Picture) -> list[str]:
    signs = np.sign(picture.close - picture.open)
    return [GREEN if sign > 0 else RED if sign < 0 else FLAT for sign in signs]


def _boxes(middle: Floats, bottom: Floats, top: Floats, colours: list[str]) -> PolyCollection:
    left, right = middle - BODY, middle + BODY
    corners = [(left, bottom), (left, top), (right, top), (right, bottom)]
    boxes = np.stack([np.column_stack(corner) for corner in corners], axis=1)
    return PolyCollection(list(boxes), facecolors=colours, edgecolors=colours, linewidths=0.5)
