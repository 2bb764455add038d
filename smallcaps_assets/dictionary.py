"""The README's table and picture of the datasets and the dictionaries of data and features: made, so never stale.

``python -m smallcaps_assets.dictionary`` writes ``README.md`` and, in ``docs``, ``lineage.svg``, ``dictionary.md`` and
``features.md``, from the contracts and the docstrings of the features.
"""

import re
from pathlib import Path

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Dataset
from smallcaps_assets.datasets.feature_dictionary import facts, markdown
from smallcaps_assets.definitions import FLOW
from smallcaps_assets.lineage import svg

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DICTIONARY = ROOT / "docs" / "dictionary.md"
FEATURES = ROOT / "docs" / "features.md"
LINEAGE = ROOT / "docs" / "lineage.svg"
BEGIN, END = "<!-- datasets: made by smallcaps_assets.dictionary -->", "<!-- end of datasets -->"


def table() -> str:
    """A row per dataset in the order data flow: stage, name, axis, what one row is."""
    lines = ["| stage | dataset | partitions | one row is | made from |", "|---|---|---|---|---|"]
    for stage, datasets in FLOW.items():
        for dataset in datasets:
            link = f"[`{dataset.name}`](smallcaps_assets/datasets/{dataset.name}.py)"
            lines.append(f"| {stage} | {link} | {dataset.axis.value} | {_first(dataset)} | {_from(dataset)} |")
    return "\n".join(lines)


def _first(dataset: Dataset) -> str:
    """The first sentence of the description: what one row is."""
    text = " ".join(dataset.description.split("\n\n")[0].split())
    return re.split(r"(?<=[.:])\s", text)[0].rstrip(".:").replace("|", "∣")


def _from(dataset: Dataset) -> str:
    inputs = [f"`{name}`" for name in dataset.inputs]
    outside = {"the vendor": dataset.reads_source, "inbox": dataset.reads_inbox, "ledger": dataset.reads_ledger}
    return ", ".join([name for name, read in outside.items() if read] + inputs)


def dictionary() -> str:
    """Every dataset's description and columns."""
    parts = [
        "# Data dictionary",
        "",
        "Made from the contracts by `python -m smallcaps_assets.dictionary`; do not edit.",
    ]
    for stage, datasets in FLOW.items():
        parts += ["", f"## Stage {stage}"]
        for dataset in datasets:
            parts += ["", f"### {dataset.name}", "", dataset.description, ""]
            parts += [f"Partitions: {dataset.axis.value}. Key: {', '.join(contracts.key(dataset.contract))}.", ""]
            parts += ["| column | type | unit | null | meaning |", "|---|---|---|---|---|"]
            for name, declared in contracts.columns(dataset.contract).items():
                null = "yes" if declared.nullable else ""
                meaning = (declared.description or "").replace("|", "∣")
                parts.append(f"| {name} | {declared.dtype.type} | {contracts.unit(declared)} | {null} | {meaning} |")
    return "\n".join(parts) + "\n"


def features() -> str:
    """Every feature by family: meaning, formula, unit and when it is known."""
    parts = [
        "# Features",
        "",
        "Made from the contract of `training_rows` and the docstrings of `maths/features_*.py` by",
        "`python -m smallcaps_assets.dictionary`; do not edit. How their values lie: dataset `feature_dictionary`.",
        "",
        "Every feature is known at the bar's close; the last column says as of when the slowest thing in it is. All",
        "that looks back inside a tape restarts at each tape. What is not known is null, never 0.",
    ]
    titles = {"feature": "feature", "meaning": "meaning", "formula": "formula", "unit": "unit", "known": "as of"}
    told = facts()
    for family in dict.fromkeys(fact.family for fact in told):
        module = f"features_{family}.py"
        parts += ["", f"## {family}", "", f"[`maths/{module}`](../smallcaps_assets/maths/{module})", ""]
        parts.append(markdown(titles, [fact._asdict() for fact in told if fact.family == family]))
    return "\n".join(parts) + "\n"


def readme(text: str) -> str:
    """The README's text with its table made anew."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write the files."""
    README.write_text(readme(README.read_text()))
    DICTIONARY.parent.mkdir(exist_ok=True)
    DICTIONARY.write_text(dictionary())
    FEATURES.write_text(features())
    LINEAGE.write_text(svg(FLOW))


if __name__ == "__main__":
    main()
