"""The networks to compare jiqa's with: torchvision's, and others written here."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from jiqa.nn import NETWORKS, Network
from tests.helpers import backbone_others as others
from tests.helpers.torch_reference import Outputs, Reference, torchvision
from weights_convert.tables import Table, layouts, table

#: What PyTorch counts and jiqa does not need.
_COUNTS = ("*.num_batches_tracked",)


def _keys(name: str) -> Table:
    return table(name, layouts(name)[0])


def _model(name: str, **options: Any) -> Any:
    """torchvision's, without the time that it takes to draw its own numbers."""
    with torch.device("meta"):
        net = getattr(torchvision().models, name)(weights=None, **options)
    return net


def _nothing(net: nn.Module, calls: dict[str, list[torch.Tensor]]) -> Outputs:
    return {}


def _noted(net: Any, calls: dict[str, list[torch.Tensor]]) -> Outputs:
    return dict(net.seen)


def _whole(net: nn.Module, calls: dict[str, list[torch.Tensor]]) -> Outputs:
    return {"logits": calls[""][0]}


def chain(name: str, config: Network, hidden: int | None) -> Reference:
    """AlexNet or VGG; with ``hidden``, of narrower fully connected layers."""
    net = _model(name)
    first = 1 if name == "alexnet" else 0
    if hidden is not None:
        places = [first, first + 3, 6]
        widths = [net.classifier[first].in_features, hidden, hidden, 1000]
        with torch.device("meta"):
            for k, place in enumerate(places):
                net.classifier[place] = nn.Linear(widths[k], widths[k + 1])
    names = [node.name for node in config.layers()]
    names = names[: names.index("avgpool")]
    nodes: dict[str, Any] = {node: f"features.{k}" for k, node in enumerate(names)}
    nodes["avgpool"] = "avgpool"
    for node, place in (("relu6", first + 1), ("relu7", first + 4)):
        nodes[node] = f"classifier.{place}"
    return Reference(net.to_empty(device="cpu"), config, _keys(name), nodes, _nothing)


def resnet(name: str) -> Reference:
    """ResNet, whose blocks call one rectifier more than once."""
    config: Any = NETWORKS[name]
    nodes: dict[str, Any] = {"relu1": "relu", "pool1": "maxpool", "avgpool": "avgpool"}
    inner = 2 if config.bottleneck else 1
    for stage, depth in enumerate(config.depths, start=1):
        for k in range(depth):
            block = f"layer{stage}.{k}"
            nodes[f"layer{stage}_{k}_relu"] = block
            for call in range(inner):
                nodes[f"layer{stage}_{k}_relu{call + 1}"] = (f"{block}.relu", call)
    net = _model(name).to_empty(device="cpu")
    return Reference(net, config, _keys(name), nodes, _nothing)


def squeezenet(name: str) -> Reference:
    """SqueezeNet 1.1."""
    keys = _keys(name)
    nodes: dict[str, Any] = {
        "relu1": "features.1",
        "pool1": "features.2",
        "pool3": "features.5",
        "pool5": "features.8",
        "relu10": "classifier.2",
    }
    for key, theirs in keys.keys.items():
        if key.startswith("fire") and key.endswith("kernel"):
            node, path = key.removesuffix(".kernel"), theirs.removesuffix(".weight")
            nodes[f"{node}_relu"] = f"{path}_activation"
            nodes[node.split("_")[0]] = path.rpartition(".")[0]
    net = _model(name).to_empty(device="cpu")
    return Reference(net, NETWORKS[name], keys, nodes, _whole)


def mobilenet_v2(name: str) -> Reference:
    """MobileNet v2."""
    keys = _keys(name)
    nodes: dict[str, Any] = {}
    for node in NETWORKS[name].layers():
        if node.name.endswith("_relu"):
            conv = keys.keys[f"{node.name.removesuffix('_relu')}.kernel"]
            nodes[node.name] = conv.removesuffix("0.weight") + "2"
        elif node.name.endswith("_add"):
            block = node.name.removesuffix("_add").removeprefix("block")
            nodes[node.name] = f"features.{block}"
    net = _model(name).to_empty(device="cpu")
    return Reference(net, NETWORKS[name], keys, nodes, _nothing)


