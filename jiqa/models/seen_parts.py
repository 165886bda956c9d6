"""What a model on a backbone looks at when it scores an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax import Array

from jiqa.models import backbones, views
from jiqa.nn import Network


def seen(config: Any, image: Array) -> Array:
    """``[N, h, w, C]``: a whole image ``[H, W, C]``, or a fixed grid of crops of it.

    Of a model with the options ``backbone``, ``crop``, ``grid`` and ``resize``.
    """
    return views.fixed_views(
        image,
        crop=config.crop,
        count=config.grid,
        resize=config.resize,
        multiple=backbones.multiple(config.backbone),
    )


def min_side(config: Any, *parts: tuple[Network, Sequence[str]]) -> int:
    """The smallest side that leaves a sample of all taps of all networks."""
    if config.resize is not None:
        return 1
    least = (backbones.smallest(net, taps) for net, taps in parts)
    return max(*least, backbones.multiple(config.backbone))
