"""The formula of each feature, read from the docstrings of the families, where it stands beside the code.

An entry is the name in double backquotes, a colon and the formula; it ends with its paragraph, or where the next one
begins. A family is a module ``features_…``; meaning, unit and when a feature is known are in the contract of
`training_rows`.
"""

import inspect
import re
from types import ModuleType
from typing import NamedTuple

from smallcaps_assets.maths import (
    features_bars,
    features_context,
    features_events,
    features_flow,
    features_known,
    features_liquidity,
    features_quotes,
)

FAMILIES = (
    features_bars,
    features_flow,
    features_quotes,
    features_liquidity,
    features_context,
    features_known,
    features_events,
)
ENTRY = re.compile(r"``(f_\w+)``: (.+?)(?=\s+``f_\w+``:|\n\s*\n|\s*\Z)", re.DOTALL)


class Formula(NamedTuple):
    """How a feature is computed, and the family whose module does it."""

    family: str
    text: str


def entries(text: str) -> list[tuple[str, str]]:
    """Names and formulas that a docstring gives.

    >>> entries("``f_a``: x / y; null\\n    without y. ``f_b``: x.\\n\\n    Source: Roll.")
    [('f_a', 'x / y; null without y'), ('f_b', 'x')]
    """
    return [(name, " ".join(formula.split()).rstrip(".")) for name, formula in ENTRY.findall(text)]


def formulas(families: tuple[ModuleType, ...] = FAMILIES) -> dict[str, Formula]:
    """By feature its formula, family after family; ``ValueError`` names one that is documented twice."""
    found: dict[str, Formula] = {}
    for module in families:
        family = module.__name__.rpartition("features_")[2]
        own = [part for _, part in inspect.getmembers(module, inspect.isfunction) if part.__module__ == module.__name__]
        for function in own:
            for name, text in entries(function.__doc__ or ""):
                if name in found:
                    raise ValueError(f"{name} has two formulas: in {found[name].family} and in {family}")
                found[name] = Formula(family, text)
    return found
