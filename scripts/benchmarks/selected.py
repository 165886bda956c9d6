"""The cost of chosen feature maps beside that of all maps.

    python scripts/benchmarks/selected.py study/maps.json
    python scripts/benchmarks/selected.py study/maps.json --size 384 512 --runs 7

Times ``jiqa.load("selected:maps.json")`` against the scores of all maps of the same
network (``cnn_iqm`` with ``per_map``), by turns, on one pair of random images. Printed
are the least wall-clock and processor seconds of the runs, without compilation;
processor time is the one to trust on a busy machine.

Measured, nine maps of AlexNet (deepest conv5), 512x384, two cores: 0.030 s, all 1,152
maps 0.058 s.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import jiqa
from jiqa.analysis.map_selection.selected_maps import Selection


def main() -> None:
    """Print both times, and by how much the chosen maps are faster."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("maps", help="file of jiqa analyse select")
    parser.add_argument("--size", type=int, nargs=2, default=(384, 512))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--weights")
    arguments = parser.parse_args()
    with open(arguments.maps, encoding="utf-8") as file:
        selection = Selection.from_json(file.read())
    whole = {k: v for k, v in selection.options.items() if k != "layers"}
    metrics = {
        f"{len(selection.selected)} chosen": jiqa.load(
            f"selected:{arguments.maps}", weights_folder=arguments.weights
        ),
        "all maps": jiqa.load(
            "cnn_iqm",
            weights_folder=arguments.weights,
            net=selection.network,
            metric=selection.metric,
            per_map=True,
            **whole,
        ),
    }
    rng = np.random.default_rng(0)
    pair = rng.random((2, *arguments.size, 3)).astype(np.float32)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in metrics}
    for metric in metrics.values():
        np.asarray(metric(*pair))  # compiles
    for _ in range(arguments.runs):
        for name, metric in metrics.items():
            times[name].append(timed(metric, pair))
    least = {name: np.min(found, axis=0) for name, found in times.items()}
    height, width = arguments.size
    print(f"{selection.network}, {', '.join(selection.names)}; {height}x{width}")
    for name, (wall, processor) in least.items():
        print(f"{name:>12}: {wall:.3f} s, processor {processor:.3f} s")
    chosen, every = least.values()
    print(f"{'faster':>12}: {every[0] / chosen[0]:.1f}x, {every[1] / chosen[1]:.1f}x")


def timed(metric: Callable[..., Any], pair: np.ndarray) -> tuple[float, float]:
    """Wall-clock and processor seconds of one call."""
    wall, processor = time.perf_counter(), time.process_time()
    np.asarray(metric(*pair))
    return time.perf_counter() - wall, time.process_time() - processor


if __name__ == "__main__":
    main()
