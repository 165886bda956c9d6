"""A folder in which every pair of images has another size: jiqa beside piq.

    python scripts/benchmarks/any_size.py
    python scripts/benchmarks/any_size.py --images 40 --metrics ssim,psnr

Makes generated pairs with sides of 240 to 1100 pixels, references PNG, distorted JPEG.
``jiqa score`` is run as a user runs it, in a process of its own: cold, with nothing
compiled before, and then warm. piq computes the metrics that it has on the same files,
pair by pair, in a process of its own too. For each: seconds on the clock, and of all
processor cores together, which other work on the machine disturbs less.

Prints a table and writes scripts/results/any-size-cpu.csv and .json; --output names
another place, --quick shows that it runs, on 12 pairs, and writes only where --output
says.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timing
from rich.table import Table

_METRICS = "ssim,ms_ssim,psnr,gmsd,fsim,vifp,haarpsi,mdsi,vsi"
_SIDES = (240, 1100)


def main() -> None:
    """Parse, measure, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--images", type=int, default=200, help="pairs, each of a size (%(default)s)")
    add("--metrics", default=_METRICS, help="%(default)s")
    add("--quick", action="store_true", help="only see that it runs: 12 pairs")
    add("--output", type=Path, help="where to write, without suffix")
    add("--piq", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.metrics.split(",")
    if options.piq:
        _score_by_piq(options.piq, names)
        return
    images = 12 if options.quick else options.images
    with tempfile.TemporaryDirectory(prefix="jiqa-any-size-") as name:
        root = Path(name)
        sizes = write_files(root, images)
        rows = [_jiqa(root, names, run) for run in ("cold", "warm")]
        rows.append(_timed("piq", "", [sys.executable, __file__, *_piq(root, names)]))
    table = Table("library", "run", "seconds", "seconds of all cores", "ratio to piq")
    last = rows[-1]
    for row in rows:
        row["ratio_to_piq"] = round(row["seconds"] / last["seconds"], 3)
        row["cpu_ratio_to_piq"] = round(row["cpu_seconds"] / last["cpu_seconds"], 3)
        ratio = f"{row['ratio_to_piq']:.2f} ({row['cpu_ratio_to_piq']:.2f})"
        values = (row[k] for k in ("library", "run", "seconds", "cpu_seconds"))
        table.add_row(*map(str, values), ratio)
    timing.console(120).print(table)
    document = {
        "machine": timing.describe_machine(os.cpu_count() or 1),
        "metrics": names,
        "sizes": sizes,
        "runs": rows,
    }
    stem = options.output or timing.RESULTS / "any-size-cpu"
    if options.output or not options.quick:
        timing.save(stem, document, rows)


def write_files(root: Path, count: int) -> list[str]:
    """Write ``reference/`` and ``distorted/``, every pair of another size."""
    from PIL import Image

    draw = np.random.default_rng(0)
    sizes: dict[tuple[int, int], None] = {}
    while len(sizes) < count:
        height, width = draw.integers(_SIDES[0], _SIDES[1] + 1, 2)
        sizes[int(height), int(width)] = None
    for folder in ("reference", "distorted"):
        (root / folder).mkdir()
    for number, (height, width) in enumerate(sizes):
        clean, noisy = timing.natural_pair(1, height, width, seed=number)
        reference = root / "reference" / f"{number:03}.png"
        Image.fromarray(clean[0]).save(reference, compress_level=1)
        distorted = root / "distorted" / f"{number:03}.jpg"
        Image.fromarray(noisy[0]).save(distorted, quality=30 + number % 5 * 10)
    return [f"{width}x{height}" for height, width in sizes]


def _jiqa(root: Path, names: Sequence[str], run: str) -> dict[str, Any]:
    table = root / "scores.csv"
    table.unlink(missing_ok=True)
    command = [sys.executable, "-m", "jiqa", "score", ",".join(names)]
    command += [str(root / "distorted"), "--reference", str(root / "reference")]
    row = _timed("jiqa", run, [*command, "--output", str(table)], root / "cache")
    with table.open(newline="") as file:
        failed = [r["error"] for r in csv.DictReader(file) if r["error"]]
    if failed:
        raise RuntimeError(f"jiqa score: {len(failed)} rows failed: {failed[0]}")
    return row


def _timed(
    library: str, run: str, command: Sequence[str], cache: Path | None = None
) -> dict[str, Any]:
    """Seconds of a command, on the clock and of all cores."""
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    if cache:
        environment |= {
            "JIQA_CACHE": str(cache),
            "JAX_ENABLE_COMPILATION_CACHE": "true",
        }
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "library": library,
        "run": run,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(used, 2),
    }


def _piq(root: Path, names: Sequence[str]) -> list[str]:
    return ["--piq", str(root), "--metrics", ",".join(names)]


def _score_by_piq(root: Path, names: Sequence[str]) -> None:
    """Every metric of every pair, as piq's own examples call them."""
    import peers_torch  # declares torchvision's operators before piq imports it
    from PIL import Image

    peers_torch.set_up("cpu", os.cpu_count() or 1)
    import piq  # pyright: ignore[reportMissingImports]
    import torch

    calls: dict[str, Any] = {
        "ssim": lambda x, y: piq.ssim(x, y, downsample=False),
        "ms_ssim": piq.multi_scale_ssim,
        "psnr": piq.psnr,
        "gmsd": piq.gmsd,
        "fsim": lambda x, y: piq.fsim(x, y, chromatic=False),
        "vifp": piq.vif_p,
        "haarpsi": piq.haarpsi,
        "mdsi": piq.mdsi,
        "vsi": piq.vsi,
    }
    absent = sorted(set(names) - set(calls))
    if absent:
        raise SystemExit(f"piq: expected {', '.join(calls)}, got {', '.join(absent)}")
    for file in sorted((root / "distorted").iterdir()):
        pair = [root / "reference" / f"{file.stem}.png", file]
        arrays = [np.asarray(Image.open(path).convert("RGB")) for path in pair]
        x, y = (torch.tensor(a).permute(2, 0, 1)[None] / 255 for a in arrays)
        with torch.no_grad():
            for name in names:
                float(calls[name](x, y))


if __name__ == "__main__":
    main()
