"""NIQE with a model of good photographs of one's own, as runs have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.metric import Info
from jiqa.metrics.no_reference.niqe import block_statistics, distance, niqe, whitening
from jiqa.models.model import Variables
from jiqa.models.parts.niqe_fit import Pristine

_FEATURES = 36

#: What is known of it, whatever photographs it was fitted to.
INFO = replace(
    niqe.info,
    fidelity="paper",
    fidelity_note="block statistics of the authors' code; the fit as in the paper",
)


@dataclass(frozen=True)
class Config:
    """What is fitted.

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
        """Refuse what cannot be fitted with.

        Raises:
            ValueError: names the field, what came and what is needed.
        """
        if not 0 <= self.sharp < 1:
            raise ValueError(expected("sharp", "from 0 to below 1", repr(self.sharp)))
        one_of("flat", self.flat, "snap", "authors")
        one_of("luma", self.luma, "matlab", "bt601")


class FittedNiqe:
    """What scores with a run of ``jiqa train niqe``; it has no network and no loss."""

    info: Info = INFO
    config_class = Config
    #: It chooses among no metrics, as models may.
    choose: Callable[..., Array] | None = None

    def options(self, stage: str, given: Mapping[str, Any]) -> Config:
        """Its configuration, as ``Model.options``; there is one stage."""
        return Config(**given)

    def init(self, key: Array, config: Config) -> Variables:
        """Arrays of the right shapes."""
        zeros = {"mean": jnp.zeros(_FEATURES), "whiten": jnp.eye(_FEATURES)}
        return Variables(zeros, {})

    def backbone(self, config: Config) -> None:
        """There is none."""

    def min_side(self, config: Config) -> int:
        """A block."""
        return niqe.info.min_side

    def span(self, config: Config) -> tuple[float, float]:
        """Lowest and highest score."""
        return self.info.range

    def score(self, config: Config, variables: Variables, image: Array) -> Array:
        """NIQE of one image ``[H, W, C]`` in [0, 1]; lower is better."""
        found = block_statistics(image, flat=config.flat, luma=config.luma)
        arrays = variables.params["mean"], variables.params["whiten"]
        return distance(found.values, found.known, *arrays)


#: The one there is.
FITTED = FittedNiqe()


def arrays_of(pristine: Pristine) -> dict[str, np.ndarray]:
    """What a run's file holds."""
    return {"mean": pristine.mean, "whiten": whitening(pristine.covariance)}
