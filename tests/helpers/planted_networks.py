"""Tiny networks whose feature maps detect what is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import Conv, Relu
from jiqa.nn.preprocessing import Preprocessing

RED, BLUE, VERTICAL, HORIZONTAL = range(4)
WINDOW, PERIOD = 9, 6


@dataclass(frozen=True)
class Planted(Network):
    """Four detectors: red, blue, vertical and horizontal stripes of six pixels."""

    preprocess = Preprocessing((0.5, 0.5, 0.5), (1.0, 1.0, 1.0))
    trunk = "relu"

    def layers(self) -> tuple[Node, ...]:
        return (
            Node("conv", Conv(4, WINDOW, 1, WINDOW // 2)),
            Node("relu", Relu()),
        )


def planted_params() -> dict[str, jnp.ndarray]:
    """Colours less the two others; gratings under a Gaussian, of both phases."""
    kernel = np.zeros((WINDOW, WINDOW, 3, 4), np.float32)
    for number, channel in ((RED, 0), (BLUE, 2)):
        kernel[..., number] = -0.5 / WINDOW**2
        kernel[..., channel, number] = 1 / WINDOW**2
    at = np.arange(WINDOW) - WINDOW // 2
    bell = np.exp(-np.add.outer(at**2, at**2) / 12)
    wave = np.cos(2 * np.pi * at / PERIOD)
    grating = bell * (wave - (bell * wave).sum() / bell.sum())[None]
    for number, plane in ((VERTICAL, grating), (HORIZONTAL, grating.T)):
        kernel[..., number] = plane[..., None] / np.abs(grating).sum()
    bias = np.array([-0.3, -0.3, -0.12, -0.12], np.float32)
    return {"conv.kernel": jnp.asarray(kernel), "conv.bias": jnp.asarray(bias)}
