r"""Time jiqa's metrics beside other libraries', and ``jiqa score`` on a folder.

    python scripts/benchmarks/metrics.py
    python scripts/benchmarks/metrics.py --metrics ssim,fsim --peers piq --repeats 50
    python scripts/benchmarks/metrics.py --folder

Prints one table per set of images and writes scripts/results/metrics-cpu.csv (a row
per metric and set of images) and .json (the same with the machine, the versions of all
libraries, the date and the command); --output names another file. All contestants see
the same float32 images, have the same number of threads (the process is pinned to as
many cores) and take turns within one process. A row holds the median and the minimum
of jiqa's calls in milliseconds, through ``jiqa.load``; the seconds that its first
call took beyond that (compilation); each peer's median; and the ratio of jiqa's median
to the fastest peer's: below 1, jiqa is faster. A peer that works on another colour
says so beside its time. A star refers to a note below: another precision or window, or
scores that differ by more than 0.1 %. Once a contestant's calls have taken more than
--limit seconds together, timing stops.

--folder times ``jiqa score all-classical`` on 200 pairs of files of five sizes, PNG
and JPEG, beside the metrics alone on the decoded pixels (see folder.py), and
writes scripts/results/folder-cpu.csv and .json.

Peers are optional; one that cannot be imported is reported. To have them all beside
the CPU build of PyTorch, next to ``pip install -e .[test]`` (the first line's):

    pip install torch==2.13.0 scikit-image==0.26.0 pytorch-msssim==1.0.0 \
        flip-evaluator==1.7
    pip install --no-deps torchvision==0.29.2 piq==0.8.0 torchmetrics==1.9.0 \
        lightning-utilities==0.15.3 dm-pix==0.4.5 chex==0.1.92 toolz absl-py \
        pyiqa==0.1.16 opencv-python-headless "huggingface-hub<1" requests urllib3 \
        idna certifi charset-normalizer tqdm pyyaml cvvdp==0.5.7 ffmpeg-python \
        pyexr einops imageio future

With their dependencies they would bring a CUDA build of PyTorch and training
frameworks. For --device gpu have the CUDA builds of JAX and PyTorch instead.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any

import folder
import peers
import timing
from rich.console import Console
from rich.table import Table
from timing import Contestant, number

#: What is timed besides every metric with its defaults.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "delta_e": [{"formula": "cie1976"}],
    "psnr": [{"colour": "luma"}],
    "ssim": [
        {"downsample": "auto"},
        {"preset": "tensorflow"},
        {"preset": "scikit-image"},
    ],
}

#: name: images, height, width
WORKLOADS = {"8 of 512x512": (8, 512, 512), "1 of 1920x1080": (1, 1080, 1920)}


def main() -> None:
    """Parse, time, print, save."""
    options = _arguments()
    threads = timing.pin(options.threads)
    timing.choose_device(options.device)
    console = timing.console(200)
    section = "folder" if options.folder else "metrics"
    stem = options.output or timing.RESULTS / f"{section}-{options.device}"
    machine = timing.describe_machine(threads)
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores; {machine['device']}; "
        f"{threads} threads; {machine['date']}",
        highlight=False,
    )
    if options.folder:
        repeats = options.repeats or 3
        metrics = options.metrics or "all-classical"
        result = folder.run(metrics, repeats, options.device)
        table = Table("", "seconds", title=f"{result['images']} pairs of files")
        for key, value in result.items():
            table.add_row(key, str(value))
        console.print(table)
        timing.save(stem, {"machine": machine, "folder": result}, [result])
    else:
        document = _metrics(console, options, threads, machine)
        timing.save(stem, document, [flat(row) for row in document["results"]])
    console.print(f"written to {stem}.csv and .json", highlight=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--metrics", help="comma list of jiqa's metrics (default: all classical)")
    every = ",".join(peers.NAMES)
    add("--peers", default=every, help="comma list, or none (default: %(default)s)")
    add("--repeats", type=int, help="turns (default: 20; 3 with --folder)")
    add("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    add("--device", choices=("cpu", "gpu"), default="cpu")
    add("--limit", type=float, default=20.0, help="seconds a contestant may take")
    add("--output", type=Path, help="where to write, without suffix")
    add("--folder", action="store_true", help="time jiqa score on a folder instead")
    return parser.parse_args()


def _metrics(
    console: Console, options: argparse.Namespace, threads: int, machine: dict[str, Any]
) -> dict[str, Any]:
    """Time every metric; return the document to save."""
    import jax
    import numpy as np

    import jiqa

    libraries, missing = {}, {}
    for name in options.peers.split(",") if options.peers != "none" else []:
        try:
            libraries[name] = peers.load(name, options.device, threads)
        except Exception as error:
            missing[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    names = (
        options.metrics.split(",")
        if options.metrics
        else jiqa.list_metrics(classical=True)
    )
    for name in names:
        jiqa.load(name)  # a wrong name is reported before anything is timed
    cases = [(n, o) for n in names for o in ({}, *VARIANTS.get(n, []))]
    repeats = options.repeats or 20
    document: dict[str, Any] = {
        "machine": machine,
        "settings": {"repeats": repeats, "limit_s": options.limit},
        "missing_peers": missing,
        "results": [],
    }
    for workload, (count, height, width) in WORKLOADS.items():
        pair = timing.natural_pair(count, height, width)
        clean, noisy = (x.astype(np.float32) / 255 for x in pair)
        images = {"jiqa": (jax.device_put(clean), jax.device_put(noisy))}
        for name, library in libraries.items():
            images[name] = (library.prepare(clean), library.prepare(noisy))
        rows = []
        for metric, given in cases:
            with console.status(f"{workload}: {metric}"):
                contestants = contestants_for(metric, given, libraries, images)
                timing.compete(contestants, repeats, options.limit)
            rows.append(row_of(case_name(metric, given), workload, contestants))
        show(console, workload, rows, list(libraries))
        document["results"] += rows
    for name, reason in missing.items():
        console.print(f"{name} is missing: {reason}", highlight=False, markup=False)
    return document


def case_name(metric: str, options: dict[str, Any]) -> str:
    """The metric with its options, as the command line labels it."""
    inside = ", ".join(f"{k}={v}" for k, v in options.items())
    return f"{metric}({inside})" if inside else metric


def contestants_for(
    metric: str,
    options: dict[str, Any],
    libraries: dict[str, peers.Library],
    images: dict[str, tuple[Any, Any]],
) -> list[Contestant]:
    """Contestants: jiqa's metric, then every peer that has it."""
    import jax

    import jiqa

    loaded = jiqa.load(metric, **options)
    given = images["jiqa"][loaded.info.kind == "no-reference" :]
    on_luma = loaded.info.colour == "luma" or options.get("colour") == "luma"
    colour = "luma" if on_luma and "preset" not in options else "rgb"
    own = Contestant("jiqa", lambda: jax.block_until_ready(loaded(*given)), colour)
    case = case_name(metric, options)

    def rival(name: str, library: peers.Library) -> Contestant:
        peer = library.cases[case]
        call = lambda: library.wait(peer.call(*images[name]))  # noqa: E731
        return Contestant(name, call, peer.colour, peer.note)

    return [own, *(rival(n, x) for n, x in libraries.items() if case in x.cases)]


