"""Fewer grey levels: quantisation by Otsu's thresholds for many classes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected
from jiqa.core.images import is_traced
from jiqa.distortions.operations.rounding import from_levels, to_levels
from jiqa.distortions.operations.tones import histogram
from jiqa.ops.numerics import safe_divide

#: Most thresholds that MATLAB's ``multithresh`` finds.
MATLAB_MOST = 20


def quantise(image: Array, count: Any, *, most: int | None = None) -> Array:
    """Merge the levels between ``count`` thresholds (RankIQA's quantisation noise).

    MATLAB's ``multithresh`` finds the thresholds t in all channels together. Samples
    above the k-th of them and not above the next become that next one, the lowest 0
    and the highest 255: ``imquantize`` with the values ``[0, t_2, ..., t_N, 255]``.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        count: number of thresholds N, 1 to 255; may be traced if ``most`` is given.
        most: the largest ``count`` that a traced one can take.
    """
    levels = to_levels(image)
    thresholds = otsu_thresholds(levels, count, most=most)
    return from_levels(_next_threshold(levels, thresholds, thresholds))


def quantise_unrounded(image: Array, count: Any) -> Array:
    """``quantise`` of samples with fractions, by 1 to 20 thresholds (KADID-10k).

    The thresholds are found in whole levels that are not spread over the range first:
    KADID-10k's generator hands over images that fill it.
    """
    levels = to_levels(image)
    thresholds = otsu_thresholds(levels, count, most=MATLAB_MOST, spread=False)
    # A little room: a sample that is a whole level must not pass its own threshold.
    return _next_threshold(image * 255, thresholds + 1e-3, thresholds) / 255


def _next_threshold(samples: Array, limits: Array, thresholds: Array) -> Array:
    """Of every sample the threshold that follows those whose limits it exceeds.

    Below the lowest limit it becomes 0, above the highest 255.
    """
    ends = jnp.asarray([0, 255], samples.dtype)
    between = jnp.minimum(thresholds[1:], 255)
    values = jnp.concatenate([ends[:1], between, ends[1:]])
    return values[(samples[..., None] > limits).sum(-1)]


def otsu_thresholds(
    levels: Array, count: Any, *, most: int | None = None, spread: bool = True
) -> Array:
    """The thresholds that divide levels 0..255 with the least variance within classes.

    Otsu 1979 for ``count`` + 1 classes, each above one threshold and not above the
    next. MATLAB's ``multithresh`` searches from an even start and may stop at a local
    optimum; this is the global one, see ``class_begins``. On three photographs its
    thresholds lay 2 to 15 levels away on average, the quantised images within 1.1 dB
    PSNR.

    Args:
        levels: whole numbers 0..255 of any shape.
        count: number of thresholds; may be traced if ``most`` is given.
        most: length of the result, ``count`` by default.
        spread: spread the levels over 0..255 first and bring the thresholds back, as
            ``multithresh`` does.

    Returns:
        ``[most]``, ascending, whole numbers; infinity from ``count`` on.

    Raises:
        ValueError: a count or a length out of range.
    """
    most = int(count) if most is None else most
    if not 1 <= most <= 255:
        raise ValueError(expected("most", "1 to 255 thresholds", repr(most)))
    if not is_traced(count) and not 1 <= count <= most:
        raise ValueError(expected("count", f"1 to {most} thresholds", repr(count)))
    low, width = jnp.zeros((), levels.dtype), jnp.asarray(255, levels.dtype)
    if spread:
        low, high = levels.min(), levels.max()
        width = jnp.maximum(high - low, 1)
        levels = jnp.floor((levels - low) / width * 255 + 0.5)
    begins = class_begins(histogram(levels), count, most, levels.dtype)
    thresholds = (begins - 1).astype(levels.dtype) / 255 * width
    reached = jnp.arange(most) < count
    return jnp.where(reached, jnp.floor(low + thresholds + 0.5), jnp.inf)


def class_begins(counts: Array, count: Any, most: int, dtype: Any) -> Array:
    """Where the classes begin that keep most of the variance between them.

    Otsu's choice, exactly, by dynamic programming over the ends of the classes. Where
    empty levels leave a choice, the lowest is taken.

    Args:
        counts: how often each of the levels 0..255 occurs ``[256]``.
        count: number of divisions, one less than classes; may be traced.
        most: length of the result.
        dtype: in which to compute.

    Returns:
        ``[most]`` levels, ascending: the first of each class but the lowest; 256 from
        ``count`` on.
    """
    gain = _between_variance(counts, dtype)

    def extend(best: Array, _: None) -> tuple[Array, Array]:
        """Best division of 0..b into one class more, and where its last begins."""
        value = best[:, None] + gain
        return value.max(0), value.argmax(0)

    _, starts = jax.lax.scan(extend, gain[0], None, length=most)

    def trace(end: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        """From the last class to the first: where each begins."""
        index, start = step
        begin = jnp.where(index < count, start[end], end)
        return begin, begin

    index = jnp.arange(most)
    _, begins = jax.lax.scan(trace, jnp.asarray(256), (index, starts), reverse=True)
    return begins


def _between_variance(counts: Array, dtype: jnp.dtype) -> Array:
    """Share in the variance between classes of each class a..b-1, ``[257, 257]``.

    Empty classes give 0, those that end before they begin minus infinity.
    """
    share = counts.astype(dtype) / counts.sum().astype(dtype)
    grey = jnp.arange(256).astype(dtype)
    # About the mean: the squares of small numbers keep more digits.
    grey = grey - (share * grey).sum()
    zero = jnp.zeros(1, dtype)
    mass = jnp.concatenate([zero, jnp.cumsum(share)])
    moment = jnp.concatenate([zero, jnp.cumsum(share * grey)])
    mass = mass[None, :] - mass[:, None]
    moment = moment[None, :] - moment[:, None]
    ends = jnp.arange(257)
    forward = ends[None, :] > ends[:, None]
    gain = safe_divide(jnp.square(moment), jnp.where(forward, mass, 0))
    return jnp.where(forward, gain, -jnp.inf)
