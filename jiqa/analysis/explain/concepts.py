"""Images in which every pixel is labelled with concepts: what dissection looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Concept:
    """What a label stands for.

    Attributes:
        name: in words.
        category: the kind of thing it is, such as ``"texture"``.
    """

    name: str
    category: str


@dataclass(frozen=True)
class Labelled:
    """An image with its labels.

    Attributes:
        image: ``[H, W, 3]`` in [0, 1].
        labels: numbers of concepts ``[layers, h, w]``, 0 for none; a pixel has the
            labels of all layers.
        categories: those that were looked for in this image.
    """

    image: np.ndarray
    labels: np.ndarray
    categories: frozenset[str]


class ConceptSet(Protocol):
    """Labelled images, any number of times in the same order."""

    @property
    def concepts(self) -> Mapping[int, Concept]:
        """By number, from 1."""
        ...

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def __iter__(self) -> Iterator[Labelled]:
        """The images, one at a time."""
        ...
