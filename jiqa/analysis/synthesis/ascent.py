"""Ascent of a score among the images that a constraint allows.

Each step moves the image along a conjugate direction (E. Polak and G. Ribiere, 1969) by
a length in parts of a given unit, and brings it back to the constraint. A step that
does not improve the score is not taken, and the next one is shorter; after a step that
does, the next one is longer. So the score never gets worse, also of metrics with kinks,
and no length has to be tuned for an image or a metric.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.analysis.synthesis.constraints import Constraint
from jiqa.checks import expected

#: By how much the next step is longer after one that improved the score, or shorter.
_LONGER, _SHORTER = 1.3, 0.4
#: The longest and the shortest step, in parts of the unit; shorter ones move nothing
#: that float32 resolves.
_LONGEST, _SHORTEST = 1.0, 1e-6


class _State(NamedTuple):
    image: Array
    score: Array
    slope: Array
    around: Any
    length: Array
    before: Array
    direction: Array


@dataclass(frozen=True)
class Ascent:
    """An ascent and its course.

    Attributes:
        image: the last image ``[H, W, C]``.
        scores: of the start, and after each step ``[steps + 1]``.
        lengths: of each step that was tried, in parts of the unit; the first is 0.
        taken: whether it improved the score; of the start ``True``.
        held: the score that the constraint holds, as ``scores``; ``nan`` without one.
    """

    image: np.ndarray
    scores: np.ndarray
    lengths: np.ndarray
    taken: np.ndarray
    held: np.ndarray


class Climber:
    """Climbs scores; compiled once for each shape, for both signs."""

    def __init__(
        self,
        score: Callable[..., Array],
        constraint: Callable[..., Constraint],
        *,
        conjugate: bool = True,
    ) -> None:
        """Take what is climbed and what is kept.

        Args:
            score: gives ``(image, *others)`` a score.
            constraint: gives ``(*others)`` the constraint.
            conjugate: whether steps learn from the ones before; without it, they go
                along the gradient.
        """
        self._score, self._constraint = score, constraint
        self._conjugate = conjugate
        self._step = jax.jit(self._stepped)

    def climb(
        self,
        start: Array,
        *others: Array,
        rises: bool,
        steps: int,
        rate: float,
        unit: float,
        on_step: Callable[[int], None] | None = None,
    ) -> Ascent:
        """Move an image to where its score is high, or low.

        Args:
            start: an image ``[H, W, C]`` that meets the constraint.
            others: what score and constraint also take.
            rises: whether the score shall rise, or fall.
            steps: at most, each with one gradient of the score. It ends earlier where
                steps have become too short to matter.
            rate: length of the first step, in parts of ``unit``.
            unit: a length of images, such as the distance from a reference.
            on_step: called after each step with how many are done, and for those that
                are left where it ends earlier.

        Raises:
            ValueError: the start has no finite score, or does not meet the constraint.
        """
        length = jnp.asarray(rate, start.dtype)
        sign = jnp.asarray(1.0 if rises else -1.0, start.dtype)
        scale = jnp.asarray(unit, start.dtype)
        # The first step has no length: it only finds out about the start.
        none = jnp.zeros_like(start)
        kept = self._constraint(*others)
        around = kept.unknown(start)
        state = _State(start, -sign * jnp.inf, none, around, 0 * length, none, none)
        state, known = self._step(state, sign, scale, *others)
        if not known:
            got = f"{float(state.score)}"
            raise ValueError(expected("start", "an image with a finite score", got))
        state = state._replace(length=length, direction=none)
        scores, lengths, taken = [float(state.score)], [0.0], [True]
        held = [float(kept.held(state.around))]
        for number in range(steps):
            tried = float(state.length)
            state, better = self._step(state, sign, scale, *others)
            scores.append(float(state.score))
            lengths.append(tried)
            taken.append(bool(better))
            held.append(float(kept.held(state.around)))
            if on_step is not None:
                on_step(number + 1)
            if float(state.length) < _SHORTEST:
                break
        if on_step is not None:
            for number in range(len(scores), steps + 1):
                on_step(number)
        return Ascent(
            np.asarray(state.image),
            np.asarray(scores),
            np.asarray(lengths),
            np.asarray(taken),
            np.asarray(held),
        )

    def _stepped(
        self, state: _State, sign: Array, unit: Array, *others: Array
    ) -> tuple[_State, Array]:
        kept = self._constraint(*others)
        uphill = kept.along(state.image, sign * state.slope, state.around)
        direction = uphill
        if self._conjugate:
            earlier = jnp.vdot(state.before, state.before)
            more = jnp.vdot(uphill, uphill - state.before)
            share = jnp.where(earlier > 0, more / jnp.maximum(earlier, 1e-30), 0)
            share = jnp.maximum(share, 0)
            bent = uphill + share * state.direction
            bent = kept.along(state.image, bent, state.around)
            direction = jnp.where(jnp.vdot(bent, uphill) > 0, bent, uphill)
        norm = jnp.sqrt(jnp.vdot(direction, direction))
        move = state.length * unit * direction / jnp.maximum(norm, 1e-30)
        image, holds, around = kept.back(state.image + move)
        score, slope = jax.value_and_grad(self._score)(image, *others)
        better = holds & jnp.isfinite(score) & (sign * (score - state.score) > 0)
        longer = jnp.minimum(_LONGER * state.length, _LONGEST)
        gone = _State(image, score, slope, around, longer, uphill, direction)
        none = jnp.zeros_like(image)
        stayed = state._replace(
            length=_SHORTER * state.length, before=none, direction=none
        )
        chosen = jax.tree.map(lambda a, b: jnp.where(better, a, b), gone, stayed)
        return chosen, better
