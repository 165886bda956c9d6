"""NIQE's model of good photographs, estimated from any folder of them."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.core.images import as_image, check_min_side, check_range, to_float
from jiqa.io.atomic import replacing
from jiqa.metrics.no_reference.niqe import block_statistics, distance, niqe, whitening

_FEATURES = 36
_log = logging.getLogger(__name__)


class Blocks(NamedTuple):
    """Sharp blocks of a photograph.

    Attributes:
        values: their parameters ``[N, 36]``, float64.
        known: which of them there are, bool ``[N, 36]``.
    """

    values: np.ndarray
    known: np.ndarray


@dataclass(frozen=True)
class Pristine:
    """A Gaussian of the statistics of blocks, as ``niqe`` measures from.

    Attributes:
        mean: ``[36]``, float64.
        covariance: ``[36, 36]``, float64.
        images: how many photographs it was estimated from.
        blocks: how many of their blocks.
        flat: treatment of flat areas, see ``niqe``.
        luma: the grey levels, see ``niqe``.
    """

    mean: np.ndarray
    covariance: np.ndarray
    images: int
    blocks: int
    flat: str = "snap"
    luma: str = "matlab"

    def score(self, image: Any) -> Array:
        """NIQE of one image ``[H, W, C]`` against this model; lower is better.

        uint8, uint16 or float in [0, 1]; sides of 96 or more. Compiled once a size.

        Raises:
            ValueError: no such image, or a smaller one.
        """
        return _score(self._arrays, _checked(image), self.flat, self.luma)

    @functools.cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return self.mean, whitening(self.covariance)

    def save(self, path: Path | str) -> None:
        """Write it as ``.npz``, under the names that the shipped model has."""
        with replacing(path) as draft, draft.open("wb") as file:
            np.savez(
                file,
                mean=self.mean,
                covariance=self.covariance,
                images=np.array(self.images),
                blocks=np.array(self.blocks),
                flat=np.array(self.flat),
                luma=np.array(self.luma),
            )


def load_pristine(path: Path | str) -> Pristine:
    """Read what ``Pristine.save`` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another file; names what is missing.
    """
    with np.load(path, allow_pickle=False) as file:
        missing = {"mean", "covariance", "images", "blocks", "flat", "luma"} - {*file}
        if missing:
            raise ValueError(
                f"{path}: not a model of NIQE, {', '.join(sorted(missing))} missing"
            )
        return Pristine(
            file["mean"],
            file["covariance"],
            int(file["images"]),
            int(file["blocks"]),
            str(file["flat"]),
            str(file["luma"]),
        )


def fit_niqe(
    images: Iterable[Any],
    *,
    sharp: float = 0.75,
    flat: str = "snap",
    luma: str = "matlab",
) -> Pristine:
    """Estimate NIQE's model from good photographs (Mittal et al. 2013, section II).

    As the authors' ``estimatemodelparam``: of each photograph the blocks count whose
    mean local deviation exceeds a share of the largest; the mean of every parameter is
    over the blocks that have it, the covariance over those that have all.

    Args:
        images: ``[H, W, C]`` each, uint8, uint16 or float in [0, 1]; one at a time, so
            a generator over a folder does. Sides of 96 or more; smaller ones are left
            out, and a warning is logged.
        sharp: the share; the authors' 0.75.
        flat: see ``niqe``.
        luma: see ``niqe``.

    Returns:
        The model; the authors took 125 photographs.

    Raises:
        ValueError: too few blocks for a covariance of 36 parameters, or an image that
            is none.
    """
    found = []
    for image in images:
        pixels = as_image(image, "image")
        if min(pixels.shape[:2]) < niqe.info.min_side:
            _log.warning("skipped an image of %dx%d", *pixels.shape[1::-1])
            continue
        found.append(sharp_blocks(pixels, sharp=sharp, flat=flat, luma=luma))
    return pristine_of(found, flat=flat, luma=luma)


def sharp_blocks(
    image: Any, *, sharp: float = 0.75, flat: str = "snap", luma: str = "matlab"
) -> Blocks:
    """The blocks of one photograph that count for the model; see ``fit_niqe``.

    Raises:
        ValueError: no such image, or a smaller one than 96.
    """
    pixels = _checked(image)
    # What is left over at the ends is not seen: so fewer sizes are compiled for.
    height, width = (n - n % niqe.info.min_side for n in pixels.shape[:2])
    found = _statistics(pixels[:height, :width], flat, luma)
    values, known, sharpness = (np.asarray(v) for v in found)
    chosen = sharpness > sharp * sharpness.max()
    return Blocks(values[chosen].astype(np.float64), known[chosen])


def pristine_of(
    photographs: Sequence[Blocks], *, flat: str = "snap", luma: str = "matlab"
) -> Pristine:
    """The model of several photographs' sharp blocks; see ``fit_niqe``.

    Raises:
        ValueError: too few blocks for a covariance of 36 parameters.
    """
    none = Blocks(np.zeros((0, _FEATURES)), np.zeros((0, _FEATURES), bool))
    values, known = map(np.concatenate, zip(none, *photographs, strict=True))
    complete, count = known.all(1), len(photographs)
    if complete.sum() <= _FEATURES:
        raise ValueError(
            expected(
                "photographs",
                f"more than {_FEATURES} sharp blocks",
                f"{int(complete.sum())} in {count} photographs",
            )
        )
    mean = np.where(known, values, 0).sum(0) / known.sum(0)
    covariance = np.cov(values[complete], rowvar=False)
    try:
        whitening(covariance)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"{int(complete.sum())} sharp blocks do not span all {_FEATURES} "
            "parameters; add photographs, or more varied ones"
        ) from error
    return Pristine(mean, covariance, count, len(values), flat, luma)


def _checked(image: Any) -> Array:
    pixels = as_image(image, "image")
    check_range(pixels, "image")
    check_min_side(pixels.shape, niqe.info.min_side, "niqe")
    return to_float(pixels)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _statistics(image: Array, flat: str, luma: str) -> Any:
    return block_statistics(image, flat=flat, luma=luma)


@functools.partial(jax.jit, static_argnums=(2, 3))
def _score(arrays: Any, image: Array, flat: str, luma: str) -> Array:
    found = block_statistics(image, flat=flat, luma=luma)
    return distance(found.values, found.known, *arrays)
