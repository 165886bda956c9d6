"""Where an image may move: at or within a distance, or at one score of a metric.

Every constraint also keeps samples in [0, 1]. It says along which direction an image
may move, and brings an image that has left back. All of it is traced inside ``jit``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array

#: Most rounds in which the samples that reach 0 or 1 are found; three usually do.
_ROUNDS = 24
#: By which share a squared distance may be missed: .004 dB.
_SLACK = 1e-3
#: The share of a tolerance that is aimed at: small errors of many steps do not add up.
_AIM = 0.01


class Constraint(Protocol):
    """What the images of an ascent have in common."""

    def unknown(self, image: Array) -> Any:
        """What stands for what ``back`` finds out, before it does."""
        ...

    def along(self, image: Array, direction: Array, around: Any) -> Array:
        """The part of a direction in which the image may move."""
        ...

    def held(self, around: Any) -> Array:
        """The score that is held constant, of the image that this is around."""
        ...

    def back(self, image: Array) -> tuple[Array, Array, Any]:
        """Bring an image back.

        Returns:
            The image, whether it meets the constraint, and what ``along`` needs to know
            of it.
        """
        ...


@dataclass(frozen=True)
class Distance:
    """Images whose squared distance from a centre is ``squared``, or is at most that.

    Attributes:
        centre: ``[H, W, C]`` in [0, 1].
        squared: sum of the squared differences of the samples.
        within: whether smaller distances are allowed too.
    """

    centre: Array
    squared: Array
    within: bool

    def unknown(self, image: Array) -> None:
        """Nothing else is needed."""

    def held(self, around: None) -> Array:
        """No score is held."""
        del around
        return jnp.asarray(jnp.nan)

    def along(self, image: Array, direction: Array, around: None) -> Array:
        """Leave out what would lead away from the sphere, or out of the ball."""
        del around
        outward = image - self.centre
        left = _without(image, direction, outward)
        if not self.within:
            return left
        inside = jnp.vdot(outward, outward) < (1 - _SLACK) * self.squared
        free = _inward(image, direction)
        returns = jnp.vdot(free, outward) < 0
        return jnp.where(inside | returns, free, left)

    def back(self, image: Array) -> tuple[Array, Array, None]:
        """The closest image at, or within, the distance."""
        found = at_distance(image, self.centre, self.squared, within=self.within)
        if self.within:
            return found, jnp.asarray(True), None
        reached = jnp.square(found - self.centre).sum() > (1 - _SLACK) * self.squared
        return found, reached, None


def at_distance(
    image: Array, centre: Array, squared: Array, *, within: bool = False
) -> Array:
    """The closest image in [0, 1] at a distance from a centre.

    It is the difference from the centre, multiplied by one factor, and cut off at 0 and
    1: that is what Lagrange's condition says. For a number of cut samples the factor
    is known, and it only rises as more of them are cut, so that few rounds find it.

    Args:
        image: ``[H, W, C]``, other than the centre.
        centre: ``[H, W, C]`` in [0, 1].
        squared: of the distance. One that no image in this direction has is not
            reached: all samples that differ are then 0 or 1.
        within: whether an image that is closer stays as it is, but for the cut.
    """
    difference = image - centre
    room = jnp.where(difference > 0, 1 - centre, -centre)

    def next_factor(_: int, factor: Array) -> Array:
        cut = jnp.abs(factor * difference) >= jnp.abs(room)
        beyond = jnp.square(jnp.where(cut, room, 0)).sum()
        free = jnp.square(jnp.where(cut, 0, difference)).sum()
        larger = jnp.sqrt(jnp.maximum(squared - beyond, 0) / jnp.maximum(free, 1e-30))
        return jnp.maximum(factor, larger)

    whole = jnp.square(difference).sum()
    factor = jnp.sqrt(squared / jnp.maximum(whole, 1e-30))
    factor = jax.lax.fori_loop(0, _ROUNDS, next_factor, factor)
    if within:
        factor = jnp.minimum(factor, 1)
    return jnp.clip(centre + factor * difference, 0, 1)


@dataclass(frozen=True)
class Level:
    """Images that a metric gives one score.

    Attributes:
        score: gives an image its score.
        level: the score.
        tolerance: how far from it a score may be.
        rounds: most steps of Newton's method by which an image is brought back.
    """

    score: Callable[[Array], Array]
    level: Array
    tolerance: Array
    rounds: int = 4

    def unknown(self, image: Array) -> tuple[Array, Array]:
        """The score, and its gradient."""
        return jnp.zeros_like(self.level), jnp.zeros_like(image)

    def held(self, around: tuple[Array, Array]) -> Array:
        """The score."""
        return around[0]

    def along(
        self, image: Array, direction: Array, around: tuple[Array, Array]
    ) -> Array:
        """Leave out what would change the score."""
        return _without(image, direction, around[1])

    def back(self, image: Array) -> tuple[Array, Array, tuple[Array, Array]]:
        """Move along the gradient until the score is the one it shall be."""
        both = jax.value_and_grad(self.score)

        def off(state: Any) -> Array:
            _, score, _, rounds = state
            far = jnp.abs(score - self.level) > _AIM * self.tolerance
            return far & (rounds < self.rounds)

        def closer(state: Any) -> Any:
            at, score, slope, rounds = state
            missing = self.level - score
            free = jnp.where(_leaves(at, missing * slope), 0, slope)
            way = missing / jnp.maximum(jnp.vdot(free, free), 1e-30) * free
            at = jnp.clip(at + way, 0, 1)
            return at, *both(at), rounds + 1

        at = jnp.clip(image, 0, 1)
        start = at, *both(at), jnp.asarray(0)
        at, score, slope, _ = jax.lax.while_loop(off, closer, start)
        return at, jnp.abs(score - self.level) <= self.tolerance, (score, slope)


def _leaves(image: Array, direction: Array) -> Array:
    """Which samples are at an end of [0, 1] and would leave it."""
    return ((image <= 0) & (direction < 0)) | ((image >= 1) & (direction > 0))


def _inward(image: Array, direction: Array) -> Array:
    return jnp.where(_leaves(image, direction), 0, direction)


def _without(image: Array, direction: Array, normal: Array) -> Array:
    """Drop the part along ``normal``, and what would leave [0, 1].

    The samples that are at an end of [0, 1] and would stay there take no part.
    """
    free = (image > 0) & (image < 1)
    share = jnp.vdot(jnp.where(free, direction, 0), normal) / jnp.maximum(
        jnp.vdot(jnp.where(free, normal, 0), normal), 1e-30
    )
    return _inward(image, direction - share * normal)
