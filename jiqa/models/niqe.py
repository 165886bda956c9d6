"""NIQE with its model of pristine photographs fitted to any folder of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.images import as_image, check_min_side, check_range, to_float
from jiqa.metrics.no_reference.niqe import block_statistics, distance, niqe, whitening
from jiqa.models.model import Model, Variables

_FEATURES = 36


@dataclass(frozen=True)
class Config:
    """Settings of the fit.

    Attributes:
        sharp: share of the largest local deviation in a photograph that the blocks
            must exceed which count; the authors' 0.75.
        flat: treatment of flat areas, see ``jiqa.metrics.niqe``.
        luma: the grey levels, see ``jiqa.metrics.niqe``.
    """

    sharp: float = 0.75
    flat: str = "snap"
    luma: str = "matlab"

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ValueError: names the field, what was expected and what was given.
        """
        if not 0 <= self.sharp < 1:
            raise ValueError(expected("sharp", "from 0 to below 1", repr(self.sharp)))
        one_of("flat", self.flat, "snap", "authors")
        one_of("luma", self.luma, "matlab", "bt601")


class Blocks(NamedTuple):
    """Sharp blocks of a photograph.

    Attributes:
        values: their parameters ``[N, 36]``, float64.
        known: which of them there are, bool ``[N, 36]``.
    """

    values: np.ndarray
    known: np.ndarray


def sharp_blocks(config: Config, image: Any) -> tuple[Blocks, dict[str, int]]:
    """Return the blocks of one photograph that count, and their number.

    As in the authors' ``estimatemodelparam`` those count whose mean local deviation
    exceeds a share of the largest.

    Args:
        config: the share, and how blocks are measured.
        image: ``[H, W, C]``, uint8, uint16 or float in [0, 1]; sides of 96 or more.

    Raises:
        ValueError: no such image, or a smaller one.
    """
    pixels = as_image(image, "image")
    check_range(pixels, "image")
    check_min_side(pixels.shape, niqe.info.min_side, "niqe")
    # What is left over at the ends is left out, so that fewer sizes are compiled.
    height, width = (n - n % niqe.info.min_side for n in pixels.shape[:2])
    whole = to_float(pixels)[:height, :width]
    found = _statistics(whole, config.flat, config.luma)
    values, known, sharpness = (np.asarray(v) for v in found)
    chosen = sharpness > config.sharp * sharpness.max()
    blocks = Blocks(values[chosen].astype(np.float64), known[chosen])
    return blocks, {"blocks": len(blocks.values)}


def gaussian(photographs: Sequence[Blocks]) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``[36]`` and covariance ``[36, 36]`` of all blocks (Mittal et al. 2013).

    The mean of every parameter is over the blocks that have it, the covariance over
    those that have all; the authors took 125 photographs.

    Raises:
        ValueError: too few blocks for a covariance of 36 parameters.
    """
    none = Blocks(np.zeros((0, _FEATURES)), np.zeros((0, _FEATURES), bool))
    values, known = map(np.concatenate, zip(none, *photographs, strict=True))
    complete = known.all(1)
    if complete.sum() <= _FEATURES:
        raise ValueError(
            expected(
                "photographs",
                f"more than {_FEATURES} sharp blocks",
                f"{int(complete.sum())} in {len(photographs)} photographs",
            )
        )
    mean = np.where(known, values, 0).sum(0) / known.sum(0)
    return mean, np.cov(values[complete], rowvar=False)


def fit(
    config: Config, photographs: Sequence[Blocks]
) -> tuple[Variables, dict[str, int]]:
    """Fit ``mean`` and ``whiten`` to all photographs' blocks, and count these.

    Raises:
        ValueError: too few blocks, or blocks that are too much alike.
    """
    mean, covariance = gaussian(photographs)
    blocks = sum(len(each.values) for each in photographs)
    try:
        whiten = whitening(covariance)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"{blocks} sharp blocks do not span all {_FEATURES} parameters; add "
            "photographs, or more varied ones"
        ) from error
    return Variables({"mean": mean, "whiten": whiten}, {}), {"blocks": blocks}


def init(key: Array, config: Config) -> Variables:
    """Return zeros of the right shapes."""
    return Variables({"mean": jnp.zeros(_FEATURES), "whiten": jnp.eye(_FEATURES)}, {})


def score(config: Config, variables: Variables, image: Array) -> Array:
    """Return the NIQE of one image ``[H, W, C]`` in [0, 1]; lower is better."""
    found = block_statistics(image, flat=config.flat, luma=config.luma)
    arrays = variables.params["mean"], variables.params["whiten"]
    return distance(found.values, found.known, *arrays)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _statistics(image: Array, flat: str, luma: str) -> Any:
    return block_statistics(image, flat=flat, luma=luma)


MODEL = Model(
    info=replace(
        niqe.info,
        fidelity="paper",
        fidelity_note=(
            "block statistics of the authors' code; the fit as in the paper"
        ),
    ),
    config_class=Config,
    init=init,
    score=score,
    min_side=lambda _: niqe.info.min_side,
    span=lambda _: niqe.info.range,
    statistics=sharp_blocks,
    fit=fit,
    stages={"photographs": {}},
)
