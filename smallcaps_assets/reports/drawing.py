"""How the research report's pictures look: colours, sizes, ticks, and a figure's PNG without a screen.

The same marks give the same bytes: no date and no version of the drawing library is in them.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

INK, MUTED, GRID = "#1c2430", "#6b7685", "#e6e9ee"
BLUE, ORANGE, GREEN, RED, PURPLE, SAND, GREY = (
    "#2c5fd5",
    "#e07b39",
    "#2f9e6e",
    "#cf4a3c",
    "#7b4fb5",
    "#e8b93c",
    "#c7ced8",
)
TURNS = (BLUE, ORANGE, GREEN, PURPLE, RED, SAND)  # colours of series that have none of their own
WIDTH, DOTS = 11.0, 100  # inches; dots an inch
TALLEST = 26.0  # inches
MOST_TICKS = 12
PERCENT = FuncFormatter(lambda share, _: f"{100 * share:g} %")
COUNT = FuncFormatter(lambda count, _: f"{count:,.0f}")


def figure(height: float) -> Figure:
    """An empty figure of the report's width; ``height`` in inches, cut where it would be a wall."""
    made = Figure(figsize=(WIDTH, min(max(height, 2.0), TALLEST)), dpi=DOTS, facecolor="white", layout="constrained")
    FigureCanvasAgg(made)
    return made


def dress(axes: Axes, title: str, *, grid: str = "both") -> None:
    """Title, light grid (``x``, ``y``, ``both``) behind what is drawn, small ticks, no box."""
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.tick_params(labelsize=8, colors=MUTED, length=3)
    axes.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)


def name_axes(axes: Axes, x: str = "", y: str = "") -> None:
    """What the axes measure."""
    axes.set_xlabel(x, fontsize=8, color=MUTED)
    axes.set_ylabel(y, fontsize=8, color=MUTED)


def thinned(labels: Sequence[str], most: int = MOST_TICKS) -> tuple[list[int], list[str]]:
    """Where ticks stand and what they say, if there may be so many at most.

    >>> thinned(["a", "b", "c", "d", "e"], 3)
    ([0, 2, 4], ['a', 'c', 'e'])
    """
    step = max(1, -(-len(labels) // most))
    return list(range(0, len(labels), step)), list(labels[::step])


def empty(panels: Iterable[Axes]) -> None:
    """Say in the first of the panels that there is nothing to draw, and hide their empty frames."""
    for place, axes in enumerate(panels):
        axes.set_axis_off()
        if not place:
            nothing(axes)


def nothing(axes: Axes) -> None:
    """Say that there is nothing to draw in the panel."""
    axes.text(0.5, 0.5, "no rows", transform=axes.transAxes, ha="center", va="center", fontsize=9, color=MUTED)


def png(drawn: Figure) -> bytes:
    """The figure's PNG."""
    file = BytesIO()
    drawn.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
