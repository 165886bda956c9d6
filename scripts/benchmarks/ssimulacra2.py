"""Time SSIMULACRA 2 beside the PyPI package ``ssimulacra2``, on one 1920x1080 pair.

    python -m venv peer
    peer/bin/pip install ssimulacra2==0.3.0
    python scripts/benchmarks/ssimulacra2.py --python peer/bin/python

The package (NumPy and SciPy) reads files and has dependencies of its own: it runs in
another process, with the interpreter that ``--python`` names, and its time includes
decoding two PNG files, as its only function does. jiqa's is given with the same
decoding and without. Both have the same cores and take turns. The package blurs by
another window with other borders: on noise its scores are tens of points below those
of the authors' program, so only the times are compared.

Prints both times and their ratio, and writes scripts/results/ssimulacra2-cpu.csv and
.json; ``--output`` names another file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import timing
from timing import Contestant, number

#: What the other process does: a line asks for one call, and a line with its seconds
#: and score answers.
_PEER = """
import sys, time
from ssimulacra2 import compute_ssimulacra2
for line in sys.stdin:
    start = time.perf_counter()
    score = compute_ssimulacra2(*sys.argv[1:])
    print(time.perf_counter() - start, float(score), flush=True)
"""


def main() -> None:
    """Parse, time, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--python", required=True, help="interpreter that has the package")
    add("--size", default="1920x1080", help="width x height (default: %(default)s)")
    add("--repeats", type=int, default=10, help="turns (default: %(default)s)")
    add("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    add("--output", type=Path, help="where to write, without suffix")
    options = parser.parse_args()
    threads = timing.pin(options.threads)
    timing.choose_device("cpu")
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        files = _written(Path(folder), height, width)
        own, decoding, peer = _timed(options.python, files, options.repeats)
    machine = timing.describe_machine(threads)
    row: dict[str, Any] = {"metric": "ssimulacra2", "images": f"1 of {options.size}"}
    for name, contestant in (("jiqa", own), ("jiqa, files", decoding), ("pypi", peer)):
        result = contestant.result()
        row |= {f"{name}_{key}": value for key, value in result.items()}
        print(
            f"{name:12} {number(result.get('median_ms'))} ms, score "
            f"{contestant.score:.4f} {result['note']}"
        )
    for name in ("median_ms", "min_ms"):
        ratio = row[f"jiqa, files_{name}"] / row[f"pypi_{name}"]
        row[f"ratio_{name.removesuffix('_ms')}"] = round(ratio, 4)
    print(
        f"jiqa with files / package: {row['ratio_median']} (least times: "
        f"{row['ratio_min']})"
    )
    stem = options.output or timing.RESULTS / "ssimulacra2-cpu"
    timing.save(stem, {"machine": machine, "results": [row]}, [row])


def _written(folder: Path, height: int, width: int) -> list[str]:
    """The pair as PNG files."""
    from PIL import Image

    files = []
    pair = timing.natural_pair(1, height, width)
    for name, image in zip(("reference", "distorted"), pair, strict=True):
        files.append(str(folder / f"{name}.png"))
        Image.fromarray(image[0]).save(files[-1], compress_level=1)
    return files


def _timed(python: str, files: list[str], repeats: int) -> list[Contestant]:
    """The metric on arrays, on files, and the package, after their turns."""
    import jax
    import numpy as np

    import jiqa
    from jiqa.io.decode import read_image

    metric = jiqa.load("ssimulacra2")

    def read(file: str) -> Any:
        return np.asarray(read_image(file) / 255, np.float32)

    arrays = [jax.device_put(read(file)) for file in files]
    with subprocess.Popen(
        [python, "-c", _PEER, *files],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None and answered is not None

        def package() -> float:
            asked.write("\n")
            _, score = answered.readline().split()
            return float(score)

        contestants = [
            Contestant("jiqa", lambda: jax.block_until_ready(metric(*arrays))),
            Contestant(
                "jiqa, files",
                lambda: jax.block_until_ready(metric(*map(read, files))),
            ),
            Contestant("pypi", package),
        ]
        timing.compete(contestants, repeats, limit=120.0)
        asked.close()
    return contestants


if __name__ == "__main__":
    main()