def _convolutions(name: str) -> dict[str, Any]:
    """Rectified outputs, of modules that hold a convolution and a normalisation."""
    return {
        key.replace(".kernel", "_relu"): theirs.removesuffix(".conv.weight")
        for key, theirs in _keys(name).keys.items()
        if theirs.endswith(".conv.weight")
    }


def inception_v3(name: str) -> Reference:
    """Inception v3; its auxiliary head runs in training only, so it is called here."""

    def seen(net: Any, calls: dict[str, list[torch.Tensor]]) -> Outputs:
        # A small map is too small for the head; enlarged, it calibrates the head.
        before = calls["Mixed_6e"][0]
        if min(before.shape[2:]) >= 17:
            net.AuxLogits(before)
        return {"logits": calls[""][0]}

    nodes = _convolutions(name)
    for node in NETWORKS[name].layers():
        if node.name in ("maxpool1", "maxpool2", "avgpool"):
            nodes[node.name] = node.name
        elif node.name.startswith("mixed") and node.name.count("_") == 1:
            nodes[node.name] = node.name.capitalize()
    net = _model(name, transform_input=True, init_weights=False)
    net = net.to_empty(device="cpu")
    return Reference(net, NETWORKS[name], _keys(name), nodes, seen)


def googlenet(name: str) -> Reference:
    """GoogLeNet; its auxiliary heads run in training only, so they are called here."""

    def seen(net: Any, calls: dict[str, list[torch.Tensor]]) -> Outputs:
        for head, place in ((net.aux1, "inception4a"), (net.aux2, "inception4d")):
            head(calls[place][0])
        return {}

    nodes = _convolutions(name) | {"avgpool": "avgpool"}
    for node in NETWORKS[name].layers():
        if node.name in ("pool1", "pool2", "pool3", "pool4"):
            nodes[node.name] = f"max{node.name}"
        elif node.name.startswith("inception"):
            path = node.name.replace("_", "", 1)
            if node.name.count("_") == 1:
                nodes[node.name] = path
            elif node.name.endswith("_pool"):
                nodes[node.name] = path.replace("_pool", ".branch4.0")
    net = _model(name, transform_input=True, init_weights=False, aux_logits=True)
    net = net.to_empty(device="cpu")
    return Reference(net, NETWORKS[name], _keys(name), nodes, seen)


def bn_inception(name: str) -> Reference:
    """BN-Inception."""
    return Reference(others.BNInception(), NETWORKS[name], _keys(name), {}, _noted)


def inception_resnet_v2(name: str) -> Reference:
    """Inception-ResNet-v2."""
    nodes = _convolutions(name)
    for node in NETWORKS[name].layers():
        kind, _, number = node.name.removesuffix("_relu").partition("_")
        if node.name in ("maxpool_3a", "maxpool_5a", "avgpool"):
            nodes[node.name] = node.name
        elif node.name.startswith("mixed"):
            if node.name.count("_") == 1:
                nodes[node.name] = node.name
        elif number.isdigit() and node.name.endswith("_relu"):
            repeat = {"block35": "repeat", "block17": "repeat_1", "block8": "repeat_2"}
            nodes[node.name] = f"{repeat[kind]}.{int(number) - 1}"
    nodes |= {
        "mixed_5b_pool": "mixed_5b.branch3.0",
        "mixed_6a_pool": "mixed_6a.branch2",
        "mixed_7a_pool": "mixed_7a.branch3",
        "block8_10_add": "block8",
    }
    net = others.InceptionResNetV2()
    return Reference(net, NETWORKS[name], _keys(name), nodes, _nothing)


