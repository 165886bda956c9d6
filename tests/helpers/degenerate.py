"""Scores of flat images by the rules that the metrics document, worked out by hand.

The authors' code gives NaN for most of these pairs, or a number that is nothing but
the rounding of its transform. Flat images have one grey level, ``halfflat`` is flat on
the left and a ramp on the right, and all are of 192 x 192.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jiqa.metrics.no_reference.niqe import whitening
from jiqa.ops.filters import correlate, gaussian_taps
from jiqa.ops.resize import imresize
from jiqa.ops.shipped_tables import shipped_table

SIDE = 192

#: What a pair scores, or the lowest and the highest that it may.
Value = float | tuple[float, float]

#: Where the authors' code does give a number, made of its transform's rounding alone:
#: an error without contrast that their threshold lets pass, bands that are not quite 0.
ROUNDING = {
    ("vsnr", "flat128", "flat128"),
    ("vsnr", "flat128", "flat140"),
    ("cw_ssim", "halfflat", "flat128"),
    ("cw_ssim", "flat128", "halfflat"),
    ("cw_ssim", "halfflat", "halfflat_bars"),
}


@functools.cache
def documented() -> Mapping[str, Mapping[tuple[str, str], Value]]:
    """By metric and (reference, distorted): what the metric's docstring says of it."""
    twice, other, contrary = (
        ("flat128", "flat128"),
        ("flat128", "flat140"),
        ("black", "white"),
    )
    black = ("black", "black")
    fades, rises = ("halfflat", "flat128"), ("flat128", "halfflat")
    bars = ("halfflat", "halfflat_bars")
    flat = (twice, other, contrary, black)
    alone = [("", name) for name in ("flat128", "flat140", "black", "white")]
    inf = math.inf
    return {
        # Where nothing has phase congruency or is salient, the plain mean.
        "fsim": {p: _fsim(*_greys(p)) for p in flat},
        "vsi": {p: _vsi(*_greys(p)) for p in flat},
        "sr_sim": {p: _sr_sim(*_greys(p)) for p in flat},
        # A window that is empty in both images counts as 1, one in a single image 0.
        # Of the eight orientations the one along the columns is empty in the ramp too.
        # Of bars of 8 rows the level of the bands shows nothing.
        "cw_ssim": dict.fromkeys(flat, 1.0)
        | dict.fromkeys((fades, rises), 1 / 8)
        | {bars: (0.9999, 1.0)},
        # Flat images differ in the luminance of the coarsest band alone.
        "iw_ssim": {p: _coarsest_luminance(*_greys(p)) for p in flat},
        # A product: 0 where one band is equal. So are the inner samples of the coarsest
        # one with bars and without, whose 8 bright rows and 8 dark ones average out.
        "iw_mse": dict.fromkeys((*flat, bars), 0.0),
        "iw_psnr": dict.fromkeys((*flat, bars), 1000.0),
        # Without information: 1 if the images differ in brightness alone, else 0.
        "vif": dict.fromkeys(flat, 1.0) | dict.fromkeys((fades, rises), 0.0),
        "vifp": dict.fromkeys(flat, 1.0) | dict.fromkeys((fades, rises), 0.0),
        "ifc": dict.fromkeys((*flat, fades, rises), 0.0),
        # Neither image shows anything; only the distorted one does.
        "nqm": dict.fromkeys(flat, inf) | {rises: -inf},
        "wsnr": {black: inf},
        "snr": {black: inf},
        "haarpsi": {black: 1.0},
        # A flat error is below every threshold and counts by its mean luminance. On a
        # reference without contrast any other error is visible.
        "vsnr": {p: _vsnr(*_greys(p)) for p in flat} | {rises: -inf},
        "niqe": dict.fromkeys(alone, _niqe()),
        "brisque": dict.fromkeys(alone, (102.0, 117.0)),
    }


def _greys(pair: tuple[str, str]) -> tuple[float, float]:
    levels = {"black": 0.0, "white": 255.0, "flat128": 128.0, "flat140": 140.0}
    return levels[pair[0]], levels[pair[1]]


def _gradient(grey: float) -> np.ndarray:
    """Scharr gradient of a flat image with black around it: its border alone."""
    out = np.zeros((SIDE, SIDE))
    out[[0, -1], :] = out[:, [0, -1]] = grey
    out[[0, 0, -1, -1], [0, -1, 0, -1]] = math.sqrt(2) * 13 / 16 * grey
    return out


def _similar(
    a: np.ndarray | float, b: np.ndarray | float, constant: float
) -> np.ndarray:
    return np.asarray((2 * a * b + constant) / (a * a + b * b + constant))


def _fsim(a: float, b: float) -> float:
    return float(_similar(_gradient(a), _gradient(b), 160).mean())


def _vsi(a: float, b: float) -> float:
    gradient = _similar(_gradient(0.96 * a), _gradient(0.96 * b), 386)
    m, n = 0.30 + 0.04 - 0.35, 0.34 - 0.60 + 0.17
    chroma = _similar(m * a, m * b, 130) * _similar(n * a, n * b, 130)
    return float((gradient**0.4 * chroma**0.02).mean())


def _sr_sim(a: float, b: float) -> float:
    """Of the spectrum one frequency is there: the residual is flat but for the blur.

    Black has none, and is salient nowhere.
    """
    with jax.enable_x64(True):
        taps = gaussian_taps(10, 3.8)
        small = correlate(jnp.ones((SIDE // 4, SIDE // 4)), taps, taps, "zero")
        small = (small - small.min()) / (small.max() - small.min())
        salient = np.asarray(imresize(small, size=(SIDE, SIDE)))
    v, w = (salient if grey > 0 else np.zeros((SIDE, SIDE)) for grey in (a, b))
    weight = np.maximum(v, w)
    gradient = _similar(_gradient(a), _gradient(b), 225)
    quality = _similar(v, w, 0.40) * np.sqrt(gradient)
    if not weight.any():
        return float(quality.mean())
    return float((quality * weight).sum() / weight.sum())


def _coarsest_luminance(a: float, b: float) -> float:
    """The pyramid's low-pass doubles at each of four steps; the weights add to 1."""
    exponent = 0.1333 / (0.0448 + 0.2856 + 0.3001 + 0.2363 + 0.1333)
    return float(_similar(16 * a, 16 * b, (0.01 * 255) ** 2)) ** exponent


def _vsnr(a: float, b: float) -> float:
    """20 (m / |change| - log10 1.5), of luminance that goes with grey to the 2.2."""
    if a == b:
        return math.inf
    mean, changed = a**2.2, b**2.2
    return 20 * (mean / abs(changed - mean) - math.log10(1.5))


def _niqe() -> float:
    """All shapes are the first of the grid, all else is 0; the blocks do not vary."""
    statistics = np.zeros(36)
    statistics[[18 * s + k for s in (0, 1) for k in (0, 2, 6, 10, 14)]] = 0.2
    pristine = shipped_table("niqe")
    away = whitening(pristine["covariance"]) @ (statistics - pristine["mean"])
    return math.sqrt(2 * float(away @ away))
