"""Labelled images drawn by code: colours and textures, for a dissection without data.

Discs and rectangles on grey, of one colour, of a grey texture, or of a texture in one
colour. A small stand-in for Broden's colours and textures: what is not among these few
concepts cannot be found with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from jiqa.analysis.explain.concepts import Concept, Labelled

_COLOURS = {
    "red": (0.85, 0.1, 0.1),
    "orange": (0.95, 0.55, 0.1),
    "yellow": (0.95, 0.9, 0.15),
    "green": (0.15, 0.65, 0.2),
    "cyan": (0.2, 0.8, 0.85),
    "blue": (0.15, 0.25, 0.85),
    "purple": (0.55, 0.2, 0.7),
    "pink": (0.95, 0.6, 0.75),
    "brown": (0.45, 0.28, 0.12),
    "white": (0.98, 0.98, 0.98),
    "black": (0.03, 0.03, 0.03),
}

_Pattern = Callable[[np.ndarray, np.ndarray, float, np.random.Generator], np.ndarray]


def _stripes(angle: float) -> _Pattern:
    def draw(
        y: np.ndarray, x: np.ndarray, period: float, rng: np.random.Generator
    ) -> np.ndarray:
        along = np.cos(angle) * y + np.sin(angle) * x
        return (np.sin(2 * np.pi * (along / period + rng.random())) > 0).astype(float)

    return draw


def _checks(
    y: np.ndarray, x: np.ndarray, period: float, rng: np.random.Generator
) -> np.ndarray:
    return ((y // (period / 2) + x // (period / 2)) % 2).astype(float)


def _dots(
    y: np.ndarray, x: np.ndarray, period: float, rng: np.random.Generator
) -> np.ndarray:
    dy, dx = y % period - period / 2, x % period - period / 2
    return (np.hypot(dy, dx) < 0.3 * period).astype(float)


def _grid(
    y: np.ndarray, x: np.ndarray, period: float, rng: np.random.Generator
) -> np.ndarray:
    return ((y % period < 0.25 * period) | (x % period < 0.25 * period)).astype(float)


def _noise(
    y: np.ndarray, x: np.ndarray, period: float, rng: np.random.Generator
) -> np.ndarray:
    return rng.random(y.shape)


_TEXTURES: Mapping[str, _Pattern] = {
    "horizontal stripes": _stripes(0.0),
    "vertical stripes": _stripes(np.pi / 2),
    "falling stripes": _stripes(-np.pi / 4),
    "rising stripes": _stripes(np.pi / 4),
    "checks": _checks,
    "dots": _dots,
    "grid": _grid,
    "noise": _noise,
}


class DrawnConcepts:
    """Colours and textures at random positions; the same for the same seed.

    Attributes:
        concepts: colours first, then textures, from 1.
    """

    def __init__(
        self, images: int = 120, *, side: int = 112, shapes: int = 4, seed: int = 0
    ) -> None:
        """Decide what will be drawn.

        Args:
            images: how many.
            side: of each, in pixels.
            shapes: on each image.
            seed: of all that is random.
        """
        self._images, self._side = images, side
        self._shapes, self._seed = shapes, seed
        colours = [Concept(name, "colour") for name in _COLOURS]
        textures = [Concept(name, "texture") for name in _TEXTURES]
        self.concepts = dict(enumerate([*colours, *textures], 1))

    def __len__(self) -> int:
        """Return the number of images."""
        return self._images

    def __iter__(self) -> Iterator[Labelled]:
        """Draw them."""
        for number in range(self._images):
            yield self._draw(np.random.default_rng((self._seed, number)))

    def _draw(self, rng: np.random.Generator) -> Labelled:
        side = self._side
        y, x = np.mgrid[:side, :side].astype(float)
        image = np.full((side, side, 3), rng.uniform(0.35, 0.65))
        labels = np.zeros((2, side, side), np.int32)
        for _ in range(self._shapes):
            inside = _shape(y, x, side, rng)
            kind = rng.integers(3)  # colour, texture, or both
            colour = rng.integers(len(_COLOURS)) if kind != 1 else None
            paint = np.ones(3)
            labels[:, inside] = 0
            if colour is not None:
                paint = np.array(list(_COLOURS.values())[colour])
                labels[0, inside] = colour + 1
            pattern = np.ones((side, side))
            if kind:
                texture = rng.integers(len(_TEXTURES))
                draw = list(_TEXTURES.values())[texture]
                pattern = 0.15 + 0.85 * draw(y, x, rng.uniform(6, 14), rng)
                labels[1, inside] = len(_COLOURS) + 1 + texture
            image[inside] = (pattern[..., None] * paint)[inside]
        image += rng.normal(0, 0.02, image.shape)
        return Labelled(
            np.clip(image, 0, 1).astype(np.float32),
            labels,
            frozenset(("colour", "texture")),
        )


def _shape(
    y: np.ndarray, x: np.ndarray, side: int, rng: np.random.Generator
) -> np.ndarray:
    """A disc or a rectangle, as a mask."""
    row, column = rng.uniform(0.1, 0.9, 2) * side
    high, wide = rng.uniform(0.12, 0.3, 2) * side
    if rng.random() < 0.5:
        return np.hypot(y - row, x - column) < high
    return (abs(y - row) < high) & (abs(x - column) < wide)
