"""Image files below a folder: the one rule by which every command looks for them."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jiqa.io.decode import SUFFIXES

#: Folders that systems write beside images: copies of attributes, small previews.
_PREVIEWS = frozenset({"@eadir", "thumbnails", "thumbs"})
_SYSTEM = "__MACOSX"

#: Endings named in a note.
_SHOWN = 5


@dataclass(frozen=True)
class Walk:
    """What is below a folder.

    Attributes:
        root: the folder.
        files: its images, sorted by their path in it.
        passed_over: what is not among them, counted by what it is.
    """

    root: Path
    files: list[Path]
    passed_over: Mapping[str, int] = field(default_factory=dict)

    def note(self) -> str:
        """A sentence on what was passed over; empty if nothing was."""
        parts = [f"{what} ({count})" for what, count in self.passed_over.items()]
        return f"{self.root}: passed over {', '.join(parts)}" if parts else ""


def walk_images(root: Path | str, suffixes: Container[str] = SUFFIXES) -> Walk:
    """Find the image files in a folder and in all folders below it.

    Hidden files and folders (``.NAME``), ``__MACOSX`` and folders of thumbnails
    (``thumbnails``, ``thumbs``, ``@eaDir``) are passed over, and so is what has
    another ending. A folder that several links lead to is entered once, by its own
    path if that is below ``root``. A link that leads nowhere counts as a file, for
    whoever reads it to say so.

    Args:
        root: the folder, whatever its own name.
        suffixes: endings in lower case, with the dot.
    """
    root = Path(root)
    found: list[Path] = []
    over: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    # Links last, so that a folder is known by its own path where it has one.
    folders, links = deque([root]), deque[Path]()
    seen: set[str] = set()
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            over["folders that cannot be opened"] += 1
            continue
        for entry in entries:
            inside = entry.is_dir()
            if is_clutter(entry.name, folder=inside):
                over[_kind(entry.name, inside)] += 1
            elif inside:
                (links if entry.is_symlink() else folders).append(folder / entry.name)
            elif os.path.splitext(entry.name)[1].lower() not in suffixes:
                endings[os.path.splitext(entry.name)[1].lower() or "nothing"] += 1
            elif entry.is_file() or not os.path.exists(entry.path):
                found.append(folder / entry.name)
            else:
                over["pipes and devices"] += 1
    if endings:
        most = [ending for ending, _ in endings.most_common(_SHOWN)]
        more = ", ..." if len(endings) > _SHOWN else ""
        over[f"files that end in {', '.join(most)}{more}"] = endings.total()
    found.sort(key=lambda path: path.relative_to(root).parts)
    return Walk(root, found, dict(over))


def is_clutter(name: str, *, folder: bool = False) -> bool:
    """Whether a file or a folder is passed over by its name: see ``walk_images``."""
    if name.startswith((".", "~$")):
        return True
    return folder and (name == _SYSTEM or name.lower() in _PREVIEWS)


def _kind(name: str, folder: bool) -> str:
    if name.startswith((".", "~$")):
        return "hidden folders" if folder else "hidden files"
    return _SYSTEM if name == _SYSTEM else "folders of thumbnails"


def by_name(root: Path, suffixes: Container[str] = SUFFIXES) -> dict[str, Path]:
    """Image files below a folder by their names in lower case.

    For archives in several files, each of which unpacks to a separate folder. Where a
    name occurs twice, the first counts.
    """
    found: dict[str, Path] = {}
    for path in walk_images(root, suffixes).files:
        found.setdefault(path.name.lower(), path)
    return found
