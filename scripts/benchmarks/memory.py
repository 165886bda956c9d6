"""Memory of ``jiqa evaluate psnr,ssim`` as a data set grows.

    python scripts/benchmarks/memory.py
    python scripts/benchmarks/memory.py --images 20000 --references 40 --size 64x64
    python scripts/benchmarks/memory.py --quick

A generated table of 64x64 PNG images is prepared as a user would, and a twentieth, a
quarter and all of it are evaluated, report included, each by a separate process. For
each: resident memory after a twentieth, a quarter, a half and all of its images, by
the rows in its journal; the peak of the whole run, as the kernel counts it; and images
per second from the first row to the last.

Prints a table and writes scripts/results/memory-cpu.csv and .json; --output names
another place. --quick shows that it runs, on 400 images; it writes only where --output
says. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import evaluate_sets as sets
import timing
from rich.console import Console
from rich.table import Table
from timing import number

#: Per cent of the references that a run evaluates, and of a run's images.
PARTS, MARKS = (5, 25, 100), (5, 25, 50, 100)
_METRICS, _EVERY = "psnr,ssim", 0.02  # seconds between two looks


def main() -> None:
    """Parse, measure, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--images", type=int, default=20_000, help="%(default)s")
    add("--references", type=int, default=40, help="a multiple of 20 (%(default)s)")
    add("--size", default="64x64", help="of an image (%(default)s)")
    add("--quick", action="store_true", help="only see that it runs: 400 images")
    add("--output", type=Path, help="where to write, without suffix")
    if parser.parse_args().quick:
        parser.set_defaults(images=400, references=20)
    options = parser.parse_args()
    if options.references % 20 or options.images % options.references:
        parser.error("--references: expected a multiple of 20 that divides --images")
    width, height = map(int, options.size.split("x"))
    console = timing.console(120)
    document: dict[str, Any] = {"machine": timing.describe_machine(os.cpu_count() or 1)}
    with tempfile.TemporaryDirectory(prefix="jiqa-memory-") as name:
        root = Path(name)
        data = sets.prepare_small(
            root / "archive",
            root / "data",
            options.images,
            options.references,
            (width, height),
        )
        splits = [f":train@0/{part}-{100 - part}" for part in PARTS[:-1]]
        document["results"] = [
            watch(root, data + split, options.images * part // 100)
            for part, split in zip(PARTS, [*splits, ""], strict=True)
        ]
    show(console, document["results"])
    if options.quick and not options.output:
        return
    stem = options.output or timing.RESULTS / "memory-cpu"
    timing.save(stem, document, document["results"])
    console.print(f"written to {stem}.csv and .json", highlight=False)


def watch(root: Path, data: str, images: int) -> dict[str, Any]:
    """Evaluate ``data``, which has so many images, and look at the process."""
    output = root / data.replace("/", "-").replace(":", "-")
    command = ["-m", "jiqa", "evaluate", _METRICS, "--data", data]
    command += ["--data-dir", str(root / "data"), "--output", str(output)]
    environment = {"JIQA_CACHE": str(root / "cache"), "JAX_PLATFORMS": "cpu"}
    log = (root / "log").open("w+")
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, **environment},
        stdout=log,
        stderr=log,
    )
    seen, peak = _follow(process, output, start)
    elapsed = time.perf_counter() - start
    if process.returncode:
        log.seek(0)
        raise RuntimeError(f"{' '.join(command)} failed:\n{log.read()[-3000:]}")
    rows = [(when, done) for when, done, _ in seen if done]
    (first, early), (last, late) = rows[0], rows[-1]
    found = {
        "command": f"jiqa evaluate {_METRICS} --data {data} --output out",
        "images": images,
        "seconds": round(elapsed, 2),
        "images_s": round((late - early) / (last - first), 1) if late > early else None,
        "peak_mib": round(peak, 1),
    }
    for mark in MARKS:
        count = images * mark // 100
        found[f"mib_at_{mark}_percent"] = next(
            (round(resident, 1) for _, done, resident in seen if done >= count), None
        )
    return found


def _follow(
    process: subprocess.Popen[bytes], output: Path, start: float
) -> tuple[list[tuple[float, int, float]], float]:
    """(seconds, finished images, MiB) while rows come, and the peak up to the end."""
    journal: Any = None
    done, peak = -1, 0.0  # the journal's first line is no row
    seen = []
    while process.poll() is None:
        if journal is None:
            paths = list(output.glob("*.partial"))
            journal = paths[0].open("rb") if paths else None
        if journal is not None:
            done += journal.read().count(b"\n")
        resident, highest = _memory(process.pid)
        peak = max(peak, highest)
        if resident:
            seen.append((time.perf_counter() - start, max(done, 0), resident))
        time.sleep(_EVERY)
    return seen, peak


def _memory(pid: int) -> tuple[float, float]:
    """Resident memory and its peak in MiB; zeros once the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    found = dict(line.split(":", 1) for line in lines)
    return _mebibytes(found.get("VmRSS")), _mebibytes(found.get("VmHWM"))


def _mebibytes(text: str | None) -> float:
    return int(text.split()[0]) / 1024 if text else 0.0


def show(console: Console, results: Sequence[dict[str, Any]]) -> None:
    """Print memory by images."""
    table = Table(
        *("images", "images/s", "seconds", "peak MiB"),
        *(f"at {mark} %" for mark in MARKS),
        title="resident memory in MiB",
    )
    for row in results:
        marks = (row[f"mib_at_{mark}_percent"] for mark in MARKS)
        cells = (row["images_s"], row["seconds"], row["peak_mib"], *marks)
        table.add_row(f"{row['images']:,}", *map(number, cells))
    console.print(table)


if __name__ == "__main__":
    main()
