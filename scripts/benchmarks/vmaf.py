r"""Time jiqa's VMAF beside libvmaf's in ffmpeg, on one pair of luma frames.

    python scripts/benchmarks/vmaf.py
    python scripts/benchmarks/vmaf.py --ffmpeg /usr/bin/ffmpeg --size 3840x2160

Prints milliseconds a pair: jiqa's ``vmaf`` and its gradient, compiled; and libvmaf's
float path, with which jiqa agrees, and its fixed-point path. ffmpeg is called with few
and with many frames, and the difference of the two times is that of the frames: reading
is in it, starting is not. All have the same number of threads. Where other programs
run beside, compare the processors' time, the second column, in which jiqa's threads
count together as ffmpeg's do.

ffmpeg comes with libvmaf in the package imageio-ffmpeg: ``pip install imageio-ffmpeg``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import timing
from rich.table import Table

_FEW, _MANY = 4, 24


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--ffmpeg", help="the program (default: that of imageio-ffmpeg)")
    add("--size", default="1920x1080", help="of the images (default: %(default)s)")
    add("--repeats", type=int, default=10, help="calls (default: %(default)s)")
    add("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    threads = timing.pin(options.threads)
    timing.choose_device("cpu")
    table = Table("", "ms", "ms of processors", title=f"one pair of {options.size}")
    for name, wall, busy in _jiqa(height, width, options.repeats):
        table.add_row(name, f"{1e3 * wall:.0f}", f"{1e3 * busy:.0f}")
    program = options.ffmpeg
    if program is None:
        package: Any = importlib.import_module("imageio_ffmpeg")
        program = package.get_ffmpeg_exe()
    for name, wall, busy in _ffmpeg(program, height, width, threads):
        table.add_row(name, f"{1e3 * wall:.0f}", f"{1e3 * busy:.0f}")
    timing.console(100).print(table)


def _jiqa(height: int, width: int, repeats: int) -> Any:
    import jax
    import jax.numpy as jnp

    from jiqa.metrics import vmaf

    x, y = (jnp.asarray(f[..., None], jnp.float32) / 255 for f in _pair(height, width))
    for name, call in (
        ("jiqa", jax.jit(vmaf)),
        ("jiqa, gradient", jax.jit(jax.grad(vmaf, 1))),
    ):
        jax.block_until_ready(call(x, y))
        times = [
            timing.clock_and_processors(
                lambda c=call: jax.block_until_ready(c(x, y)), resource.RUSAGE_SELF
            )
            for _ in range(repeats)
        ]
        yield (name, *(min(t) for t in zip(*times, strict=True)))


def _ffmpeg(program: str, height: int, width: int, threads: int) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("reference", "distorted")]
        for path, frame in zip(paths, _pair(height, width), strict=True):
            path.write_bytes(frame.tobytes() * _MANY)
        for name, model in (
            ("libvmaf, float", "vmaf_float_v0.6.1"),
            ("libvmaf, fixed-point", "vmaf_v0.6.1"),
        ):
            few, many = (
                timing.clock_and_processors(
                    lambda n=n, m=model: subprocess.run(
                        _command(program, paths, height, width, threads, n, m),
                        check=True,
                    ),
                    resource.RUSAGE_CHILDREN,
                )
                for n in (_FEW, _MANY)
            )
            spent = ((b - a) / (_MANY - _FEW) for a, b in zip(few, many, strict=True))
            yield (name, *spent)


def _command(
    program: str,
    paths: list[Path],
    height: int,
    width: int,
    threads: int,
    frames: int,
    model: str,
) -> list[str]:
    size = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}"]
    inputs = [w for path in paths[::-1] for w in (*size, "-i", str(path))]
    graph = f"libvmaf=model=version={model}:n_threads={threads}"
    quiet = ["-hide_banner", "-loglevel", "error"]
    end = ["-frames:v", str(frames), "-f", "null", "-"]
    return [program, *quiet, *inputs, "-lavfi", graph, *end]


def _pair(height: int, width: int) -> Any:
    """A textured frame and itself with noise, 8 bits."""
    import numpy as np

    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:height, :width]
    texture = 128 + 60 * np.sin(rows / 9) * np.cos(cols / 13)
    texture = texture + rng.normal(0, 8, texture.shape)
    noisy = texture + rng.normal(0, 6, texture.shape)
    return [np.clip(x, 0, 255).astype(np.uint8) for x in (texture, noisy)]


if __name__ == "__main__":
    main()
