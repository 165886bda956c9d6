"""The folder that ladders are written to: its settings, and clashes of names in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jiqa.distortions.ladders.plan import LadderError, Source
from jiqa.io.json_files import read_json, write_json


def check_names(sources: Sequence[Source]) -> None:
    """Reject sources whose images would go to the same files.

    Raises:
        LadderError: names the first of them.
    """
    folders = Counter(source.relative.with_suffix("") for source in sources)
    for folder, count in folders.items():
        if count > 1:
            alike = [s.path for s in sources if s.relative.with_suffix("") == folder]
            raise LadderError(
                f"{' and '.join(map(str, alike))} would both be written to {folder}: "
                "rename one, or give the folder that holds both"
            )


def claim(folder: Path, settings: dict[str, Any], *, resume: bool) -> None:
    """Create the output folder with a note of its settings, or check the note.

    Args:
        folder: the output folder.
        settings: what determines the images.
        resume: continue in an earlier run's folder.

    Raises:
        LadderError: the folder belongs to another run, and ``resume`` is off or its
            settings differ.
    """
    note = folder / "ladder.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = read_json(note) if note.exists() else None
    except (OSError, ValueError) as error:
        raise LadderError(f"cannot write to {folder}: {error}") from None
    if found is None:
        if (folder / "manifest.csv").exists():
            raise LadderError(
                f"{folder} holds another manifest.csv: choose a new folder"
            )
        write_json(note, settings)
        return
    if not resume:
        raise LadderError(
            f"{folder} exists from an earlier run: add --resume to continue it, or "
            "choose a new folder"
        )
    other = [k for k in settings if found.get(k) != settings[k]]
    if other:
        changes = "; ".join(f"{k} {found.get(k)}, not {settings[k]}" for k in other)
        raise LadderError(
            f"{folder} was written with {changes}: use the same settings, or choose a "
            "new folder"
        )
