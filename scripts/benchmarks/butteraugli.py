r"""Time Butteraugli beside ``butteraugli_main`` of libjxl, on one pair of images.

    python scripts/benchmarks/butteraugli.py --program butteraugli_main
    python scripts/benchmarks/butteraugli.py --side 512x512 --repeats 9

Prints, for jiqa's call and for the program, the median seconds on the clock and of all
processors, and their ratio: below 1, jiqa is faster. The program computes in one
thread, jiqa in all that the process may use; the seconds of processors compare them on
one footing. Starting the program and reading its two files is part of its time, and
takes it a tenth of a second at 1920x1080; jiqa's call starts from arrays. The first
line is what the first call took beyond that (compilation).

Debian has the program in the package ``libjxl-devtools`` (release 0.7.0), whose values
``preset="libjxl-0.7"`` gives: both are printed.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

import timing
from PIL import Image


def main() -> None:
    """Take turns and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--program", default="butteraugli_main")
    parser.add_argument("--side", default="1920x1080", help="width x height")
    parser.add_argument("--repeats", type=int, default=7)
    chosen = parser.parse_args()
    timing.choose_device("cpu")
    import jax

    from jiqa.metrics import butteraugli

    width, height = map(int, chosen.side.split("x"))
    reference, distorted = (x[0] for x in timing.natural_pair(1, height, width))
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / name) for name in ("a.ppm", "b.ppm")]
        for image, path in zip((reference, distorted), paths, strict=True):
            Image.fromarray(image).save(path)

        def program() -> str:
            done = subprocess.run(
                [chosen.program, *paths], capture_output=True, text=True, check=True
            )
            return done.stdout.split()[0]

        def jiqa() -> float:
            score = butteraugli(reference, distorted, preset="libjxl-0.7")
            return float(jax.block_until_ready(score))

        first, _ = timing.clock_and_processors(jiqa, resource.RUSAGE_SELF)
        print(f"values: jiqa {jiqa():.6f}, {chosen.program} {program()}")
        turns = [
            (
                timing.clock_and_processors(jiqa, resource.RUSAGE_SELF),
                timing.clock_and_processors(program, resource.RUSAGE_CHILDREN),
            )
            for _ in range(chosen.repeats)
        ]
    for k, name in enumerate(("clock", "processors")):
        ours, theirs = (
            statistics.median(turn[who][k] for turn in turns) for who in (0, 1)
        )
        if not k:
            print(f"first call: {first - ours:.2f} s more")
        ratio = ours / theirs
        print(f"{name}: jiqa {ours:.3f} s, program {theirs:.3f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
