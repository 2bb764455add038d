"""The README's table and picture of the datasets and the data dictionary, made from the contracts, so never stale.

``python -m smallcaps_assets.dictionary`` writes ``README.md``, ``docs/lineage.svg`` and ``docs/dictionary.md``.
"""

import re
from pathlib import Path

from smallcaps_assets import contract as contracts
from smallcaps_assets.dataset import Dataset
from smallcaps_assets.definitions import FLOW
from smallcaps_assets.lineage import svg

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DICTIONARY = ROOT / "docs" / "dictionary.md"
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


def readme(text: str) -> str:
    """The README's text with its table made anew."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write the files."""
    README.write_text(readme(README.read_text()))
    DICTIONARY.parent.mkdir(exist_ok=True)
    DICTIONARY.write_text(dictionary())
    LINEAGE.write_text(svg(FLOW))


if __name__ == "__main__":
    main()
