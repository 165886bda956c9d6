"""PyTorch networks that torchvision has not, after their papers and published files.

State keys are those of the files, but for MobileNet v1, whose file is Keras's. Each
``forward`` leaves what it computes in ``seen``, by the names that jiqa gives its nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

Outputs = dict[str, torch.Tensor]


class Seen(nn.Module):
    """Keeps copies of outputs by jiqa's names."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Outputs = {}

    def note(self, name: str, x: torch.Tensor) -> torch.Tensor:
        self.seen[name] = x.detach().clone()
        return x


class BNInception(Seen):
    """Ioffe and Szegedy 2015, figure 5, with Caffe's names, biases and ceilings."""

    #: Module: channels that come in; then those of each convolution of each branch.
    TABLE = (
        ("3a", 192, [64], [64, 64], [64, 96, 96], [32]),
        ("3b", 256, [64], [64, 96], [64, 96, 96], [64]),
        ("3c", 320, [], [128, 160], [64, 96, 96], []),
        ("4a", 576, [224], [64, 96], [96, 128, 128], [128]),
        ("4b", 576, [192], [96, 128], [96, 128, 128], [128]),
        ("4c", 576, [160], [128, 160], [128, 160, 160], [128]),
        ("4d", 608, [96], [128, 192], [160, 192, 192], [128]),
        ("4e", 608, [], [128, 192], [192, 256, 256], []),
        ("5a", 1056, [352], [192, 320], [160, 224, 224], [128]),
        ("5b", 1024, [352], [192, 320], [192, 224, 224], [128]),
    )

    def __init__(self) -> None:
        super().__init__()
        self._conv("conv1_7x7_s2", 3, 64, 7, 2)
        self._conv("conv2_3x3_reduce", 64, 64, 1)
        self._conv("conv2_3x3", 64, 192, 3)
        for place, came, one, three, double, project in self.TABLE:
            name, stride = f"inception_{place}", 1 if one else 2
            for width in one:
                self._conv(f"{name}_1x1", came, width, 1)
            self._conv(f"{name}_3x3_reduce", came, three[0], 1)
            self._conv(f"{name}_3x3", three[0], three[1], 3, stride)
            self._conv(f"{name}_double_3x3_reduce", came, double[0], 1)
            self._conv(f"{name}_double_3x3_1", double[0], double[1], 3)
            self._conv(f"{name}_double_3x3_2", double[1], double[2], 3, stride)
            for width in project:
                self._conv(f"{name}_pool_proj", came, width, 1)
        self.last_linear = nn.Linear(1024, 1000)

    def _conv(self, name: str, came: int, out: int, side: int, stride: int = 1) -> None:
        self.add_module(name, nn.Conv2d(came, out, side, stride, side // 2))
        self.add_module(f"{name}_bn", nn.BatchNorm2d(out))

    def _run(self, name: str, x: torch.Tensor) -> torch.Tensor:
        x = getattr(self, f"{name}_bn")(getattr(self, name)(x))
        return self.note(f"{name}_relu", functional.relu(x))

    def _max(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return self.note(name, functional.max_pool2d(x, 3, 2, ceil_mode=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self._max("pool1_3x3_s2", self._run("conv1_7x7_s2", x))
        x = self._run("conv2_3x3", self._run("conv2_3x3_reduce", x))
        x = self._max("pool2_3x3_s2", x)
        for place, _, one, *_ in self.TABLE:
            name = f"inception_{place}"
            three = self._run(f"{name}_3x3", self._run(f"{name}_3x3_reduce", x))
            double = self._run(f"{name}_double_3x3_reduce", x)
            for k in (1, 2):
                double = self._run(f"{name}_double_3x3_{k}", double)
            if not one:
                branches = [three, double, self._max(f"{name}_pool", x)]
            else:
                if place == "5b":
                    pooled = functional.max_pool2d(x, 3, 1, 1)
                else:
                    pooled = functional.avg_pool2d(x, 3, 1, 1)
                self.note(f"{name}_pool", pooled)
                first, last = self._run(f"{name}_1x1", x), f"{name}_pool_proj"
                branches = [first, three, double, self._run(last, pooled)]
            x = self.note(name, torch.cat(branches, 1))
        return self.note(
            "logits", self.last_linear(self.note("avgpool", x.mean((2, 3))))
        )


class Convolution(nn.Module):
    """Convolution without bias, normalised and rectified, of one window or another."""

    def __init__(self, came: int, out: int, window: Any, stride: int, pad: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(came, out, window, stride, pad, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.bn(self.conv(x)))


def _row(came: int, *steps: tuple[Any, ...]) -> nn.Module:
    """Convolutions one after the other: (width, window[, stride])."""
    made: list[nn.Module] = []
    for width, window, *stride in steps:
        sides = window if isinstance(window, tuple) else (window, window)
        pad = 0 if stride else tuple(side // 2 for side in sides)
        made.append(Convolution(came, width, window, stride[0] if stride else 1, pad))
        came = width
    return made[0] if len(made) == 1 else nn.Sequential(*made)


class Mixed(nn.Module):
    """Branches side by side; the last one may be a pool."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for k, branch in enumerate(branches):
            self.add_module(f"branch{k}", branch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


class Residual(nn.Module):
    """The input plus a share of branches, brought to its width."""

    def __init__(
        self, width: int, joined: int, scale: float, rectified: bool, *rows: nn.Module
    ) -> None:
        super().__init__()
        self.rows = len(rows)
        for k, branch in enumerate(rows):
            self.add_module(f"branch{k}", branch)
        self.conv2d = nn.Conv2d(joined, width, 1)
        self.scale, self.rectified = scale, rectified

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = [getattr(self, f"branch{k}")(x) for k in range(self.rows)]
        x = x + self.scale * self.conv2d(torch.cat(rows, 1))
        return functional.relu(x) if self.rectified else x


def _block35() -> Residual:
    rows = _row(320, (32, 1)), _row(320, (32, 1), (32, 3))
    return Residual(320, 128, 0.17, True, *rows, _row(320, (32, 1), (48, 3), (64, 3)))


def _block17() -> Residual:
    long = _row(1088, (128, 1), (160, (1, 7)), (192, (7, 1)))
    return Residual(1088, 384, 0.10, True, _row(1088, (192, 1)), long)


def _block8(scale: float = 0.20, rectified: bool = True) -> Residual:
    long = _row(2080, (192, 1), (224, (1, 3)), (256, (3, 1)))
    return Residual(2080, 448, scale, rectified, _row(2080, (192, 1)), long)


class InceptionResNetV2(nn.Module):
    """Szegedy et al. 2017, figures 15 to 19, with timm's names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = Convolution(3, 32, 3, 2, 0)
        self.conv2d_2a = Convolution(32, 32, 3, 1, 0)
        self.conv2d_2b = Convolution(32, 64, 3, 1, 1)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = Convolution(64, 80, 1, 1, 0)
        self.conv2d_4a = Convolution(80, 192, 3, 1, 0)
        self.maxpool_5a = nn.MaxPool2d(3, 2)
        mean = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        self.mixed_5b = Mixed(
            _row(192, (96, 1)),
            _row(192, (48, 1), (64, 5)),
            _row(192, (64, 1), (96, 3), (96, 3)),
            nn.Sequential(mean, _row(192, (64, 1))),
        )
        self.repeat = nn.Sequential(*(_block35() for _ in range(10)))
        self.mixed_6a = Mixed(
            _row(320, (384, 3, 2)),
            _row(320, (256, 1), (256, 3), (384, 3, 2)),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_1 = nn.Sequential(*(_block17() for _ in range(20)))
        self.mixed_7a = Mixed(
            _row(1088, (256, 1), (384, 3, 2)),
            _row(1088, (256, 1), (288, 3, 2)),
            _row(1088, (256, 1), (288, 3), (320, 3, 2)),
            nn.MaxPool2d(3, 2),
        )
        self.repeat_2 = nn.Sequential(*(_block8() for _ in range(9)))
        self.block8 = _block8(1.0, False)
        self.conv2d_7b = Convolution(2080, 1536, 1, 1, 0)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classif = nn.Linear(1536, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for step in self.children():
            x = step(x)
        return x


class MobileNetV1(Seen):
    """Howard et al. 2017, table 1, with Keras's names of layers."""

    #: Width and stride of the blocks.
    TABLE = (
        *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)),
        *((512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)),
    )

    def __init__(self, around: bool = False) -> None:
        super().__init__()
        self.around = around
        self.conv1 = nn.Conv2d(3, 32, 3, 2, bias=False)
        self.conv1_bn = nn.BatchNorm2d(32, eps=0.001)
        came = 32
        for k, (width, stride) in enumerate(self.TABLE, start=1):
            deep = nn.Conv2d(came, came, 3, stride, groups=came, bias=False)
            flat = nn.Conv2d(came, width, 1, bias=False)
            for kind, conv, out in (("dw", deep, came), ("pw", flat, width)):
                self.add_module(f"conv_{kind}_{k}", conv)
                norm = nn.BatchNorm2d(out, eps=0.001)
                self.add_module(f"conv_{kind}_{k}_bn", norm)
            came = width
        self.conv_preds = nn.Conv2d(1024, 1000, 1)

    def _run(self, name: str, x: torch.Tensor) -> torch.Tensor:
        conv = getattr(self, name)
        if conv.kernel_size == (3, 3):
            # Left, right, top, bottom: TensorFlow's "same" at even sizes and stride 2.
            halves = conv.stride == (2, 2) and not self.around
            x = functional.pad(x, (0, 1, 0, 1) if halves else (1, 1, 1, 1))
        x = getattr(self, f"{name}_bn")(conv(x))
        return self.note(f"{name}_relu", torch.clamp(x, 0, 6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self._run("conv1", x)
        for k in range(1, 14):
            x = self._run(f"conv_pw_{k}", self._run(f"conv_dw_{k}", x))
        x = self.note("avgpool", x.mean((2, 3), keepdim=True))
        return self.note("logits", self.conv_preds(x).flatten(1))


class EfficientNetLite(Seen):
    """EfficientNet-Lite, with the keys of the published files.

    Args:
        stages: (repeats, window, stride, expansion, width) of each.
        side: of the image whose maps say where TensorFlow's zeros are.
    """

    def __init__(self, stages: Sequence[tuple[int, ...]], side: int) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = self._pair(3, 32, 3, 2)
        self._zeros: dict[str, tuple[int, ...]] = {"": self._around(side, 3, 2)}
        self._blocks = nn.ModuleList()
        came, side = 32, -(-side // 2)
        for repeats, window, stride, expansion, width in stages:
            for step in (stride, *[1] * (repeats - 1)):
                self._zeros[str(len(self._blocks))] = self._around(side, window, step)
                inner = came * expansion
                block = nn.Module()
                pairs: dict[str, tuple[int, ...]]
                pairs = {"_depthwise_conv _bn1": (inner, inner, window, step, inner)}
                if expansion > 1:
                    pairs["_expand_conv _bn0"] = (came, inner)
                pairs["_project_conv _bn2"] = (inner, width)
                for names, sizes in pairs.items():
                    for name, made in zip(
                        names.split(), self._pair(*sizes), strict=True
                    ):
                        block.add_module(name, made)
                self._blocks.append(block)
                came, side = width, -(-side // step)
        self._conv_head, self._bn1 = self._pair(came, 1280)
        self._fc = nn.Linear(1280, 1000)

    @staticmethod
    def _pair(
        came: int, width: int, window: int = 1, stride: int = 1, groups: int = 1
    ) -> tuple[nn.Module, nn.Module]:
        conv = nn.Conv2d(came, width, window, stride, groups=groups, bias=False)
        return conv, nn.BatchNorm2d(width, eps=0.001)

    @staticmethod
    def _around(side: int, window: int, stride: int) -> tuple[int, ...]:
        reach = (-(-side // stride) - 1) * stride + window
        zeros = max(reach - side, 0)
        return (zeros // 2, zeros - zeros // 2) * 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self._bn0(self._conv_stem(functional.pad(x, self._zeros[""])))
        x = self.note("stem_relu", torch.clamp(x, 0, 6))
        for k, block in enumerate(self._blocks):
            b: Any = block
            before, name = x, f"block{k + 1}"
            if hasattr(b, "_expand_conv"):
                x = torch.clamp(b._bn0(b._expand_conv(x)), 0, 6)
                x = self.note(f"{name}_expand_relu", x)
            x = b._bn1(b._depthwise_conv(functional.pad(x, self._zeros[str(k)])))
            x = self.note(f"{name}_depthwise_relu", torch.clamp(x, 0, 6))
            x = b._bn2(b._project_conv(x))
            if x.shape == before.shape:
                x = self.note(f"{name}_add", x + before)
        x = torch.clamp(self._bn1(self._conv_head(x)), 0, 6)
        x = self.note("avgpool", self.note("head_relu", x).mean((2, 3)))
        return self._fc(x)


class Scnn(nn.Module):
    """Zhang et al. 2020, figure 2, with the names of the authors' file."""

    #: Width and stride of the convolutions.
    TABLE = ((48, 1), (48, 2), (64, 1), (64, 2), (64, 1), (64, 2), (128, 1))

    def __init__(self, *last: int, norms: bool, head_norms: bool) -> None:
        super().__init__()
        made: list[nn.Module] = []
        came = 3
        for width, stride in (*self.TABLE, (128, last[0]), (128, last[1])):
            made.append(nn.Conv2d(came, width, 3, stride, 1))
            made += [nn.BatchNorm2d(width)] if norms else []
            made.append(nn.ReLU(inplace=True))
            came = width
        self.features = nn.Sequential(*made)
        self.pooling = nn.AdaptiveAvgPool2d(1)
        head: list[nn.Module] = []
        for came in (128, 256):
            head.append(nn.Conv2d(came, 256, 1))
            head += [nn.BatchNorm2d(256)] if head_norms else []
            head.append(nn.ReLU(inplace=True))
        self.projection = nn.Sequential(*head)
        self.classifier = nn.Linear(256, 39)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.projection(self.pooling(self.features(x)))
        return self.classifier(x.flatten(1))
