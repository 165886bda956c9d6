r"""Rates of ``jiqa evaluate``, beside computing alone and over several devices.

    python scripts/benchmarks/evaluate.py
    python scripts/benchmarks/evaluate.py --images 480 --cheap-images 3000 --turns 3
    python scripts/benchmarks/evaluate.py --quick

A generated data set in TID2013's layout (512x384 BMP, 120 images a reference) is
prepared as a user would, and the same as JPEG through the set ``table``. For each
metric: images per second of the path of ``jiqa evaluate`` (data set, decoding, scoring,
rows.parquet; see evaluate_run.py), of the same compiled programs on the same
batches in memory, and their ratio; 1 means that reading and decoding hide behind
computing. ``decode`` is reading and decoding alone, in as many threads as the path has.
Milliseconds are processor time an image, over all cores.

Then the same over several host devices (``jax_num_cpu_devices``), a process each. Host
devices share the machine's cores: what one device leaves idle is all that several can
win. Metrics without networks keep one core busy, so that two devices may be twice as
fast on two cores; a network's convolutions use all cores on one device already.

Last the command itself, a process from its start to the report, the second of two.

Prints tables and writes scripts/results/evaluate-cpu.csv and .json; --output names
another place. --quick shows that everything runs: a few small images, one network, two
devices, in a minute or two; it writes only where --output says.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import evaluate_sets as sets
import timing
from rich.console import Console
from rich.table import Table
from timing import number

#: label: metrics and options
NETWORKS = {"lpips(net=vgg)": ("lpips", ["lpips.net=vgg"]), "dists": ("dists", [])}
CHEAP = ("psnr", "ssim", "gmsd", "ms_ssim", "fsim")
TOGETHER = ",".join(CHEAP)

#: What is run on several devices.
SCALED = ("lpips(net=vgg)", "fsim", TOGETHER)

#: What --quick stands for, unless another option says otherwise.
QUICK = {
    "images": 8,
    "cheap_images": 16,
    "scaled_images": 8,
    "turns": 1,
    "size": "192x176",
    "devices": "1,2",
    "metrics": "lpips(net=vgg);psnr;fsim",
}


def main() -> None:
    """Parse, measure, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--images", type=int, default=32, help="for networks (%(default)s)")
    add("--cheap-images", type=int, default=480, help="for the others (%(default)s)")
    add("--scaled-images", type=int, default=64, help="for networks on several devices")
    add("--turns", type=int, default=2, help="of networks; others have 3 more")
    add("--devices", default="1,2,4,8", help="comma list (%(default)s)")
    add("--metrics", help="semicolon list of labels (default: all)")
    add("--size", default="512x384", help="of an image (%(default)s)")
    add("--quick", action="store_true", help="only see that it runs")
    add("--output", type=Path, help="where to write, without suffix")
    if parser.parse_args().quick:
        parser.set_defaults(**QUICK)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    threads = timing.pin(os.cpu_count() or 1)
    console = timing.console(160)
    document: dict[str, Any] = {"machine": timing.describe_machine(threads)}
    with tempfile.TemporaryDirectory(prefix="jiqa-evaluate-") as name:
        root = Path(name)
        most = max(options.images, options.cheap_images, options.scaled_images)
        names = sets.prepare_pairs(
            root / "archive", root / "data", most, (width, height)
        )
        cases = [
            _case(label, files, names[files], options)
            for label in _labels(options)
            for files in names
        ]
        document["results"] = _process(root, cases, devices=1)
        show_rates(console, document["results"])
        document["scaling"] = []
        for devices in map(int, options.devices.split(",")):
            scaled = [
                _case(label, "BMP", names["BMP"], options, scaled=True)
                for label in _labels(options)
                if label in SCALED
            ]
            document["scaling"] += _process(root, scaled, devices)
        show_scaling(console, document["scaling"])
        document["command"] = _command(root, names["BMP"])
    console.print(document["command"], highlight=False)
    if options.quick and not options.output:
        return
    stem = options.output or timing.RESULTS / "evaluate-cpu"
    lines = [{"part": k, **r} for k in ("results", "scaling") for r in document[k]]
    timing.save(stem, document, lines)
    console.print(f"written to {stem}.csv and .json", highlight=False)


def _labels(options: argparse.Namespace) -> list[str]:
    known = [*NETWORKS, *CHEAP, TOGETHER]
    return [m for m in known if not options.metrics or m in options.metrics.split(";")]


def _case(
    label: str,
    files: str,
    data: str,
    options: argparse.Namespace,
    *,
    scaled: bool = False,
) -> dict[str, Any]:
    network = label in NETWORKS
    metrics, given = NETWORKS.get(label, (label, []))
    images = options.scaled_images if scaled else options.images
    turns = 1 if scaled else options.turns
    return {
        "label": label,
        "metrics": metrics,
        "options": given,
        "files": files,
        "data": data,
        "images": images if network else options.cheap_images,
        "turns": turns if network else options.turns + 3,
        "alone": not (network and scaled),
    }


def _process(
    root: Path, cases: list[dict[str, Any]], devices: int
) -> list[dict[str, Any]]:
    """Measure in a process with so many devices."""
    request = {"data_dir": str(root / "data"), "cases": cases}
    script = Path(__file__).with_name("evaluate_run.py")
    command = [sys.executable, str(script), json.dumps(request)]
    done = _call(command, root, {"JAX_NUM_CPU_DEVICES": str(devices)})
    return json.loads(done.splitlines()[-1])


def _command(root: Path, data: str) -> dict[str, Any]:
    """Seconds of the command with all metrics that are no networks."""
    command = ["-m", "jiqa", "evaluate", TOGETHER, "--data", data]
    command += ["--data-dir", str(root / "data"), "--output"]
    seconds = []
    for turn in range(2):
        start = time.perf_counter()
        _call([sys.executable, *command, str(root / f"out{turn}")], root, {})
        seconds.append(round(time.perf_counter() - start, 3))
    from jiqa.data.store import open_dataset

    return {
        "command": f"jiqa evaluate {TOGETHER} --data {data} --output out",
        "images": len(open_dataset(data, root / "data").entries()),
        "first_s": seconds[0],
        "second_s": seconds[1],
    }


def _call(command: list[str], root: Path, environment: dict[str, str]) -> str:
    own = {"JIQA_CACHE": str(root / "cache"), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        command,
        env={**os.environ, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[:6]} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def show_rates(console: Console, results: list[dict[str, Any]]) -> None:
    """Print the path beside computing alone."""
    table = Table(
        *("", "files", "path", "alone", "ratio", "decode"),
        *("path ms", "alone ms", "decode ms"),
        title="images per second; milliseconds of processor time an image",
    )
    columns = ("path_images_s", "alone_images_s", "ratio", "decode_images_s")
    times = ("path_cpu_ms", "alone_cpu_ms", "decode_cpu_ms")
    for row in results:
        cells = [number(row[key]) for key in (*columns, *times)]
        table.add_row(row["metrics"], row["files"], *cells)
    console.print(table)


def show_scaling(console: Console, results: list[dict[str, Any]]) -> None:
    """Print the path over several devices."""
    counts = list(dict.fromkeys(row["devices"] for row in results))
    table = Table("", *map(str, counts), title="images per second over devices, BMP")
    for label in dict.fromkeys(row["metrics"] for row in results):
        rates = {
            row["devices"]: row["path_images_s"]
            for row in results
            if row["metrics"] == label
        }
        table.add_row(label, *(number(rates[count]) for count in counts))
    console.print(table)


if __name__ == "__main__":
    main()