def mobilenet_v1(name: str, config: Network | None = None) -> Reference:
    """MobileNet v1; Keras's keys, turned into those of PyTorch."""
    config = config or NETWORKS[name]
    parts = {
        "kernel": "weight",
        "depthwise_kernel": "weight",
        "gamma": "weight",
        "beta": "bias",
        "bias": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    keys = {}
    for key, theirs in _keys(name).keys.items():
        layer, _, weight = theirs.partition("/")
        keys[key] = f"{layer}.{parts[weight]}"
    net = others.MobileNetV1(around=config != NETWORKS[name])
    return Reference(net, config, Table(keys, _COUNTS), {}, _noted)


#: (repeats, window, stride, expansion, width) of each stage, and the images' side.
EFFICIENTNET_LITE = {
    "efficientnet_lite0": (
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
        224,
    ),
    "efficientnet_lite1": (
        (1, 3, 1, 1, 16),
        (3, 3, 2, 6, 24),
        (3, 5, 2, 6, 40),
        (4, 3, 2, 6, 80),
        (4, 5, 1, 6, 112),
        (5, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
        240,
    ),
    "efficientnet_lite2": (
        (1, 3, 1, 1, 16),
        (3, 3, 2, 6, 24),
        (3, 5, 2, 6, 48),
        (4, 3, 2, 6, 88),
        (4, 5, 1, 6, 120),
        (5, 5, 2, 6, 208),
        (1, 3, 1, 6, 352),
        260,
    ),
}


def efficientnet_lite_net(name: str) -> nn.Module:
    """The network alone."""
    *stages, side = EFFICIENTNET_LITE[name]
    return others.EfficientNetLite(stages, side)  # pyright: ignore


def efficientnet_lite(name: str) -> Reference:
    """EfficientNet-Lite."""
    net = efficientnet_lite_net(name)
    return Reference(net, NETWORKS[name], _keys(name), {}, _noted)


def scnn(name: str) -> Reference:
    """The S-CNN as it was saved, from several processors or by MatConvNet."""
    matlab, plain = name == "scnn_matconvnet", name == "scnn_plain"
    net = others.Scnn(
        *((2, 1) if matlab else (1, 2)),
        norms=name == "scnn",
        head_norms=not matlab,
    )
    config = NETWORKS[name]
    names = [node.name for node in config.layers()]
    split = names.index("avgpool")
    nodes: dict[str, Any] = {n: f"features.{k}" for k, n in enumerate(names[:split])}
    nodes["avgpool"] = "pooling"
    head = [n for n in names[split + 1 :] if n not in ("flatten", "logits")]
    nodes |= {n: f"projection.{k}" for k, n in enumerate(head)}
    if matlab:
        nodes |= {"logits": "classifier"}
        modules = {key: nodes[key.split(".")[0]] for key in _keys(name).keys}
        part = {"kernel": "weight", "bias": "bias"}
        keys = {k: f"{m}.{part[k.split('.')[1]]}" for k, m in modules.items()}
    else:
        assert plain or name == "scnn"
        theirs = _keys(name).keys
        keys = {key: their.removeprefix("module.") for key, their in theirs.items()}
    return Reference(net, config, Table(keys, _COUNTS), nodes, _nothing)


@functools.lru_cache(maxsize=2)
def reference(name: str, hidden: int | None = 24) -> Reference:
    """The network of this name; AlexNet and VGG narrower where not asked otherwise."""
    config: Any = NETWORKS[name]
    if name == "alexnet" or name.startswith("vgg"):
        if hidden is not None:
            config = dataclasses.replace(config, hidden=hidden)
        return chain(name, config, hidden)
    return _MAKERS[name.split("_")[0] if name.startswith("scnn") else name](name)


_MAKERS: dict[str, Callable[[str], Reference]] = {
    "resnet18": resnet,
    "resnet50": resnet,
    "squeezenet1_1": squeezenet,
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    **dict.fromkeys(EFFICIENTNET_LITE, efficientnet_lite),
    "googlenet": googlenet,
    "bn_inception": bn_inception,
    "inception_v3": inception_v3,
    "inception_resnet_v2": inception_resnet_v2,
    "scnn": scnn,
}
