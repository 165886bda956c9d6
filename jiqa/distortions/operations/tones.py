"""Brightness and contrast: distortions of each sample by its value."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.distortions.operations.rounding import from_levels, to_levels
from jiqa.ops.colour import lab_to_srgb, srgb_to_lab


def mean_shift(image: Array, levels: Any) -> Array:
    """Every sample brighter by ``levels`` of 255, saturated (RankIQA)."""
    return from_levels(to_levels(image) + jnp.asarray(levels, image.dtype))


def exposure(image: Array, shift: Any) -> Array:
    """``mean_shift`` by ``shift`` on the scale of [0, 1] (DBCNN)."""
    return mean_shift(image, 255 * jnp.asarray(shift, image.dtype))


def clipped_mean_shift(image: Array, shift: Any) -> Array:
    """``shift`` added to every sample, clipped to [0, 1] (KADID-10k)."""
    return jnp.clip(image + shift, 0, 1)


def scaled_contrast(image: Array, factor: Any) -> Array:
    """Every sample times ``factor``, saturated (RankIQA's ``ContrastChange``)."""
    return from_levels(to_levels(image) * jnp.asarray(factor, image.dtype))


def stretched_contrast(image: Array, limits: tuple[Any, Any]) -> Array:
    """``imadjust(image, stretchlim(image), limits)``: percentiles onto ``limits``.

    In each channel the 1st percentile goes to the lower limit and the 99th to the
    upper one, what lies between linearly, what lies outside is cut off. Narrow limits
    take the contrast away (DBCNN).

    Args:
        image: ``[H, W, C]`` in [0, 1].
        limits: the two ends of the output on [0, 1].
    """
    levels = to_levels(image)
    bottom, top = (jnp.asarray(limit, image.dtype) for limit in limits)
    count = image.shape[0] * image.shape[1]
    channels = []
    for channel in range(image.shape[-1]):
        plane = levels[..., channel]
        below = jnp.cumsum(histogram(plane))
        low = jnp.argmax(below > count // 100)
        high = jnp.argmax(below >= -(-99 * count // 100))
        flat = low == high
        low = jnp.where(flat, 0, low).astype(plane.dtype)
        high = jnp.where(flat, 255, high).astype(plane.dtype)
        share = (jnp.clip(plane, low, high) - low) / (high - low)
        channels.append(share * (top - bottom) + bottom)
    return from_levels(jnp.stack(channels, -1) * 255)


def histogram(levels: Array) -> Array:
    """How often each of the whole numbers 0..255 occurs, ``[256]``, integer."""
    return jnp.bincount(levels.astype(jnp.int32).reshape(-1), length=256)


def brighten(image: Array, amount: Any) -> Array:
    """Mid-tones up: the parabola through (0.5, 0.5 + ``amount`` / 2) (KADID-10k).

    Colour: two parts of the curve on R, G, B and one of the curve on L* / 100.
    """
    curve = functools.partial(tone_curve, places=[0.5], heights=[0.5 + amount / 2])
    curved = curve(image)
    if image.shape[-1] == 1:
        return curved
    lab = srgb_to_lab(image)
    light = curve(lab[..., :1] / 100) * 100
    lighter = lab_to_srgb(jnp.concatenate([light, lab[..., 1:]], -1))
    return (2 * curved + jnp.clip(lighter, 0, 1)) / 3


def darken(image: Array, amount: Any) -> Array:
    """Mid-tones down: the parabola through (0.5, 0.5 - ``amount`` / 2) on R, G, B."""
    return tone_curve(image, [0.5], [0.5 - amount / 2])


def s_curve(image: Array, amount: Any) -> Array:
    """The curve that takes 0.3 and 0.7 to 0.25 - ``amount`` / 4 and 0.75 + it.

    Contrast rises above ``amount`` = -0.2, where the curve is the identity, and falls
    below it (KADID-10k).
    """
    low, high = 0.25 - amount / 4, 0.75 + amount / 4
    return tone_curve(image, [0.3, 0.5, 0.7], [low, 0.5, high])


def tone_curve(
    x: Array, places: Sequence[float], heights: Sequence[float | Array]
) -> Array:
    """Cubic spline through (0, 0), inner points and (1, 1), clipped to [0, 1].

    MATLAB's ``spline``, with its not-a-knot ends; through three points a parabola.

    Args:
        x: any shape, in [0, 1].
        places: abscissas of the inner points, increasing.
        heights: their ordinates; may be traced.
    """
    # A spline is linear in its ordinates; the first point's is 0.
    knots, weights = _spline(tuple(places))
    ordinates = jnp.stack([jnp.asarray(h, x.dtype) for h in (*heights, 1.0)])
    coefficients = (jnp.asarray(weights, x.dtype) * ordinates).sum(-1)
    out = None
    for start, (a, b, c, d) in zip(knots, coefficients, strict=True):
        t = x - float(start)
        segment = ((a * t + b) * t + c) * t + d
        out = segment if out is None else jnp.where(t >= 0, segment, out)
    assert out is not None
    return jnp.clip(out, 0, 1)


@functools.lru_cache(maxsize=64)
def _spline(places: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Where segments start; ``[segments, 4, points]``: coefficients of ordinates."""
    from scipy.interpolate import CubicSpline

    x = np.array([0.0, *places, 1.0])
    curve = CubicSpline(x, np.eye(x.size)[:, 1:], bc_type="not-a-knot")
    return curve.x[:-1], curve.c.swapaxes(0, 1)
