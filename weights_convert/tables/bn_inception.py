"""BN-Inception, as Cadene's pretrained-models names it, after Caffe."""

from __future__ import annotations

from weights_convert.tables._keys import Table, torch


def _pytorch(network: str) -> Table:
    return torch(network, lambda node: "last_linear" if node == "logits" else node)


TABLES = {("bn_inception", "pytorch"): _pytorch}
