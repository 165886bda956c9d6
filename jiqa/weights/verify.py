"""Verify that the available weights are complete and are the published ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jiqa.weights import safetensors_files as files
from jiqa.weights.load import load
from jiqa.weights.locate import WeightsNotFound, find
from jiqa.weights.registry import get_set


@dataclass(frozen=True)
class Verdict:
    """The result of the verification of one set.

    Attributes:
        name: of the set.
        path: the file; ``None`` where there is none.
        sound: whether nothing is wrong with it.
        text: in words.
    """

    name: str
    path: Path | None
    sound: bool
    text: str


def verify(name: str, folder: Path | str | None = None) -> Verdict:
    """Read a set and compare it with what jiqa knows about it.

    Keys, shapes and finite numbers are checked; a package's file against its SHA-256; a
    safetensors file against the fingerprint that it was written with; the numbers
    against the published ones' fingerprint, or the source that the file names against
    the SHA-256 of the owners' file, where jiqa knows these.

    Raises:
        ValueError: no such set.
    """
    wanted = get_set(name)
    try:
        found = find(wanted, folder)
    except WeightsNotFound as error:
        return Verdict(name, None, False, str(error))
    try:
        read = load(name, folder)
        params, metadata = read.params, {}
        if found.origin in ("folder", "cache"):
            params, metadata = files.read(found.path)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        return Verdict(name, found.path, False, str(error))
    written = metadata.get("fingerprint")
    if written and written != files.fingerprint(params):
        text = "damaged: the values differ from those that were written"
        return Verdict(name, found.path, False, text)
    broken = sorted(k for k, value in params.items() if not np.isfinite(value).all())
    if broken:
        text = f"not finite: {', '.join(broken)}"
        return Verdict(name, found.path, False, text)
    if read.published is not None:
        text = "the published values" if read.published else "not the published values"
        return Verdict(name, found.path, read.published, text)
    if found.origin == "package":
        return Verdict(name, found.path, True, "the file of the package as published")
    if wanted.digest and metadata["sha256"].startswith(wanted.digest):
        return Verdict(name, found.path, True, "converted from the published file")
    text = "complete; jiqa cannot tell whether these are the published values"
    return Verdict(name, found.path, True, text)
