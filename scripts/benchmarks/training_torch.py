"""The same training steps in PyTorch, written plainly, for training.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_VGG = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512)
_MOBILE = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)


def step(
    case: str, batch: dict[str, np.ndarray], device: str, half: bool
) -> Callable[[], Any]:
    """One update of a case as a call that returns the loss.

    Args:
        case: ``"rank vgg16"`` or ``"nima mobilenet_v1"``.
        batch: as jiqa's step takes it.
        device: ``"cpu"`` or ``"cuda"``.
        half: compute in bfloat16, by autocast.
    """
    import torch
    from torch import nn

    layout = torch.channels_last
    model = {"rank vgg16": _vgg, "nima mobilenet_v1": _mobilenet}[case](nn)
    model = model.to(device).to(memory_format=layout).train()
    images = torch.from_numpy(batch["image"]).permute(0, 3, 1, 2).to(device)
    images = images.contiguous(memory_format=layout)
    if case.startswith("rank"):
        rule: Any = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
        level, group = (
            torch.from_numpy(batch[k]).to(device) for k in ("level", "group")
        )
        pairs = (group[:, None] == group) & (level[:, None] < level)

        def loss(outputs: Any) -> Any:
            score = outputs[:, 0]
            lead = score[:, None] - score
            return torch.where(pairs, torch.relu(10 - lead), 0).sum() / len(score)

    else:
        rule = torch.optim.Adam(model.parameters(), lr=1e-4)
        target = torch.from_numpy(batch["histogram"]).to(device).cumsum(-1)

        def loss(outputs: Any) -> Any:
            away = outputs.softmax(-1).cumsum(-1) - target
            return away.square().mean(-1).sqrt().mean()

    def call() -> Any:
        rule.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=half):
            outputs = model(images.float() / 255)
        value = loss(outputs.float())
        value.backward()
        rule.step()
        if device == "cuda":
            torch.cuda.synchronize()
        return value.detach()

    return call


def _vgg(nn: Any) -> Any:
    layers, came = [], 3
    for width in _VGG:
        if width == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(came, width, 3, padding=1), nn.ReLU(inplace=True)]
            came = width
    return nn.Sequential(*layers, *_pooled(nn, 512, 1))


def _mobilenet(nn: Any) -> Any:
    def unit(came: int, width: int, window: int, stride: int, groups: int) -> list:
        pad = window // 2
        return [
            nn.Conv2d(came, width, window, stride, pad, groups=groups, bias=False),
            nn.BatchNorm2d(width, eps=1e-3),
            nn.ReLU6(inplace=True),
        ]

    layers, came = unit(3, 32, 3, 2, 1), 32
    for width, stride in _MOBILE:
        layers += unit(came, came, 3, stride, came) + unit(came, width, 1, 1, 1)
        came = width
    return nn.Sequential(*layers, *_pooled(nn, 1024, 10))


def _pooled(nn: Any, came: int, width: int) -> list[Any]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(came, width)]
