"""Building blocks of several networks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import (
    Affine,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    Operation,
    Padding,
    Relu,
    both,
)
from jiqa.nn.pooling import AdaptiveMean
from jiqa.nn.preprocessing import standardise, symmetric

_RELU = Relu()


def keeping(window: int | tuple[int, int]) -> Padding:
    """The zero padding that keeps a map's size at stride 1, for odd windows."""
    rows, columns = both(window)
    return (rows // 2, rows // 2), (columns // 2, columns // 2)


def unit(
    name: str,
    conv: Conv,
    inputs: tuple[str, ...] = (),
    *,
    epsilon: float = 1e-5,
    activation: Operation = _RELU,
) -> list[Node]:
    """Convolution, batch normalisation and rectifier: NAME, NAME_bn, NAME_relu."""
    return [
        Node(name, conv, inputs),
        Node(f"{name}_bn", BatchNorm(epsilon)),
        Node(f"{name}_relu", activation),
    ]


def tensorflow_unit(name: str, conv: Conv, inputs: tuple[str, ...] = ()) -> list[Node]:
    """The same as TensorFlow's networks have it: without a bias, epsilon 1e-3."""
    return unit(name, dataclasses.replace(conv, bias=False), inputs, epsilon=1e-3)


def classifier(side: int, hidden: int, classes: int) -> list[Node]:
    """Means of ``side`` x ``side`` cells, then three fully connected layers."""
    return [
        Node("avgpool", AdaptiveMean(side)),
        Node("flatten", Flatten(side)),
        Node("fc6", Dense(hidden)),
        Node("relu6", Relu()),
        Node("fc7", Dense(hidden)),
        Node("relu7", Relu()),
        Node("logits", Dense(classes)),
    ]


def to_symmetric() -> Node:
    """Scale images standardised as in torchvision to [-1, 1], channel by channel."""
    factor, summand = zip(
        *(
            (deviation / half, (mean - middle) / half)
            for deviation, mean, half, middle in zip(
                standardise.deviation,
                standardise.mean,
                symmetric.deviation,
                symmetric.mean,
                strict=True,
            )
        ),
        strict=True,
    )
    return Node("transform", Affine(factor, summand))


@dataclass(frozen=True)
class FromTensorFlow(Network):
    """A network whose weights torchvision took from TensorFlow: how it begins and ends.

    Attributes:
        transform_input: whether images standardised as torchvision does are brought to
            the range that the weights, from TensorFlow, were trained on: so for the
            published ones.
        classes: how many scores the network ends in.
    """

    transform_input: bool = True
    classes: int = 1000

    preprocess = standardise

    def beginning(self) -> list[Node]:
        """What images pass before the first convolution."""
        return [to_symmetric()] if self.transform_input else []
