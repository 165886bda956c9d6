"""SSIMULACRA 2 in NumPy, double precision, written apart from the metric.

The window is computed from its definition, filters are SciPy's and scales are kept as
whole images ``[H, W, 3]``. The weights alone are the metric's: they are data.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d

from jiqa.metrics.parts.ssimulacra2_weights import WEIGHTS

_OPSIN = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
    ]
)
_BIAS = 0.0037930732552754493


def window(sigma: float = 1.5) -> np.ndarray:
    """The sum of three cosines of Charalampidis (2016), eq. 33 to 57, as a filter.

    Its sum is 1 and its variance sigma^2; the third condition is on its spectrum.
    """
    radius = round(3.2795 * sigma + 0.2546)
    omega = np.array([1, 3, 5]) * np.pi / (2 * radius)
    sign = np.array([1, -1, 1])
    p = sign / np.tan(omega / 2)
    r = sign * p**2 / np.sin(omega)
    rho = np.exp(-(sigma**2) * omega**2 / 2) / radius
    zeta = np.cross(p, r)
    zeta = zeta / zeta[2]
    conditions = np.array([p, r, zeta])
    wanted = [1, radius**2 - sigma**2, zeta @ rho]
    amplitudes = np.linalg.solve(conditions, wanted)
    return np.cos(np.outer(np.arange(-radius, radius + 1), omega)) @ amplitudes


def score(reference: np.ndarray, distorted: np.ndarray) -> float:
    """The score of two images ``[H, W, C]`` in [0, 1]."""
    pair = [
        linear(np.broadcast_to(x, (*x.shape[:2], 3))) for x in (reference, distorted)
    ]
    norms = []
    while len(norms) < 6:
        if norms:
            if min(pair[0].shape[:2]) < 8:
                break
            pair = [_half(x) for x in pair]
        norms.append(_norms(*map(xyb, pair)))
    # [scale, channel, norm, map] in the order of the weights.
    values = np.moveaxis(np.array(norms), 1, 0).ravel()
    error = 0.9562382616834844 * float(values @ np.ravel(WEIGHTS)[: values.size])
    error = np.polyval(
        [6.248496625763138e-5, -0.020884521182843837, 2.326765642916932, 0], error
    )
    return float(100 - 10 * max(error, 0) ** 0.6276336467831387)


def maps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Structure, ringing and blurring of two images ``[H, W, 3]`` in XYB."""
    mx, my = _blur(x), _blur(y)
    xx, yy, xy = _blur(x * x), _blur(y * y), _blur(x * y)
    light = 1 - (mx - my) ** 2
    alike = 2 * (xy - mx * my) + 0.0009
    spread = (xx - mx * mx) + (yy - my * my) + 0.0009
    edges = (1 + abs(y - my)) / (1 + abs(x - mx)) - 1
    return (
        np.maximum(1 - light * alike / spread, 0),
        np.maximum(edges, 0),
        np.maximum(-edges, 0),
    )


def linear(x: np.ndarray) -> np.ndarray:
    return np.where(
        x <= 0.04045, x / 12.92, ((np.maximum(x, 0) + 0.055) / 1.055) ** 2.4
    )


def _half(x: np.ndarray) -> np.ndarray:
    odd = [(0, n % 2) for n in x.shape[:2]]
    x = np.pad(x, [*odd, (0, 0)], "edge")
    return x.reshape(len(x) // 2, 2, -1, 2, 3).mean((1, 3))


def xyb(light: np.ndarray) -> np.ndarray:
    responses = np.cbrt(np.maximum(light @ _OPSIN.T + _BIAS, 0)) - np.cbrt(_BIAS)
    long, medium, short = np.moveaxis(responses, -1, 0)
    luma = (long + medium) / 2
    return np.stack(
        [7 * (long - medium) + 0.42, luma + 0.01, short - luma + 0.55], axis=-1
    )


def _blur(x: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        x = correlate1d(x, window(), axis, mode="constant")
    return x


def _norms(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``[channel, norm, map]``."""
    found = np.array([m.reshape(-1, 3) for m in maps(x, y)])
    return np.stack([found.mean(1), (found**4).mean(1) ** 0.25]).transpose(2, 0, 1)
