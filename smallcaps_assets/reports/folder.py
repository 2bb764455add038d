"""Where pages for people lie, and where a browser finds them.

Pages are files of ``data/reports``, beside the datasets and none of them: no Parquet, no catalogue, no hash of the
lake. They are written whole or not at all. A browser does not open files from a link of Dagster's page, so
``python -m smallcaps_assets.reports.serve`` shows the folder on loopback.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from smallcaps_assets.store.lake import replacing

FOLDER = "reports"  # in the lake
ADDRESS = "http://127.0.0.1:3001"


@dataclass(frozen=True)
class Reports:
    """The folder, and the address at which it is served."""

    folder: Path
    address: str = ADDRESS

    def write(self, name: str, content: bytes) -> None:
        """Write the file, whole or not at all; ``OSError`` names it when the disk refuses."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self.folder / name) as temporary, temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def shown(self, name: str) -> dict[str, dg.MetadataValue[str]]:
        """Metadata of a page: the link that opens it, and the file."""
        return {
            "page": dg.MetadataValue.url(f"{self.address}/{name}"),
            "page_file": dg.MetadataValue.path(self.folder / name),
        }

    def picture(self, name: str) -> dg.MetadataValue[str]:
        """A picture of the folder as the asset's page shows it, while the folder is served."""
        return dg.MetadataValue.md(f"![{name}]({self.address}/{name})")
