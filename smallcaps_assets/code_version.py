"""Which code made a row: the package's version, and a hash of its sources, so that work in progress has a name too."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def code_version() -> str:
    """As ``0.1.0+1f2e3d4c5b6a``: 12 hex of the names and the text of all Python files of the package."""
    return f"{version('smallcaps-assets')}+{sources(PACKAGE)}"


def sources(folder: Path) -> str:
    """12 hex of the names and the text of all Python files under a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()}\n{path.read_text(encoding='utf-8')}\n".encode())
    return digest.hexdigest()[:12]
