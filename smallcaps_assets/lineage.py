"""The README's picture of the lineage, drawn from the declared datasets so that it cannot go stale.

A stage is a column, a dataset a box in it, an arrow runs from what is read to what reads it. Within a column datasets
stand in the order of ``FLOW``; what an arrow means beyond that, the table of the README says.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import NamedTuple

from smallcaps_assets.dataset import Dataset

COLOURS = ("#3b6ea8", "#2f8f6b", "#b3672b", "#7d54a6", "#a83b54", "#5c6470")
BOX_WIDTH, BOX_HEIGHT = 152, 26
COLUMN, ROW = 236, 40
MARGIN, TITLE = 20, 44


class Box(NamedTuple):
    """Where a dataset stands, and in which colour."""

    left: float
    top: float
    colour: str


def boxes(flow: Mapping[str, tuple[Dataset, ...]]) -> dict[str, Box]:
    """The box of every dataset by name; stages side by side, each centred on the tallest."""
    tallest = max(len(datasets) for datasets in flow.values())
    return {
        dataset.name: Box(
            MARGIN + column * COLUMN,
            TITLE + (tallest - len(datasets)) * ROW / 2 + row * ROW,
            COLOURS[column % len(COLOURS)],
        )
        for column, datasets in enumerate(flow.values())
        for row, dataset in enumerate(datasets)
    }


def arrow(source: Box, target: Box) -> str:
    """A curve from the right side of what is read to the left side of what reads it; within a column, around it."""
    y0, y1 = source.top + BOX_HEIGHT / 2, target.top + BOX_HEIGHT / 2
    x0, x1 = source.left + BOX_WIDTH, target.left
    if x1 > x0:
        bend = (x1 - x0) / 2
        path = f"M{x0:g},{y0:g} C{x0 + bend:g},{y0:g} {x1 - bend:g},{y1:g} {x1:g},{y1:g}"
    else:
        x1 = target.left + BOX_WIDTH
        bend = 14 + abs(y1 - y0) / 8
        path = f"M{x0:g},{y0:g} C{x0 + bend:g},{y0:g} {x1 + bend:g},{y1:g} {x1:g},{y1:g}"
    return f'<path d="{path}" stroke="{source.colour}" marker-end="url(#head)"/>'


def _lines(flow: Mapping[str, tuple[Dataset, ...]]) -> Iterator[str]:
    placed = boxes(flow)
    width = 2 * MARGIN + (len(flow) - 1) * COLUMN + BOX_WIDTH
    height = TITLE + max(len(datasets) for datasets in flow.values()) * ROW + MARGIN
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
    yield '<defs><marker id="head" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="5" markerHeight="5" orient="auto">'
    yield '<path d="M0,0 L6,3 L0,6 z" fill="#8a929e"/></marker></defs>'
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    yield '<g fill="none" stroke-width="1" opacity="0.45">'
    for datasets in flow.values():
        for dataset in datasets:
            yield from (arrow(placed[name], placed[dataset.name]) for name in dataset.inputs)
    yield "</g>"
    for column, (stage, datasets) in enumerate(flow.items()):
        middle = MARGIN + column * COLUMN + BOX_WIDTH / 2
        colour = COLOURS[column % len(COLOURS)]
        yield (
            f'<text x="{middle:g}" y="26" font-size="15" font-weight="700" text-anchor="middle" '
            f'fill="{colour}">{escape(stage)}</text>'
        )
        for dataset in datasets:
            box = placed[dataset.name]
            yield (
                f'<rect x="{box.left:g}" y="{box.top:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5" '
                f'fill="{box.colour}"/>'
            )
            yield (
                f'<text x="{middle:g}" y="{box.top + 17:g}" font-size="12.5" text-anchor="middle" '
                f'fill="#ffffff">{escape(dataset.name)}</text>'
            )
    yield "</svg>"


def svg(flow: Mapping[str, tuple[Dataset, ...]]) -> str:
    """The picture."""
    return "\n".join(_lines(flow)) + "\n"
