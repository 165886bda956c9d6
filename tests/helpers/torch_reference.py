"""A network of PyTorch to compare one of jiqa's with, node by node; and torchvision.

``Reference`` gives a network seeded parameters under which no map fades away, the same
parameters as jiqa has them, and the outputs of all nodes that PyTorch computes as such.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from jiqa.nn import Network
from weights_convert.tables import Table

Outputs = dict[str, torch.Tensor]

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
