"""AlexNet, as torchvision names it."""

from __future__ import annotations

from weights_convert.tables._keys import torch_by

_MODULES = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "logits": "classifier.6",
}


TABLES = {("alexnet", "torchvision"): torch_by(_MODULES.__getitem__)}
