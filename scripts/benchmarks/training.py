"""Time training steps beside the same steps in PyTorch, and what feeds them.

    python scripts/benchmarks/training.py
    python scripts/benchmarks/training.py --quick
    python scripts/benchmarks/training.py --device gpu --peak 989 --output out/gpu

Prints tables and writes scripts/results/training-cpu.csv and .json; --output names
another place. Three things are measured:

* images per second of a whole update, gradients and optimiser included: ranking with
  VGG-16 (all levels of a group in one batch, hinge, SGD with momentum) and NIMA with
  MobileNet v1 (batch statistics, earth mover's distance, Adam), with random weights, of
  one batch that is on the device already. jiqa's is the step that jiqa train runs; the
  two libraries take turns. On a GPU in float32 and in bfloat16, and beside it the share
  of --peak TFLOP/s that jiqa's model computes (XLA's count of its operations).
* the same update on 1, 2, 4 and 8 devices made of this host's cores, one batch among
  them: on a CPU they share the cores, so this shows what dividing costs.
* the input pipeline alone: JPEG photographs of 512x384 read, decoded, cropped and put
  on the device, in images per second, as a share of what the update takes.

Measured on two cores of an AMD EPYC with --repeats 5 (scripts/results/training-cpu), in
images a second:

    update             jiqa   PyTorch         PyTorch, kept
    rank vgg16          4.55   4.05 (1.12)     4.99 (0.91)
    nima mobilenet_v1  45.8   39.3  (1.16)    49.9  (0.92)

in brackets jiqa's over it. An hour and a half before, the machine doing nothing else
either, they were 4.58, 3.58, 4.67 and 41.2, 30.7, 56.9. On 1, 2, 4 and 8 host devices
4.7, 4.6, 3.0, 3.0 and 44, 38, 35, 28. With XLA's gradients of kernels and of batch
normalisation, without Winograd's way and in memory that is not kept, jiqa was at 1.2
and 10.7 beside PyTorch's 2.5 and 18.9, on a slower day.

PyTorch is among the extras ``test``. --quick takes tiny crops and batches: it shows
that all of it runs, not how fast.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import timing
import training_torch as peer
from rich.console import Console
from rich.table import Table
from timing import Contestant, number

from jiqa.cli.common.allocator import keep_memory

#: case: model, options, stage, settings
CASES: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "rank vgg16": (
        "rank",
        {"levels": "last", "normalise": "none", "dropout": 0.0},
        "ranks",
        {"optimiser": "sgd", "backbone_rate": 1e-4, "head_rate": 1e-4},
    ),
    "nima mobilenet_v1": (
        "nima",
        {"dropout": 0.0, "padding": "around"},
        "scores",
        {"optimiser": "adam", "backbone_rate": 1e-4, "head_rate": 1e-4},
    ),
}
LEVELS = 4


def main() -> None:
    """Parse, time, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="tiny sizes, to see that it runs")
    every = ",".join(CASES)
    add("--cases", default=every, help="comma list (%(default)s)")
    add("--batch", type=int, default=16, help="images of an update (%(default)s)")
    add("--crop", type=int, default=224, help="side of an image (%(default)s)")
    add("--repeats", type=int, default=7, help="turns (%(default)s)")
    add("--limit", type=float, default=240.0, help="seconds a contestant may take")
    add("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    add("--device", choices=("cpu", "gpu"), default="cpu")
    add("--peak", type=float, help="TFLOP/s of the device in bfloat16, for utilisation")
    add("--host-devices", type=int, default=1, help="of jiqa's turns (%(default)s)")
    add("--devices", default="1,2,4,8", help="host devices (%(default)s)")
    add("--output", type=Path, help="where to write, without suffix")
    add("--alone", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.batch, options.crop, options.repeats = 8, 32, 2
        options.devices = "1,2"
    if options.alone:
        print(json.dumps(_alone(options)))
        return
    threads = timing.pin(options.threads)
    timing.choose_device(options.device)
    os.environ["JAX_NUM_CPU_DEVICES"] = str(options.host_devices)
    options.threads = threads
    console = timing.console(120)
    rows = []
    for case in options.cases.split(","):
        halves = (False, True) if options.device == "gpu" else (False,)
        rows += [_compete(case, half, options) for half in halves]
    _show(console, "updates", rows)
    scaling = _scaling(options) if options.device == "cpu" else []
    _show(console, "host devices", scaling)
    feeding = [_feeding(row, options) for row in rows if row["dtype"] == "float32"]
    _show(console, "input pipeline", feeding)
    stem = options.output or timing.RESULTS / f"training-{options.device}"
    document = {
        "machine": timing.describe_machine(threads),
        "updates": rows,
        "host devices": scaling,
        "input pipeline": feeding,
    }
    timing.save(stem, document, [*rows, *scaling, *feeding])
    console.print(f"written to {stem}.csv and .json", highlight=False)


def _batch(options: argparse.Namespace) -> dict[str, Any]:
    """Random images in groups of ``LEVELS``, with everything any loss asks for."""
    import numpy as np

    random = np.random.default_rng(0)
    count, side = options.batch, options.crop
    votes = random.uniform(0.1, 1, (count, 10)).astype(np.float32)
    places = np.arange(count, dtype=np.int32)
    return {
        "image": random.integers(0, 256, (count, side, side, 3), np.uint8),
        "score": random.uniform(1, 10, count).astype(np.float32),
        "deviation": np.ones(count, np.float32),
        "histogram": votes / votes.sum(-1, keepdims=True),
        "level": places % LEVELS,
        "group": places // LEVELS,
        "reference": places // LEVELS,
        "mask": np.ones(count, bool),
    }


def _own(case: str, half: bool, batch: dict[str, Any]) -> tuple[Any, Any]:
    """The update on all devices, ``call() -> loss``, and its operations."""
    import jax

    from jiqa.models import get_model
    from jiqa.training.config import TrainingConfig
    from jiqa.training.feed import on_devices
    from jiqa.training.optimiser import optimiser
    from jiqa.training.setup import Setup
    from jiqa.training.step import initial_state, on_mesh, training_step

    name, given, stage, settings = CASES[case]
    model = get_model(name)
    options = model.options(stage, given)
    config = TrainingConfig(
        model=name, data="none", stage=stage, bfloat16=half, **settings
    )
    rule = optimiser(config, 100, 100)
    drawn = jax.jit(lambda key: model.init(key, options))(jax.random.key(0))
    setup = Setup(config=config, model=model, options=options)
    rows = on_devices(batch, setup.mesh)
    step = on_mesh(training_step(setup, rule), setup.mesh, donate=True)
    state = initial_state(drawn, config, rule)
    compiled = step.lower(state, rows).compile()
    place = [jax.device_put(state, jax.NamedSharding(setup.mesh, jax.P()))]

    def call() -> Any:
        place[0], report = compiled(place[0], rows)
        loss = jax.block_until_ready(report).loss
        return loss.total / loss.count

    return call, (compiled.cost_analysis() or {}).get("flops")


def _turns(
    pipe: Connection, library: str, case: str, half: bool, options: argparse.Namespace
) -> None:
    """Run a contestant in a separate process; give an update's loss if asked."""
    batch = _batch(options)
    if library != "pytorch" and options.device == "cpu":
        keep_memory()
    if library == "jiqa":
        call = _own(case, half, batch)[0]
    else:
        import torch

        torch.set_num_threads(options.threads)
        device = "cuda" if options.device == "gpu" else "cpu"
        call = peer.step(case, batch, device, half)
    pipe.send(None)
    while pipe.recv():
        pipe.send(float(call()))


def _contestant(pool: contextlib.ExitStack, library: str, *words: Any) -> Contestant:
    """One whose turns are taken in another process, which ends with the pool."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_turns, args=(there, library, *words), daemon=True)
    process.start()
    there.close()  # so that a process that fails is heard of
    pool.callback(process.join)
    pool.callback(here.send, False)
    here.recv()

    def call() -> float:
        here.send(True)
        return here.recv()

    return Contestant(library, call)


def _compete(case: str, half: bool, options: argparse.Namespace) -> dict[str, Any]:
    names = ["jiqa", "pytorch"] + (["pytorch kept"] if options.device == "cpu" else [])
    flops = _own(case, half, _batch(options))[1] if options.peak else None
    with contextlib.ExitStack() as pool:
        rivals = [_contestant(pool, name, case, half, options) for name in names]
        timing.compete(rivals, options.repeats, options.limit)
    row: dict[str, Any] = {
        "case": case,
        "dtype": "bfloat16" if half else "float32",
        "images": options.batch,
        "crop": options.crop,
    }
    for rival in rivals:
        result = rival.result()
        if "median_ms" not in result:
            row[f"{rival.library} failed"] = result["note"]
            continue
        seconds = result["median_ms"] / 1e3
        row[f"{rival.library} images/s"] = round(options.batch / seconds, 3)
        row[f"{rival.library} ms"] = result["median_ms"]
        row[f"{rival.library} loss"] = result["score"]
        if rival.library == "jiqa" and options.peak and flops:
            row["utilisation"] = round(flops / seconds / (options.peak * 1e12), 4)
    for name in names[1:]:
        if "jiqa ms" in row and f"{name} ms" in row:
            row[f"jiqa / {name}"] = round(row[f"{name} ms"] / row["jiqa ms"], 3)
    return row


def _alone(options: argparse.Namespace) -> list[dict[str, Any]]:
    """In a process with that many devices: jiqa's updates by themselves."""
    keep_memory()
    rows = []
    for case in options.cases.split(","):
        one = Contestant("jiqa", _own(case, False, _batch(options))[0])
        timing.compete([one], options.repeats, options.limit)
        seconds = one.result()["median_ms"] / 1e3
        rate = round(options.batch / seconds, 3)
        rows.append({"case": case, "devices": options.alone, "images/s": rate})
    return rows


def _scaling(options: argparse.Namespace) -> list[dict[str, Any]]:
    rows = []
    for devices in (int(n) for n in options.devices.split(",")):
        # A group stays on its device: as many of them are required.
        batch = max(options.batch, devices * LEVELS)
        words = [sys.executable, __file__, "--alone", str(devices)]
        for name in ("cases", "crop", "repeats", "limit"):
            words += [f"--{name}", str(getattr(options, name))]
        done = subprocess.run(
            [*words, "--batch", str(batch)],
            env={
                **os.environ,
                "JAX_PLATFORMS": "cpu",
                "JAX_NUM_CPU_DEVICES": str(devices),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
        rows += [{**row, "images": batch} for row in found]
    return rows


def _feeding(row: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Images per second of the pipeline alone, beside those of the update."""
    import jax
    import numpy as np
    from PIL import Image

    from jiqa.training.config import TrainingConfig
    from jiqa.training.feed import feed, on_devices
    from jiqa.training.setup import set_up

    name, _, _, _ = CASES[row["case"]]
    given = {"step": "score"} if name == "rank" else {"target": "mean"}
    count = 4 * options.batch
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lines = ["image,mos"]
        clean, _ = timing.natural_pair(8, 384, 512)
        for number_ in range(count):
            pixels = np.roll(clean[number_ % 8], number_, 1)
            Image.fromarray(pixels).save(root / f"{number_}.jpg", quality=90)
            lines.append(f"{number_}.jpg,{number_ % 10}")
        (root / "scores.csv").write_text("\n".join(lines) + "\n")
        config = TrainingConfig(
            model=name,
            model_config={**given, "crop": options.crop},
            data=str(root / "scores.csv"),
            batch_size=options.batch,
            hold_out=0.1,
            epochs=4,
        )
        setup = set_up(config, root / "prepared")
        found = feed(setup, setup.sources.training, training=True)
        batches, mesh = iter(found.loader), setup.mesh
        on_devices(found.finish(next(batches)), mesh)  # threads and files are open now
        start, seen = time.perf_counter(), 0
        for batch in batches:
            rows = on_devices(found.finish(batch), mesh)
            jax.block_until_ready(rows)
            seen += options.batch
        rate = seen / (time.perf_counter() - start)
    update = row.get("jiqa images/s")
    share = round(update / rate, 4) if update else None
    return {
        "case": row["case"],
        "pipeline images/s": round(rate, 1),
        "update images/s": update,
        "pipeline's share of the time": share,
    }


def _show(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*columns, title=title)
    for row in rows:
        cells = [row.get(column) for column in columns]
        table.add_row(
            *(number(c) if isinstance(c, float) else str(c or "") for c in cells)
        )
    console.print(table)


if __name__ == "__main__":
    main()
