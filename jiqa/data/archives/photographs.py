"""Image files anywhere below a folder."""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path

from jiqa.io.decode import SUFFIXES


def photographs(root: Path, suffixes: Container[str] = SUFFIXES) -> list[Path]:
    """Image files in a folder and all below it, sorted by their path in it.

    Hidden files and folders are passed over, and ``__MACOSX``, which some archives
    carry; a folder that a link leads to is looked into once.

    Args:
        root: the folder.
        suffixes: endings in lower case, with the dot.
    """
    found: list[Path] = []
    seen: set[str] = set()
    for folder, inside, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inside.clear()
            continue
        seen.add(real)
        inside[:] = sorted(d for d in inside if _shown(d))
        found += [
            Path(folder, name)
            for name in names
            if _shown(name) and os.path.splitext(name)[1].lower() in suffixes
        ]
    return sorted(found, key=lambda path: path.relative_to(root).parts)


def by_name(root: Path, suffixes: Container[str] = SUFFIXES) -> dict[str, Path]:
    """Image files below a folder by their names in lower case.

    For archives in several files, each of which unpacks to a separate folder. Where a
    name occurs twice, the first counts.
    """
    found: dict[str, Path] = {}
    for path in photographs(root, suffixes):
        found.setdefault(path.name.lower(), path)
    return found


def _shown(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"
