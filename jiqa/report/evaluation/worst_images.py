"""Where a metric and MOS differ most, with pictures that a page holds once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import numpy as np

from jiqa.io.decode import DecodeError
from jiqa.report.evaluation.tables import minus
from jiqa.report.evaluation.view import Row, Series, kind_of, text
from jiqa.report.pictures import thumbnail

#: Gives the pixels of a row, ``[H, W, C]``, uint8 or uint16: the distorted image, and
#: its reference or ``None``.
Pixels = Callable[[Row], tuple[np.ndarray, np.ndarray | None]]


class Album:
    """Small pictures, each kept once however many metrics show it.

    Attributes:
        addresses: of the pictures kept so far.
    """

    def __init__(self, pixels: Pixels | None, width: int = 176) -> None:
        """Take pictures of ``width`` from ``pixels``; there are none without it."""
        self._pixels, self._width = pixels, width
        self._of_image: dict[Any, tuple[int | None, int | None]] = {}
        self._of_reference: dict[Any, int] = {}
        self.addresses: list[str] = []

    def pair(self, row: Row) -> tuple[int | None, int | None]:
        """Return indices of the distorted picture and its reference in ``addresses``.

        ``None`` stands for a picture that there is not: no reference, or a file that
        cannot be read.
        """
        key = text(row, "data"), text(row, "image")
        if key not in self._of_image:
            self._of_image[key] = self._make(row)
        return self._of_image[key]

    def _make(self, row: Row) -> tuple[int | None, int | None]:
        if self._pixels is None:
            return None, None
        try:
            distorted, reference = self._pixels(row)
        except (OSError, DecodeError):
            return None, None
        first = self._add(distorted)
        if reference is None:
            return first, None
        key = text(row, "data"), text(row, "reference") or text(row, "image")
        if key not in self._of_reference:
            self._of_reference[key] = self._add(reference)
        return first, self._of_reference[key]

    def _add(self, pixels: np.ndarray) -> int:
        self.addresses.append(thumbnail(np.asarray(pixels), self._width))
        return len(self.addresses) - 1


def worst(series: Series, album: Album, count: int) -> list[dict[str, Any]]:
    """Return the rows with the largest residuals from the fit, the largest first.

    Rows without a predicted score (no fit, or an infinite value that the fit does not
    take) cannot be among them.
    """
    residuals = series.scores - series.predicted
    known = np.flatnonzero(~np.isnan(residuals))
    order = known[np.argsort(-np.abs(residuals[known]), kind="stable")]
    out = []
    for index in order[:count]:
        row = series.rows[index]
        distorted, reference = album.pair(row)
        level = f" level {text(row, 'level')}" if text(row, "level") else ""
        out.append(
            {
                "name": PurePath(text(row, "image")).name,
                "path": text(row, "image"),
                "kind": f"{kind_of(row)}{level}".strip(),
                "value": minus(f"{series.values[index]:.4g}"),
                "score": minus(f"{series.scores[index]:.4g}"),
                "predicted": minus(f"{series.predicted[index]:.4g}"),
                "residual": minus(f"{residuals[index]:+.3g}"),
                "distorted": distorted,
                "reference": reference,
            }
        )
    return out
