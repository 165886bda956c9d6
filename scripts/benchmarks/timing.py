"""Fair timing for the benchmarks: turns, test images, a description of the machine."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from jiqa.io.json_files import write_json
from jiqa.io.write_table import write_rows

_LIBRARIES = (
    "jiqa jax jaxlib numpy scipy pillow torch torchvision piq torchmetrics "
    "pytorch-msssim pyiqa scikit-image dm-pix"
).split()

#: Where figures are written by default.
RESULTS = Path(__file__).parents[1] / "results"

#: Seconds of calls that make a median worth printing.
ENOUGH = 0.5


def choose_device(device: str) -> None:
    """Have JAX, not yet imported, use the ``"cpu"`` or the ``"gpu"``, beside peers."""
    os.environ["JAX_PLATFORMS"] = "cuda" if device == "gpu" else "cpu"
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the peers need room too
    os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"


def console(width: int) -> Console:
    """A terminal as it is; a file of a width that holds the tables."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=width)


def clock_and_processors(
    call: Callable[[], Any], who: int = resource.RUSAGE_SELF
) -> tuple[float, float]:
    """Seconds of a call on the clock, and of all processors.

    Args:
        call: what is timed; it ends when its result is there.
        who: ``resource.RUSAGE_SELF``, or ``RUSAGE_CHILDREN`` if it runs a program.
    """

    def used() -> float:
        usage = resource.getrusage(who)
        return usage.ru_utime + usage.ru_stime

    start, before = time.perf_counter(), used()
    call()
    return time.perf_counter() - start, used() - before


@dataclass
class Contestant:
    """One library's metric on one set of images, and its result."""

    library: str
    call: Callable[[], Any]
    colour: str = ""
    note: str = ""
    first: float = 0.0
    seconds: list[float] = field(default_factory=list)
    score: float = float("nan")
    failed: bool = False

    def run(self) -> float:
        """Seconds of one call, which ends when its result is there."""
        start = time.perf_counter()
        out = self.call()
        elapsed = time.perf_counter() - start
        out = out.cpu() if hasattr(out, "cpu") else out
        self.score = float(np.mean(np.asarray(out, np.float64)))
        return elapsed

    def warm_up(self, limit: float) -> None:
        """Call for the first time.

        A peer compiles nothing: where its first call alone exceeds the limit, it is
        its time.
        """
        self.first = self._try()
        if self.first > limit and self.library != "jiqa":
            self.seconds.append(self.first)

    def take_turn(self, limit: float) -> None:
        """Call once more, unless it has failed or used up its time."""
        if not self.failed and sum(self.seconds) <= limit:
            # The idle threads of whoever ran last still spin, on our cores.
            time.sleep(0.01)
            elapsed = self._try()
            if not self.failed:
                self.seconds.append(elapsed)

    def _try(self) -> float:
        """Run; a failure becomes the note."""
        try:
            return self.run()
        except Exception as error:
            self.failed = True
            self.note = f"failed: {type(error).__name__}: {error}".splitlines()[0]
            return 0.0

    def result(self) -> dict[str, Any]:
        """Times in milliseconds, and what was computed."""
        if self.failed or not self.seconds:
            return {"note": self.note}
        median = statistics.median(self.seconds)
        return {
            "median_ms": round(median * 1e3, 4),
            "min_ms": round(min(self.seconds) * 1e3, 4),
            "compile_s": round(max(0.0, self.first - median), 3),
            "runs": len(self.seconds),
            "colour": self.colour,
            "score": self.score,
            "note": self.note,
        }


def compete(contestants: list[Contestant], repeats: int, limit: float) -> None:
    """Warm all up, then let them take turns; each stops after ``limit`` seconds.

    Calls of a few milliseconds vary by tens of per cent: contestants whose turns have
    taken less than ``ENOUGH`` seconds together take up to ten times as many. Every
    round has a different order: who follows whom decides what the caches hold.
    """
    for contestant in contestants:
        contestant.warm_up(limit)
    draw = random.Random(0)
    for turn in range(10 * repeats):
        least = 0.0 if turn < repeats else ENOUGH
        due = [c for c in contestants if not least or sum(c.seconds) < least]
        if all(contestant.failed for contestant in due):
            break
        for contestant in draw.sample(due, len(due)):
            contestant.take_turn(limit)


def natural_pair(
    count: int, height: int, width: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Images with a spectrum like that of photographs, clean and with noise.

    Returns:
        Two uint8 arrays ``[count, height, width, 3]``.
    """
    draw = np.random.default_rng(seed)
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    falloff = 1 / np.maximum(np.hypot(y, x), 1 / max(height, width)) ** 1.2
    white = draw.standard_normal((count, 3, height, width))
    shaped = np.fft.irfft2(np.fft.rfft2(white) * falloff, s=(height, width))
    shaped[:, 1:] += 2 * shaped[:, :1]  # the channels of a photograph go together
    shaped = np.moveaxis(shaped / shaped.std((2, 3), keepdims=True), 1, -1)
    clean = np.clip(np.round(128 + 45 * shaped), 0, 255)
    noisy = np.clip(np.round(clean + 12 * draw.standard_normal(clean.shape)), 0, 255)
    return clean.astype(np.uint8), noisy.astype(np.uint8)


def pin(threads: int) -> int:
    """Keep this process and its children on ``threads`` cores.

    Must come before JAX and PyTorch are imported: they size their thread pools by it.

    Returns:
        How many cores it got.
    """
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if not hasattr(os, "sched_setaffinity"):
        return threads
    cores = sorted(os.sched_getaffinity(0))[:threads]
    os.sched_setaffinity(0, cores)
    return len(cores)


def describe_machine(threads: int) -> dict[str, Any]:
    """Processor, device, versions, date and the command that was given."""
    import jax

    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", *sys.argv]),
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "device": str(jax.devices()[0].device_kind),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def save(stem: Path, document: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """Write ``document`` to ``stem.json`` and the flat ``rows`` to ``stem.csv``."""
    write_json(stem.with_name(stem.name + ".json"), document, indent=1)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    write_rows(stem.with_name(stem.name + ".csv"), columns, rows)


def number(value: float | None) -> str:
    """Three significant digits, or all digits of a whole thousand; ``-`` for none."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
