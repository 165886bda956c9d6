"""Labelled images in the layout of Broden, the data of network dissection.

``index.csv`` has a line an image (image, split, ih, iw, sh, sw, then a column for each
category); ``label.csv`` the names by number; ``category.csv`` the categories;
``c_CATEGORY.csv`` the labels of each. A cell of the index holds numbers of labels of
the whole image, or label files, several apart by semicolons; of a label file's pixel,
red plus 256 times green is the number. Images and label files lie in ``images``. After
D. Bau, B. Zhou, A. Khosla, A. Oliva and A. Torralba, "Network dissection: quantifying
interpretability of deep visual representations", CVPR 2017.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from jiqa.analysis.explain.concepts import Concept, Labelled
from jiqa.checks import expected
from jiqa.io.decode import read_image

_FACTS = ("image", "split", "ih", "iw", "sh", "sw")


class Broden:
    """An unpacked Broden, or a set in its layout.

    Attributes:
        concepts: by number. A label of several categories counts in that which it
            covers most of.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        categories: Sequence[str] | None = None,
        split: str | None = None,
        limit: int | None = None,
    ) -> None:
        """Read the tables; images are read as they are asked for.

        Args:
            folder: that of ``index.csv``.
            categories: those to look at; by default all.
            split: only the images of it, such as ``"train"``.
            limit: no more images than this, the first ones.

        Raises:
            ValueError: a table that is not there, no such category, or no image left.
        """
        self._folder = Path(folder)
        known = [row["name"] for row in self._table("category.csv")]
        wanted = list(categories or known)
        lacking = [name for name in wanted if name not in known]
        if lacking:
            raise ValueError(
                f"{folder} has no category {', '.join(lacking)} (categories: "
                f"{', '.join(known)})"
            )
        self._categories = wanted
        self.concepts = self._named(wanted)
        rows = [
            row
            for row in self._table("index.csv")
            if (split is None or row["split"] == split)
            and any(row.get(name) for name in wanted)
        ]
        self._rows = rows[:limit]
        if not self._rows:
            raise ValueError(
                f"{folder} has no images with labels of {', '.join(wanted)}"
            )

    def _table(self, name: str) -> list[dict[str, str]]:
        try:
            with (self._folder / name).open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        except OSError as error:
            raise ValueError(
                f"{self._folder} is not a folder in Broden's layout ({error})"
            ) from None

    def _named(self, categories: Sequence[str]) -> dict[int, Concept]:
        names = {int(row["number"]): row["name"] for row in self._table("label.csv")}
        found: dict[int, Concept] = {}
        most: dict[int, float] = {}
        for category in categories:
            for row in self._table(f"c_{category}.csv"):
                number, coverage = int(row["number"]), float(row.get("coverage") or 0)
                if number > 0 and coverage >= most.get(number, 0):
                    found[number] = Concept(names[number], category)
                    most[number] = coverage
        return dict(sorted(found.items()))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._rows)

    def __iter__(self) -> Iterator[Labelled]:
        """Read the images; ``DecodeError`` names one that is not there."""
        for row in self._rows:
            pixels = read_image(self._folder / "images" / row["image"])
            image = (pixels / np.iinfo(pixels.dtype).max).astype(np.float32)
            size = int(row["sh"]), int(row["sw"])
            layers, present = [], []
            for category in self._categories:
                cells = [c for c in (row.get(category) or "").split(";") if c]
                layers += [self._layer(cell, size) for cell in cells]
                present += [category] * bool(cells)
            yield Labelled(
                np.repeat(image, 3 // image.shape[-1], axis=-1),
                np.stack(layers),
                frozenset(present),
            )

    def _layer(self, cell: str, size: tuple[int, int]) -> np.ndarray:
        if cell.isdigit():
            return np.full(size, int(cell), np.int32)
        path = self._folder / "images" / cell
        pixels = read_image(path).astype(np.int32)
        if pixels.shape != (*size, 3):
            wanted = f"shape {(*size, 3)}, as in the index"
            raise ValueError(expected(f"{path}", wanted, f"{pixels.shape}"))
        return pixels[..., 0] + 256 * pixels[..., 1]
