"""Find an unpacked archive's files, and report everything that is missing at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from jiqa.errors import LayoutError
from jiqa.io.cache import expanded
from jiqa.io.names import folded

_SHOWN = 12


class Folder:
    """An unpacked archive; looks names up whatever their case and Unicode form.

    Archives made on Windows mix ``I01.BMP``, ``i01_01_1.bmp`` and ``I25.bmp``; a label
    file may write a name in yet another case. What is not there is remembered, so that
    one message can name all of it.
    """

    def __init__(self, root: Path | str) -> None:
        """Look into ``root``.

        Raises:
            LayoutError: no such folder.
        """
        self.root = expanded(root)
        if not self.root.is_dir():
            raise LayoutError(f"{self.root} is not a folder")
        self._listed: dict[Path, dict[str, Path]] = {}
        self._missing: list[str] = []

    def find(self, *choices: str) -> Path | None:
        """The first of several relative paths that exists, in any case of letters."""
        for choice in choices:
            found: Path | None = self.root
            for part in Path(choice).parts:
                found = self._entries(found).get(folded(part))
                if found is None:
                    break
            if found is not None:
                return found
        return None

    def need(self, *choices: str) -> Path:
        """As ``find``, but note a missing path for ``check``.

        Returns:
            The path; where none exists, the one that was expected.
        """
        found = self.find(*choices)
        if found is None:
            self._missing.append(" or ".join(choices))
        return found or self.root / choices[0]

    def images(self, relative: str, suffixes: Iterable[str]) -> list[Path]:
        """Files of a folder with one of some suffixes, by name; ``[]`` if none."""
        folder = self.find(relative) if relative not in ("", ".") else self.root
        if folder is None:
            return []
        wanted = {s.lower() for s in suffixes}
        return sorted(
            path
            for path in self._entries(folder).values()
            if path.suffix.lower() in wanted
        )

    def miss(self, what: str) -> None:
        """Note something missing that is not a path."""
        self._missing.append(what)

    def check(self, layout: str) -> None:
        """Raise unless everything required was found.

        Raises:
            LayoutError: names what is missing, the folder, and the expected layout.
        """
        if self._missing:
            raise LayoutError(missing_message(self.root, self._missing, layout))

    def _entries(self, folder: Path) -> dict[str, Path]:
        if folder not in self._listed:
            names = sorted(os.listdir(folder)) if folder.is_dir() else []
            self._listed[folder] = {folded(name): folder / name for name in names}
        return self._listed[folder]


def missing_message(root: Path, missing: Sequence[str], layout: str) -> str:
    """What is missing in ``root``, the first dozen by name, and the expected layout."""
    lines = [f"{root}: {len(missing)} missing:"]
    lines += [f"  {what}" for what in missing[:_SHOWN]]
    if len(missing) > _SHOWN:
        lines.append(f"  and {len(missing) - _SHOWN} more")
    lines += ["expected the official layout:", *(f"  {x}" for x in layout.split("\n"))]
    return "\n".join(lines)


def enter(root: Path | str, *names: str) -> Folder:
    """``root``, or the folder inside it that its archive unpacks to, if that is there.

    Args:
        root: the folder that the archive was unpacked into, or the archive's top one.
        names: names of the archive's folders, from the outermost inwards.

    Raises:
        LayoutError: no such folder.
    """
    folder = Folder(root)
    for name in names:
        inner = folder.find(name)
        if inner is not None and inner.is_dir():
            folder = Folder(inner)
    return folder
