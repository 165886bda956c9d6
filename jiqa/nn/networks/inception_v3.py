"""Inception v3 (Szegedy et al. 2016), as torchvision defines it.

Layers: transform; conv2d_1a_3x3 conv2d_2a_3x3 conv2d_2b_3x3 maxpool1 conv2d_3b_1x1
conv2d_4a_3x3 maxpool2; mixed_5b mixed_5c mixed_5d mixed_6a ... mixed_6e mixed_7a
mixed_7b mixed_7c; avgpool logits. A convolution is followed by ..._bn and ..._relu; in
a module it is called by its branch, for instance mixed_5b_branch5x5_2. The auxiliary
head, on mixed_6e, ends in aux_logits.
"""

from __future__ import annotations

from dataclasses import dataclass

from jiqa.nn.blocks import FromTensorFlow, keeping, tensorflow_unit
from jiqa.nn.graph import Node
from jiqa.nn.operations import Concat, Conv, Dense
from jiqa.nn.pooling import GlobalMean, MaxPool, MeanPool

#: A branch's convolutions: name, width, window and, if not 1, stride. A convolution of
#: stride 1 keeps the size of the map, one of stride 2 has no zeros around.
_Step = tuple[str, int, int | tuple[int, int]] | tuple[str, int, int, int]


@dataclass(frozen=True)
class Config(FromTensorFlow):
    """How many classes, and how the network begins."""

    trunk = "mixed_7c"

    def layers(self) -> tuple[Node, ...]:
        """The graph."""
        nodes = [
            *self.beginning(),
            *tensorflow_unit("conv2d_1a_3x3", Conv(32, 3, 2, 0)),
            *tensorflow_unit("conv2d_2a_3x3", Conv(32, 3, 1, 0)),
            *tensorflow_unit("conv2d_2b_3x3", Conv(64, 3, 1, 1)),
            Node("maxpool1", MaxPool(3, 2)),
            *tensorflow_unit("conv2d_3b_1x1", Conv(80, 1, 1, 0)),
            *tensorflow_unit("conv2d_4a_3x3", Conv(192, 3, 1, 0)),
            Node("maxpool2", MaxPool(3, 2)),
        ]
        for name, width in (("mixed_5b", 32), ("mixed_5c", 64), ("mixed_5d", 64)):
            nodes += _a(name, nodes[-1].name, width)
        nodes += _b("mixed_6a", nodes[-1].name)
        for letter, width in zip("bcde", (128, 160, 160, 192), strict=True):
            nodes += _c(f"mixed_6{letter}", nodes[-1].name, width)
        nodes += _auxiliary(nodes[-1].name, self.classes)
        nodes += _d("mixed_7a", "mixed_6e")
        for name in ("mixed_7b", "mixed_7c"):
            nodes += _e(name, nodes[-1].name)
        nodes += [
            Node("avgpool", GlobalMean()),
            Node("logits", Dense(self.classes)),
        ]
        return tuple(nodes)


def _branch(name: str, before: str, *steps: _Step) -> list[Node]:
    """Convolutions of one module, in a row."""
    nodes: list[Node] = []
    for k, (part, width, window, *stride) in enumerate(steps):
        padding = 0 if stride else keeping(window)
        conv = Conv(width, window, stride[0] if stride else 1, padding)
        inputs = (before,) if k == 0 else ()
        nodes += tensorflow_unit(f"{name}_branch{part}", conv, inputs)
    return nodes


def _join(name: str, *branches: list[Node]) -> list[Node]:
    ends = tuple(branch[-1].name for branch in branches)
    inner = [node for branch in branches for node in branch]
    return [*inner, Node(name, Concat(), ends)]


def _mean_branch(name: str, before: str, width: int) -> list[Node]:
    pool = Node(f"{name}_pool", MeanPool(3, 1, 1), (before,))
    return [pool, *tensorflow_unit(f"{name}_branch_pool", Conv(width, 1, 1, 0))]


def _max_branch(name: str, before: str) -> list[Node]:
    return [Node(f"{name}_pool", MaxPool(3, 2), (before,))]


def _a(name: str, before: str, width: int) -> list[Node]:
    """35 x 35 samples of a 299 x 299 image."""
    double = ("3x3dbl_1", 64, 1), ("3x3dbl_2", 96, 3), ("3x3dbl_3", 96, 3)
    return _join(
        name,
        _branch(name, before, ("1x1", 64, 1)),
        _branch(name, before, ("5x5_1", 48, 1), ("5x5_2", 64, 5)),
        _branch(name, before, *double),
        _mean_branch(name, before, width),
    )


def _b(name: str, before: str) -> list[Node]:
    """From 35 to 17."""
    double = ("3x3dbl_1", 64, 1), ("3x3dbl_2", 96, 3), ("3x3dbl_3", 96, 3, 2)
    return _join(
        name,
        _branch(name, before, ("3x3", 384, 3, 2)),
        _branch(name, before, *double),
        _max_branch(name, before),
    )


def _c(name: str, before: str, width: int) -> list[Node]:
    """17 x 17, with windows as long as 7."""
    row, column = (1, 7), (7, 1)
    return _join(
        name,
        _branch(name, before, ("1x1", 192, 1)),
        _branch(
            name,
            before,
            ("7x7_1", width, 1),
            ("7x7_2", width, row),
            ("7x7_3", 192, column),
        ),
        _branch(
            name,
            before,
            ("7x7dbl_1", width, 1),
            ("7x7dbl_2", width, column),
            ("7x7dbl_3", width, row),
            ("7x7dbl_4", width, column),
            ("7x7dbl_5", 192, row),
        ),
        _mean_branch(name, before, 192),
    )


def _d(name: str, before: str) -> list[Node]:
    """From 17 to 8."""
    return _join(
        name,
        _branch(name, before, ("3x3_1", 192, 1), ("3x3_2", 320, 3, 2)),
        _branch(
            name,
            before,
            ("7x7x3_1", 192, 1),
            ("7x7x3_2", 192, (1, 7)),
            ("7x7x3_3", 192, (7, 1)),
            ("7x7x3_4", 192, 3, 2),
        ),
        _max_branch(name, before),
    )


def _e(name: str, before: str) -> list[Node]:
    """8 x 8; two branches fork once more."""
    three = _branch(name, before, ("3x3_1", 384, 1))
    double = _branch(name, before, ("3x3dbl_1", 448, 1), ("3x3dbl_2", 384, 3))
    forks = [
        _branch(name, stem[-1].name, (f"{part}{side}", 384, window))
        for stem, part in ((three, "3x3_2"), (double, "3x3dbl_3"))
        for side, window in (("a", (1, 3)), ("b", (3, 1)))
    ]
    nodes = _join(
        name,
        _branch(name, before, ("1x1", 320, 1)),
        *forks,
        _mean_branch(name, before, 192),
    )
    return [*three, *double, *nodes]


def _auxiliary(before: str, classes: int) -> list[Node]:
    return [
        Node("aux_pool", MeanPool(5, 3), (before,)),
        *tensorflow_unit("aux_conv0", Conv(128, 1, 1, 0)),
        *tensorflow_unit("aux_conv1", Conv(768, 5, 1, 0)),
        Node("aux_mean", GlobalMean()),
        Node("aux_logits", Dense(classes)),
    ]


#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {"inception_v3": Config()}
