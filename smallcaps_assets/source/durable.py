"""Putting a finished file in its place so that it is there whole after a power cut, or not at all."""

import os
from pathlib import Path


def commit(temporary: Path, target: Path) -> None:
    """Let ``temporary``, in the same folder, take the place of ``target``: bytes and name are on the disk then."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
