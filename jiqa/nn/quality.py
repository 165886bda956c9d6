"""The network of the metric ``quality``: EfficientNet-Lite0 and what reads its maps.

Means and deviations of the maps ``TAPS`` over the whole image, each scaled, go through
one rectified layer; from it come the mean of the score and the logarithm of its
deviation. ``jiqa.models.quality`` trains it, ``jiqa.metrics.no_reference.quality``
scores with what was learned.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jiqa.nn.graph import Node, shapes, until
from jiqa.nn.networks import efficientnet_lite

#: A name of ``jiqa.nn.NETWORKS``.
BACKBONE = "efficientnet_lite0"
NETWORK = efficientnet_lite.NETWORKS[BACKBONE]
TAPS = NETWORK.stage_maps()
#: Side of the square that the network sees instead of the image.
RESIZE = 256
#: Channels of the rectified layer.
HIDDEN = 128
#: The shares of photographs that an interval can be asked to hold.
COVERAGES = (0.5, 0.8, 0.9, 0.95)
#: Bounds of the logarithm of a deviation, in units of the spread of the scores.
LOGARITHMS = (-4.0, 2.0)


def nodes() -> tuple[Node, ...]:
    """The network up to the maps."""
    return until(NETWORK.layers(), TAPS)


def head() -> dict[str, tuple[int, ...]]:
    """Keys and shapes of what reads the maps."""
    widths = {"images": 3}
    for node in nodes():
        came = [widths[name] for name in node.inputs]
        widths[node.name] = node.op.channels(*came)
    features = 2 * sum(widths[tap] for tap in TAPS)
    return {
        "quality.norm.factor": (features,),
        "quality.norm.summand": (features,),
        "quality.hidden.kernel": (features, HIDDEN),
        "quality.hidden.bias": (HIDDEN,),
        "quality.score.kernel": (HIDDEN, 1),
        "quality.score.bias": (1,),
        "quality.deviation.kernel": (HIDDEN, 1),
        "quality.deviation.bias": (1,),
        "quality.scale": (1,),
        "quality.reach": (len(COVERAGES),),
    }


def every_shape() -> dict[str, tuple[int, ...]]:
    """Keys and shapes of all parameters."""
    return shapes(nodes()) | head()


def from_run(
    arrays: Mapping[str, np.ndarray],
    *,
    factor: float,
    summand: float,
    reach: Mapping[float, float],
) -> dict[str, np.ndarray]:
    """The parameters of a trained model ``quality``, under the metric's keys.

    Args:
        arrays: of ``jiqa.models.quality``, flat.
        factor: what a number of the network is multiplied by to be a score.
        summand: what is then added.
        reach: by coverage, how many deviations an interval reaches from the mean.
    """
    found = {
        key.removeprefix("backbone."): np.asarray(value)
        for key, value in arrays.items()
        if key.startswith("backbone.")
    }
    norm = {k: np.asarray(arrays[f"head.norm.{k}"], np.float64) for k in _NORM}
    scale = norm["scale"] / np.sqrt(norm["variance"] + 1e-5)
    found["quality.norm.factor"] = scale
    found["quality.norm.summand"] = norm["bias"] - norm["mean"] * scale
    for name in ("hidden", "score", "deviation"):
        for part in ("kernel", "bias"):
            found[f"quality.{name}.{part}"] = np.asarray(arrays[f"head.{name}.{part}"])
    found["quality.score.kernel"] = found["quality.score.kernel"] * factor
    found["quality.score.bias"] = found["quality.score.bias"] * factor + summand
    found["quality.scale"] = np.array([abs(factor)])
    found["quality.reach"] = np.array([reach[c] for c in COVERAGES])
    return {key: found[key].astype(np.float32) for key in every_shape()}


_NORM = ("scale", "bias", "mean", "variance")