def row_of(case: str, workload: str, contestants: list[Contestant]) -> dict[str, Any]:
    """Everything about one metric on one set of images."""
    own, *others = (c.result() for c in contestants)
    peers = {c.library: r for c, r in zip(contestants[1:], others, strict=True)}
    row = {"metric": case, "images": workload, "jiqa": own, "peers": peers}
    row |= {"fastest_peer": None, "ratio": None, "ratio_min": None}
    timed = {n: r for n, r in peers.items() if "median_ms" in r}
    if not timed or "median_ms" not in own:
        return row
    row["fastest_peer"] = best = min(timed, key=lambda n: timed[n]["median_ms"])
    least = min(r["min_ms"] for r in timed.values())
    row["ratio"] = round(own["median_ms"] / timed[best]["median_ms"], 4)
    row["ratio_min"] = round(own["min_ms"] / least, 4)
    for peer in timed.values():
        value, mine = peer["score"], own["score"]
        if abs(value - mine) > 1e-3 * abs(mine) and "stand-in" not in peer["note"]:
            differs = f"score {value:.6g}, jiqa {mine:.6g}"
            peer["note"] = "; ".join(filter(None, (peer["note"], differs)))
    return row


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """One line of the CSV table."""
    line = {key: row[key] for key in ("metric", "images")}
    for name, result in {"jiqa": row["jiqa"], **row["peers"]}.items():
        line |= {f"{name}_{key}": value for key, value in result.items()}
    return line | {key: row[key] for key in ("fastest_peer", "ratio", "ratio_min")}


def show(
    console: Console, workload: str, rows: list[dict[str, Any]], names: list[str]
) -> None:
    """Print one set of images as a table, and what there is to say about it."""
    table = Table(title=f"{workload} RGB, float32: milliseconds, medians")
    for column in ("metric", "colour"):
        table.add_column(column)
    for column in ("jiqa", "(min)", "compile s", *names, "jiqa / fastest"):
        table.add_column(column, justify="right")
    notes: dict[str, list[str]] = {}
    for row in rows:
        own, peers = row["jiqa"], row["peers"]
        cells = [number(own.get(k)) for k in ("median_ms", "min_ms", "compile_s")]
        for name in names:
            peer = peers.get(name)
            if peer is None:
                cells.append("")
                continue
            cells.append(number(peer.get("median_ms")) + "*" * bool(peer["note"]))
            if peer.get("colour", own.get("colour")) != own.get("colour"):
                cells[-1] += f" {peer['colour']}"
        ratio = number(row["ratio"])
        style = "green" if row["ratio"] and row["ratio"] <= 1 else "red"
        table.add_row(
            row["metric"], own.get("colour", ""), *cells, f"[{style}]{ratio}[/]"
        )
        for name, result in {"jiqa": own, **peers}.items():
            if result["note"]:
                notes.setdefault(result["note"], []).append(f"{row['metric']} {name}")
    console.print(table)
    for note, places in notes.items():
        text = re.sub(r"\s+", " ", f"* {', '.join(places)}: {note}")
        console.print(text, highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
