"""Fetch a set of weights from its owners' address into the user's cache."""

from __future__ import annotations

import re
from pathlib import Path

from jiqa.io.download import DownloadError, Progress, download
from jiqa.weights.convert import convert
from jiqa.weights.locate import by_hand, destination, weights_cache
from jiqa.weights.registry import get_set
from jiqa.weights.weight_set import WeightSet


def fetch(
    name: str,
    progress: Progress = lambda done, total: None,
    *,
    folder: Path | str | None = None,
    keep: bool = False,
) -> Path:
    """Download a set's official file, check it and convert it.

    Args:
        name: a set of ``registry.all_sets()``.
        progress: called for each block that arrives.
        folder: to write the converted file into; by default the user's cache.
        keep: leave the official file in the cache too.

    Returns:
        The safetensors file.

    Raises:
        DownloadError: the file could not be downloaded, or it is not the expected one;
            the message says which file to put where instead. A partial file is kept.
        ValueError: no such set, one without an address, or a file that does not
            convert.
        ModuleNotFoundError: a package that reads the file is not installed.
    """
    wanted = get_set(name)
    if not wanted.address:
        raise ValueError(
            f"weights {name!r} have no download address"
            + ("; they are part of jiqa" if wanted.shipped else "")
        )
    into = destination(folder)
    # The name alone may be model.safetensors.
    file = weights_cache() / "published" / f"{name}-{wanted.published_file}"
    digest = wanted.digest
    try:
        if not digest and wanted.pointer:
            digest = _stated(wanted, file)
        download(wanted.address, file, digest, progress)
    except DownloadError as error:
        raise type(error)("\n".join([str(error), *by_hand(wanted)])) from error

    done = convert(name, file, into / wanted.file)
    if not keep:
        file.unlink()
    return done.path


def _stated(wanted: WeightSet, file: Path) -> str:
    """The SHA-256 that the owners state in a Git LFS pointer."""
    pointer = file.with_name(f"{file.name}.pointer")
    download(wanted.pointer, pointer)
    text = pointer.read_bytes()[:1000].decode(errors="replace")
    pointer.unlink()
    found = re.search(r"^oid sha256:([0-9a-f]{64})$", text, re.M)
    if found is None:
        raise DownloadError(f"{wanted.pointer}: contains no SHA-256")
    return found[1]
