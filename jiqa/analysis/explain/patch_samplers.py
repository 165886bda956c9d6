"""Samplers of contents that could replace a window of an image.

The conditional sampler draws from a Gaussian of small patches, given the pixels around
the window (L. M. Zintgraf et al., "Visualizing deep neural network decisions:
prediction difference analysis", ICLR 2017, arXiv:1702.04595, sec. 3.1); the marginal
one takes windows of other images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from jiqa.checks import expected


class PatchSampler(Protocol):
    """Draws contents of a window."""

    window: int

    def sample(
        self,
        image: np.ndarray,
        row: int,
        column: int,
        samples: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw contents ``[samples, window, window, C]`` for one window."""
        ...


class MarginalSampler:
    """Windows of other images, from random positions, whatever is around them."""

    def __init__(self, images: Sequence[np.ndarray], window: int = 10) -> None:
        """Take from ``images``, each ``[H, W, C]`` in [0, 1]."""
        self.window, self._images = window, _large_enough(images, window)

    def sample(
        self,
        image: np.ndarray,
        row: int,
        column: int,
        samples: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """See ``PatchSampler``."""
        return _random_patches(
            self._images, self.window, samples, image.shape[-1], rng
        ).astype(image.dtype)


class ConditionalSampler:
    """Windows that fit what is around them, by a Gaussian for each channel.

    A patch is the window with ``padding`` pixels on every side, moved inwards at the
    image's border. Of its pixels x, those of the window given the others are normal
    with mean m1 + S12 S22^-1 (x2 - m2) and covariance S11 - S12 S22^-1 S21. Samples are
    clipped to what each pixel of the patches had at least and at most.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        window: int = 10,
        *,
        padding: int = 2,
        patches: int = 20000,
        ridge: float = 1e-6,
        seed: int = 0,
    ) -> None:
        """Fit the Gaussians.

        Args:
            images: ``[H, W, C]`` in [0, 1], of which patches are taken.
            window: side of the window (the authors': 10).
            padding: pixels around it that the patch has (theirs: 2).
            patches: how many are taken (theirs: at least 20,000).
            ridge: added to the variances, which are singular for few or flat images.
            seed: of the positions of the patches.
        """
        self.window, self._side = window, window + 2 * padding
        rng = np.random.default_rng(seed)
        large = _large_enough(images, self._side)
        taken = _random_patches(large, self._side, patches, 3, rng)
        flat = taken.reshape(len(taken), -1, 3)
        self._low, self._high = flat.min(0), flat.max(0)
        self._mean = flat.mean(0)
        centred = flat - self._mean
        size = flat.shape[1]
        self._covariance = [
            c.T @ c / len(c) + ridge * np.eye(size) for c in np.moveaxis(centred, -1, 0)
        ]
        self._known: dict[tuple[int, int], list[tuple[np.ndarray, np.ndarray]]] = {}

    def sample(
        self,
        image: np.ndarray,
        row: int,
        column: int,
        samples: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """See ``PatchSampler``."""
        side, window = self._side, self.window
        if min(image.shape[:2]) < side:
            wanted = f"at least {side} pixels per side, the window with its padding"
            raise ValueError(expected("image", wanted, f"shape {image.shape}"))
        margin = (side - window) // 2
        top, left = (
            min(max(place - margin, 0), size - side)
            for place, size in zip((row, column), image.shape[:2], strict=True)
        )
        inner = row - top, column - left
        inside = self._inside(inner)
        patch = image[top : top + side, left : left + side].reshape(side * side, -1)
        drawn = np.empty((samples, window * window, image.shape[-1]))
        for channel in range(image.shape[-1]):
            gain, root = self._conditional(inner)[channel]
            mean = self._mean[:, channel]
            around = patch[~inside, channel] - mean[~inside]
            noise = rng.normal(size=(samples, root.shape[0]))
            found = mean[inside] + gain @ around + noise @ root.T
            drawn[..., channel] = np.clip(
                found, self._low[inside, channel], self._high[inside, channel]
            )
        return drawn.reshape(samples, window, window, -1).astype(image.dtype)

    def _inside(self, inner: tuple[int, int]) -> np.ndarray:
        found = np.zeros((self._side, self._side), bool)
        row, column = inner
        found[row : row + self.window, column : column + self.window] = True
        return found.ravel()

    def _conditional(
        self, inner: tuple[int, int]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each channel the gain S12 S22^-1 and a root of the covariance."""
        if inner not in self._known:
            inside, found = self._inside(inner), []
            for whole in self._covariance:
                across = whole[np.ix_(inside, ~inside)]
                gain = np.linalg.solve(whole[np.ix_(~inside, ~inside)], across.T).T
                left = whole[np.ix_(inside, inside)] - gain @ across.T
                value, vector = np.linalg.eigh((left + left.T) / 2)
                found.append((gain, vector * np.sqrt(np.maximum(value, 0))))
            self._known[inner] = found
        return self._known[inner]


def _large_enough(images: Sequence[np.ndarray], side: int) -> list[np.ndarray]:
    found = [x for x in images if min(x.shape[:2]) >= side]
    if not found:
        raise ValueError(
            f"images: none of {len(images)} has at least {side} pixels per side, the "
            "size of a patch"
        )
    return found


def _random_patches(
    images: Sequence[np.ndarray],
    side: int,
    count: int,
    channels: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Cut patches ``[count, side, side, channels]`` at random from random images."""
    taken = np.empty((count, side, side, channels))
    for place, which in enumerate(rng.integers(len(images), size=count)):
        image = images[which]
        row, column = (rng.integers(n - side + 1) for n in image.shape[:2])
        taken[place] = image[row : row + side, column : column + side]
    return taken
