"""MobileNet v1, as Keras names it: LAYER/WEIGHT, the layers as jiqa's nodes."""

from __future__ import annotations

from weights_convert.tables._keys import Table, by_part

_WEIGHTS = {
    "kernel": "kernel",
    "bias": "bias",
    "scale": "gamma",
    "mean": "moving_mean",
    "variance": "moving_variance",
}


def _source(node: str, part: str) -> str:
    weight = _WEIGHTS[part]
    if node.endswith("_bn"):
        weight = weight.replace("bias", "beta")
    elif node.startswith("conv_dw"):
        weight = "depthwise_kernel"
    return f"{node}/{weight}"


def _keras(network: str) -> Table:
    return by_part(network, _source)


TABLES = {("mobilenet_v1", "keras"): _keras}
