"""Which pixels a sample of a feature map depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jiqa.nn.by_patch import ByPatch
from jiqa.nn.graph import IMAGES, Node, until
from jiqa.nn.operations import Conv
from jiqa.nn.pooling import Pool
from jiqa.nn.windows import both, margins


@dataclass(frozen=True)
class Reach:
    """Sample ``i`` depends on pixels ``i * stride - before .. i * stride + after``."""

    stride: int = 1
    before: int = 0
    after: int = 0

    def widened(self, halo: int) -> Reach:
        """The reach of a sample together with ``halo`` samples on each side."""
        more = halo * self.stride
        return Reach(self.stride, self.before + more, self.after + more)


def map_sizes(
    nodes: Sequence[Node], taps: Sequence[str], rows: int, columns: int
) -> dict[str, tuple[int, int]]:
    """Samples of each tap along both axes, for an image of that size."""
    found = {IMAGES: (rows, columns)}
    for node in until(nodes, taps):
        came = found[node.inputs[0]]
        found[node.name] = node.op.size(came[0], 0), node.op.size(came[1], 1)
    return {tap: found[tap] for tap in taps}


def reaches(nodes: Sequence[Node], taps: Sequence[str]) -> dict[str, Reach]:
    """The reach of each tap along both axes; the wider one where they differ.

    Raises:
        ValueError: a tap depends on the whole image.
    """
    found = {IMAGES: Reach()}
    for node in until(nodes, taps):
        inputs = [found[name] for name in node.inputs]
        stride = inputs[0].stride
        before, after = (
            max(getattr(r, k) for r in inputs) for k in ("before", "after")
        )
        if isinstance(node.op, Conv | Pool | ByPatch):
            windows = both(node.op.window)
            low = max(pad[0] for pad in margins(node.op.padding))
            high = max(
                window - 1 - pad[0]
                for window, pad in zip(windows, margins(node.op.padding), strict=True)
            )
            before, after = before + low * stride, after + high * stride
            stride *= node.op.stride
        elif node.op.size(64, 0) != 64:
            raise ValueError(f"{node.name!r} sees the whole image at once")
        found[node.name] = Reach(stride, before, after)
    return {tap: found[tap] for tap in taps}
