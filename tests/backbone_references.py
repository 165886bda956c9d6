"""PyTorch networks to compare jiqa's with: torchvision's, and others written here.

``Reference`` gives a network seeded parameters under which no map fades away, the same
parameters as jiqa has them, and the outputs of all nodes that PyTorch computes as such.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any

import backbone_others as others
import numpy as np
import torch
from torch import nn

from jiqa.nn import NETWORKS, Network
from weights_convert.tables import Table, layouts, table

Outputs = dict[str, torch.Tensor]
#: What PyTorch counts and jiqa does not need.
_COUNTS = ("*.num_batches_tracked",)

# Small convolutions gain nothing from threads that wait for each other.
torch.set_num_threads(1)

#: A library's operators vanish with it.
_KEPT: list[torch.library.Library] = []


@functools.cache
def torchvision() -> Any:
    """torchvision, whose compiled operators need not fit this build of PyTorch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import torchvision
        except RuntimeError:
            for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
                del sys.modules[name]
            library = torch.library.Library("torchvision", "DEF")
            _KEPT.append(library)
            for operator in (
                "nms qnms roi_align roi_pool ps_roi_align ps_roi_pool deform_conv2d"
            ).split():
                library.define(f"{operator}(Tensor x) -> Tensor")
                library.define(f"_{operator}_backward(Tensor x) -> Tensor")
            import torchvision
    return torchvision


class Reference:
    """A network of PyTorch in float64, and where jiqa's nodes are in it.

    Args:
        net: the network; ``forward`` may take in-place steps.
        config: jiqa's.
        keys: its key table.
        nodes: modules whose outputs jiqa's nodes without parameters have: a path, or
            a path and the number of the call.
        seen: outputs by node beside those, after a forward pass.
    """

    def __init__(
        self,
        net: nn.Module,
        config: Network,
        keys: Table,
        nodes: dict[str, str | tuple[str, int]],
        seen: Callable[[nn.Module, dict[str, list[torch.Tensor]]], Outputs],
    ) -> None:
        self.config, self.keys = config, keys
        self.net, self._seen = net, seen
        self._nodes = {
            key.split(".")[0]: theirs.rpartition(".")[0]
            for key, theirs in keys.keys.items()
        } | nodes
        self._calls: dict[str, list[torch.Tensor]] = {}
        for path, module in net.named_modules():
            module.register_forward_hook(functools.partial(self._record, path))
        _randomise(net)
        self._calibrate()
        net.double().eval()

    def _record(self, path: str, module: nn.Module, inputs: Any, output: Any) -> None:
        # A copy: rectifiers may write over their input.
        self._calls.setdefault(path, []).append(output.detach().clone())

    def _calibrate(self) -> None:
        """Statistics near those of noise, so that no map fades or grows.

        The means stay small: to subtract those of noise would make a deep network
        magnify every rounding.
        """
        norms = [m for m in self.net.modules() if isinstance(m, nn.BatchNorm2d)]
        self.net.eval()
        for norm in norms:
            norm.train()
            norm.momentum = 1.0
        generator = torch.Generator().manual_seed(11)
        if norms:
            self.outputs(torch.randn(4, 3, 96, 96, generator=generator))
        for norm in norms:
            mean, var = norm.running_mean, norm.running_var
            assert mean is not None and var is not None
            var += mean**2
            mean.normal_(0, 0.2, generator=generator)
            mean *= var.sqrt()
            var *= 0.7 + torch.rand(var.shape, generator=generator)

    def outputs(self, images: torch.Tensor) -> Outputs:
        """By node, of ``[N, C, H, W]``."""
        self._calls.clear()
        with torch.no_grad():
            self.net(images)
            found = self._seen(self.net, self._calls)
        for node, place in self._nodes.items():
            path, call = place if isinstance(place, tuple) else (place, 0)
            if path in self._calls:
                found[node] = self._calls[path][call]
        self._calls.clear()
        return found

    def taps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The same of ``[N, H, W, C]``, as jiqa has it."""
        found = self.outputs(torch.from_numpy(images).double().permute(0, 3, 1, 2))
        return {
            node: (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).numpy()
            for node, x in found.items()
        }

    def state(self) -> dict[str, np.ndarray]:
        """PyTorch's own state."""
        return {k: v.numpy() for k, v in self.net.state_dict().items()}

    def params(self) -> dict[str, np.ndarray]:
        """jiqa's parameters."""
        state = self.state()
        return {
            key: as_jiqa(key, state[theirs]).astype(np.float32)
            for key, theirs in self.keys.keys.items()
        }


def as_jiqa(key: str, value: np.ndarray) -> np.ndarray:
    """PyTorch's order of axes to jiqa's."""
    if not key.endswith(".kernel"):
        return value
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def _randomise(net: nn.Module) -> None:
    """Seeded, float32, large enough to keep the deepest maps; biases too."""
    generator = torch.Generator().manual_seed(7)
    for name, value in net.state_dict().items():
        if value.ndim > 1:
            spread = (2 / value[0].numel()) ** 0.5
            value.normal_(0, spread, generator=generator)
        elif name.endswith("num_batches_tracked"):
            value.zero_()
        elif name.endswith("running_var"):
            value.fill_(1)
        else:
            value.normal_(0, 0.2, generator=generator)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.6, 1.4, generator=generator)


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
    "googlenet": googlenet,
    "bn_inception": bn_inception,
    "inception_v3": inception_v3,
    "inception_resnet_v2": inception_resnet_v2,
    "scnn": scnn,
}
