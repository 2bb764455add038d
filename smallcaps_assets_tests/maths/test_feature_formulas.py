"""Formulas are read from the docstrings beside the code."""

from pathlib import Path
from types import ModuleType

import pytest

from smallcaps_assets.maths.feature_formulas import FAMILIES, Formula, entries, formulas


def family(name: str, *docstrings: str | None) -> ModuleType:
    module = ModuleType(f"maths.features_{name}")
    for place, text in enumerate(docstrings):
        exec(f"def function_{place}(): ...", module.__dict__)  # noqa: S102 - so that the function is the module's own
        module.__dict__[f"function_{place}"].__doc__ = text
    return module


def test_an_entry_ends_with_its_paragraph_or_where_the_next_begins_and_a_mention_is_none() -> None:
    text = """The bars with ``f_gap`` and more.

    ``f_a``: x / y;
    null without y.
    ``f_b``: as ``f_a``, of z.

    Source: Roll."""
    assert entries(text) == [("f_a", "x / y; null without y"), ("f_b", "as ``f_a``, of z")]


def test_each_familys_functions_are_read_and_those_it_imports_are_not() -> None:
    bars, flow = family("bars", "``f_a``: x.", None), family("flow", "``f_b``: y.")
    flow.__dict__["imported"] = bars.__dict__["function_0"]
    assert formulas((bars, flow)) == {"f_a": Formula("bars", "x"), "f_b": Formula("flow", "y")}


def test_two_formulas_of_a_feature_are_refused() -> None:
    with pytest.raises(ValueError, match="f_a has two formulas: in bars and in flow"):
        formulas((family("bars", "``f_a``: x."), family("flow", "``f_a``: y.")))


def test_every_family_documents_features() -> None:
    assert {formula.family for formula in formulas().values()} == {
        module.__name__.rpartition("features_")[2] for module in FAMILIES
    }


def test_every_feature_is_named_by_a_test_of_its_family() -> None:
    for name, formula in formulas().items():
        tests = Path(__file__).with_name(f"test_features_{formula.family}.py").read_text()
        assert f'"{name}"' in tests, name
