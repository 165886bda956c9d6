"""Compare programs for any size with those of single sizes, over twenty sizes.

    python scripts/checks/any_size.py
    python scripts/checks/any_size.py ssim fsim --sizes 4

Each classical metric that has a program for any size scores a generated pair of every
size twice, in two buckets with noise beside the image, and by the exact program; in
float32 and in float64. Prints the largest relative differences, and the CPU seconds
to compile and run either kind. An hour for all metrics on two cores: the exact program
is compiled for every size.
"""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from jiqa.cli.common.parser import script_parser
from jiqa.core.any_size import LEAST_SIDE, scores
from jiqa.core.bound_metric import BoundMetric
from jiqa.metrics import all_metrics
from jiqa.ops.extent import Extent
from jiqa.ops.resize import automatic_factor

_SIZES = [
    (177, 177), (179, 239), (180, 320), (191, 201), (192, 192), (199, 255),
    (211, 190), (223, 311), (240, 180), (251, 257), (256, 256), (263, 223),
    (288, 192), (301, 447), (320, 240), (333, 187), (347, 349), (383, 385),
]  # fmt: skip
_BUCKETS = ((512, 512), (640, 576))


def main() -> None:
    """Print a line a metric."""
    able = [n for n, m in all_metrics().items() if m.any_size and m.deep is None]
    parser = script_parser(__doc__)
    parser.add_argument("metrics", nargs="*", default=able, metavar="METRIC")
    parser.add_argument("--sizes", type=int, default=20, help="%(default)s")
    arguments = parser.parse_args()
    table = Table("metric", "float32", "float64", "CPU s, any size", "CPU s, exact")
    for name in arguments.metrics:
        member = BoundMetric(all_metrics()[name])
        single, any_s, exact_s = _compare(member, arguments.sizes)
        with jax.enable_x64(True):
            double, _, _ = _compare(member, arguments.sizes)
        differences = f"{single:.1e}", f"{double:.1e}"
        table.add_row(name, *differences, f"{any_s:.1f}", f"{exact_s:.1f}")
    Console(width=100).print(table)


def _compare(member: BoundMetric, count: int) -> tuple[float, float, float]:
    """The largest relative difference; CPU seconds of either kind of program."""
    side = max(member.min_side, LEAST_SIDE)
    programs: dict[int, Any] = {}
    worst = padded = exact = 0.0
    for height, width in [(side, side), (side, side + 37), *_SIZES][:count]:
        images = _pair(height, width)[0 if member.needs_reference else 1 :]
        start = time.process_time()
        want = float(member.metric(*images))
        exact += time.process_time() - start
        decimates = member.metric.decimates()
        factor = automatic_factor(height, width) if decimates else 1
        if factor not in programs:
            programs[factor] = _program(member, factor)
        for bucket in _BUCKETS:
            arrays = [_in_noise(x, bucket) for x in images]
            start = time.process_time()
            sizes = np.array([[height], [width]], np.int32)
            got = float(programs[factor](*sizes, *arrays)[0])
            padded += (time.process_time() - start) / len(_BUCKETS)
            worst = max(worst, abs(got - want) / max(abs(want), 1e-30))
    return worst, padded, exact


def _program(member: BoundMetric, factor: int) -> Any:
    def program(rows: Any, cols: Any, *images: Any) -> Any:
        return scores(member, {}, Extent(rows, cols, factor), *images)

    return jax.jit(program)


def _pair(height: int, width: int) -> list[np.ndarray]:
    draw = np.random.default_rng(height * 10007 + width)
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    falloff = 1 / np.maximum(np.hypot(y, x), 1 / max(height, width)) ** 1.2
    shaped = draw.standard_normal((3, height, width))
    shaped = np.fft.irfft2(np.fft.rfft2(shaped) * falloff, s=(height, width))
    clean = 128 + 45 * np.moveaxis(shaped / shaped.std(), 0, -1)
    noisy = np.round((clean + draw.normal(0, 9, clean.shape)) / 12) * 12
    return [np.clip(v, 0, 255).astype(np.uint8) for v in (clean, noisy)]


def _in_noise(image: np.ndarray, bucket: tuple[int, int]) -> np.ndarray:
    array = np.random.default_rng(1).integers(0, 256, (1, *bucket, 3)).astype(np.uint8)
    array[0, : image.shape[0], : image.shape[1]] = image
    return array


if __name__ == "__main__":
    main()
