"""GoogLeNet, as torchvision names it: branches by number."""

from __future__ import annotations

from weights_convert.tables._keys import torch_by

_BRANCHES = {
    "1x1": "branch1",
    "3x3_reduce": "branch2.0",
    "3x3": "branch2.1",
    "5x5_reduce": "branch3.0",
    "5x5": "branch3.1",
    "pool_proj": "branch4.1",
}
_DENSE = {
    "logits": "fc",
    "aux1_fc1": "aux1.fc1",
    "aux1_logits": "aux1.fc2",
    "aux2_fc1": "aux2.fc1",
    "aux2_logits": "aux2.fc2",
}


def _module(node: str) -> str:
    if node in _DENSE:
        return _DENSE[node]
    place, kind = (node[:-3], "bn") if node.endswith("_bn") else (node, "conv")
    if place.startswith("inception_"):
        _, module, branch = place.split("_", 2)
        place = f"inception{module}.{_BRANCHES[branch]}"
    return f"{place.replace('_', '.')}.{kind}"


TABLES = {("googlenet", "torchvision"): torch_by(_module)}
