"""Miniature archives in the official layouts, and what to do with each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jiqa.data.store import builder, prepare
from jiqa.errors import LayoutError
from jiqa.io.decode import read_image


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (12, 10)) -> Path:
    """A small image of chance, of the format that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def pictures(root: Path, names: Iterable[str]) -> None:
    """One image a name; many names share few files, since only names matter."""
    kinds: dict[str, Path] = {}
    for n, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in kinds and n % 7:
            os.link(kinds[path.suffix], path)
        else:
            kinds[path.suffix] = picture(path, n)


def empty(root: Path, names: Iterable[str]) -> None:
    """Files without content, for labels that are read but never prepared."""
    folders = set()
    for name in names:
        folder, _, _ = name.rpartition("/")
        if folder not in folders:
            (root / folder).mkdir(parents=True, exist_ok=True)
            folders.add(folder)
        os.close(os.open(root / name, os.O_CREAT | os.O_WRONLY))


def through(name: str, root: Path, tmp_path: Path, **options) -> Any:
    """Prepare, open, and decode the last image and its reference."""
    dataset: Any = prepare(name, root, tmp_path / "prepared", **options)
    entry = dataset.entries()[-1]
    assert entry.problem == ""
    pixels = read_image(dataset.image(entry))
    assert pixels.shape == entry.shape[:3]
    reference = dataset.reference(entry)
    if reference is not None:
        assert read_image(reference).ndim == 3
    return dataset


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A label file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding)
    return path


def refused(name: str, root: Path, *said: str) -> str:
    """The message about an archive that is not whole; it names ``said``."""
    with pytest.raises(LayoutError) as raised:
        builder(name, root / "unused").contents(root)
    message = str(raised.value)
    for text in (str(root), *said):
        assert text in message
    assert not (root / "unused").exists()
    return message
