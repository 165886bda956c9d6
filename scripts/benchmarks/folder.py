"""The folder section of metrics.py: ``jiqa score`` beside computing alone.

Two hundred pairs of five sizes, references PNG, distorted half PNG and half JPEG. The
command is run as a user runs it, in a separate process: starting, finding and
decoding files, tracing, loading compiled programs from the cache that a first run has
filled, computing, writing the table. Computing alone is the same metrics on the same
pixels in memory, in batches of the same size, by programs already compiled.
"""

from __future__ import annotations

import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from timing import natural_pair

#: width, height of 40 pairs each: TID2013, BSDS500, Kodak, LIVE Challenge, VGA
SIZES = ((512, 384), (481, 321), (768, 512), (500, 500), (640, 480))
_EACH = 40
_BATCH = 8

Batches = list[tuple[np.ndarray, np.ndarray]]


def run(metrics: str, repeats: int, device: str) -> dict[str, Any]:
    """Time both, taking turns.

    Args:
        metrics: what ``jiqa score`` is asked for.
        repeats: turns after the first run.
        device: ``"cpu"`` or ``"gpu"``.
    """
    with tempfile.TemporaryDirectory(prefix="jiqa-folder-") as name:
        root = Path(name)
        write_files(root)
        start = time.perf_counter()
        batches = read_files(root)
        decode = time.perf_counter() - start
        first, failed = _command(root, metrics, device)
        alone = _programs(metrics)
        start = time.perf_counter()
        _compute(alone, batches)
        compiling = time.perf_counter() - start
        whole, bare = [], []
        for _ in range(repeats):
            whole.append(_command(root, metrics, device)[0])
            start = time.perf_counter()
            _compute(alone, batches)
            bare.append(time.perf_counter() - start)
    return {
        "metrics": metrics,
        "images": len(SIZES) * _EACH,
        "sizes": [f"{w}x{h}" for w, h in SIZES],
        "failed_rows": failed,
        "command_first_s": round(first, 3),
        "command_median_s": round(statistics.median(whole), 3),
        "command_min_s": round(min(whole), 3),
        "alone_first_s": round(compiling, 3),
        "alone_median_s": round(statistics.median(bare), 3),
        "alone_min_s": round(min(bare), 3),
        "decode_one_thread_s": round(decode, 3),
        "ratio": round(statistics.median(whole) / statistics.median(bare), 4),
        "runs": repeats,
    }


def write_files(root: Path) -> None:
    """Write ``reference/`` and ``distorted/``, matched by name up to the suffix."""
    from PIL import Image

    for folder in ("reference", "distorted"):
        (root / folder).mkdir()
    for size, (width, height) in enumerate(SIZES):
        for part in range(_EACH // _BATCH):
            pair = natural_pair(_BATCH, height, width, seed=part)
            for index, (clean, noisy) in enumerate(zip(*pair, strict=True)):
                name = f"{size}_{part * _BATCH + index:03d}"
                reference = Image.fromarray(clean)
                reference.save(root / "reference" / f"{name}.png", compress_level=3)
                distorted = root / "distorted" / name
                if index % 2:
                    reference.save(distorted.with_suffix(".jpg"), quality=40)
                else:
                    Image.fromarray(noisy).save(
                        distorted.with_suffix(".png"), compress_level=3
                    )


def read_files(root: Path) -> Batches:
    """Decode everything, in batches of one size."""
    from PIL import Image

    files = sorted((root / "distorted").iterdir())
    pairs = [
        (
            np.asarray(Image.open(root / "reference" / f"{file.stem}.png")),
            np.asarray(Image.open(file)),
        )
        for file in files
    ]
    groups = [pairs[i : i + _BATCH] for i in range(0, len(pairs), _BATCH)]
    return [
        (np.stack([r for r, _ in group]), np.stack([d for _, d in group]))
        for group in groups
    ]


def _command(root: Path, metrics: str, device: str) -> tuple[float, int]:
    """Seconds of one ``jiqa score``, and how many of its rows failed."""
    table = root / "scores.csv"
    table.unlink(missing_ok=True)
    command = [sys.executable, "-m", "jiqa", "score", metrics]
    command += [str(root / "distorted"), "--reference", str(root / "reference")]
    environment = os.environ | {
        "JIQA_CACHE": str(root / "cache"),
        "JAX_ENABLE_COMPILATION_CACHE": "true",  # this process has none
        "JAX_PLATFORMS": "cuda" if device == "gpu" else "cpu",
    }
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--output", str(table)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    elapsed = time.perf_counter() - start
    if done.returncode not in (0, 1) or not table.exists():
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    with table.open(newline="") as file:
        return elapsed, sum(bool(row["error"]) for row in csv.DictReader(file))


def _programs(metrics: str) -> tuple[Any, Any]:
    """One compiled pass for the metrics with a reference, one for those without."""
    import jiqa

    names = metrics.split(",")
    if metrics == "all-classical":
        names = jiqa.list_metrics(classical=True)
    full = [n for n in names if n in jiqa.list_metrics(kind="full-reference")]
    blind = [n for n in names if n not in full]
    return jiqa.load(full) if full else None, jiqa.load(blind) if blind else None


def _compute(programs: tuple[Any, Any], batches: Batches) -> None:
    import jax

    full, blind = programs
    for reference, distorted in batches:
        # Fetched, as the command has to; both programs are under way before that.
        jax.device_get(
            [
                full(reference, distorted) if full else None,
                blind(distorted) if blind else None,
            ]
        )
