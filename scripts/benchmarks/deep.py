r"""Time jiqa's deep metrics beside other libraries', all on the same real weights.

    python scripts/benchmarks/deep.py
    python scripts/benchmarks/deep.py --device gpu --repeats 50

Prints a table and writes scripts/results/deep-cpu.csv and .json; --output names
another place. Contestants take turns within one process pinned to as many cores as
each has threads, on the same float32 images; the weights are those of the extra
``pretrained``, in torchvision's layout for the peers. ``alexnet features`` and
``vgg16 features`` are the plain passes through the convolutional part, of one image.
On a GPU, PyTorch also runs compiled (``torch.compile``), and the plain passes run in
bfloat16 as well.

Below the table, what jiqa saves: 24 distorted versions of one 512x384 reference,
prepared once, against 24 pairs; and ``cnn_iqm`` with SSIM on all 1,152 maps of AlexNet
against AlexNet's pass over the two images.

Peers, next to ``pip install -e .[test,pretrained]``:

    pip install --no-deps piq==0.8.0 lpips==0.1.4 pyiqa==0.1.16

and what metrics.py says for pyiqa.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import deep_peers as peers
import timing
from rich.console import Console
from rich.table import Table
from timing import Contestant, number

#: name: images, height, width
WORKLOADS = {"8 of 256x256": (8, 256, 256), "1 of 512x384": (1, 384, 512)}
NAMES = ("pytorch", "lpips", "piq", "pyiqa")
METRICS: dict[str, tuple[str, dict[str, Any]]] = {
    "lpips": ("lpips", {}),
    "lpips(net=vgg)": ("lpips", {"net": "vgg"}),
    "dists": ("dists", {}),
    "content_loss": ("content_loss", {}),
    "dfb_iqa": ("dfb_iqa", {}),
    "deepsim": ("deepsim", {}),
    "cnn_iqm": ("cnn_iqm", {}),
    "cnn_histogram": ("cnn_histogram", {}),
    "style_loss": ("style_loss", {}),
}


def main() -> None:
    """Parse, time, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--metrics", help="comma list of cases (default: all)")
    add("--peers", default=",".join(NAMES), help="comma list, or none (%(default)s)")
    add("--repeats", type=int, default=10, help="turns (%(default)s)")
    add("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    add("--device", choices=("cpu", "gpu"), default="cpu")
    add("--limit", type=float, default=20.0, help="seconds a contestant may take")
    add("--output", type=Path, help="where to write, without suffix")
    options = parser.parse_args()
    threads = timing.pin(options.threads)
    timing.choose_device(options.device)
    console = timing.console(160)
    document = {"machine": timing.describe_machine(threads), "results": []}
    libraries, missing = _libraries(options, threads)
    document["missing_peers"] = missing
    for workload, size in WORKLOADS.items():
        rows = _compete(workload, size, libraries, options)
        _show(console, workload, rows, list(libraries))
        document["results"] += rows
    document["savings"] = _savings(options)
    for name, value in document["savings"].items():
        console.print(f"{name}: {value}", highlight=False)
    stem = options.output or timing.RESULTS / f"deep-{options.device}"
    timing.save(stem, document, [_flat(row) for row in document["results"]])
    for name, reason in missing.items():
        console.print(f"{name} is missing: {reason}", highlight=False, markup=False)
    console.print(f"written to {stem}.csv and .json", highlight=False)


def _libraries(
    options: argparse.Namespace, threads: int
) -> tuple[dict[str, tuple[Any, Any, dict[str, Any]]], dict[str, str]]:
    """(prepare, wait, cases) by name, and why others are missing."""
    found, missing = {}, {}
    for name in options.peers.split(",") if options.peers != "none" else []:
        try:
            prepare, wait = peers.set_up(options.device, threads)
            found[name] = prepare, wait, peers.cases(name, options.device)
        except Exception as error:
            missing[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return found, missing


def _own(case: str) -> Any:
    """Jiqa's contestant: ``call(reference, distorted)``."""
    import jax

    import jiqa
    from jiqa.nn import NETWORKS
    from jiqa.nn.graph import run

    if case in METRICS:
        name, given = METRICS[case]
        return jiqa.load(name, **given)
    name = case.split()[0]
    params = {k: jax.numpy.asarray(v) for k, v in _weights(name).items()}
    nodes, trunk = NETWORKS[name].layers(), NETWORKS[name].trunk
    compiled = jax.jit(lambda p, x: run(nodes, p, x, [trunk])[trunk])
    return lambda reference, _: compiled(params, reference)


def _weights(name: str) -> dict[str, Any]:
    from jiqa import weights

    return weights.load(name).params


def _compete(
    workload: str,
    size: tuple[int, int, int],
    libraries: dict[str, Any],
    options: argparse.Namespace,
) -> list[dict[str, Any]]:
    import jax
    import numpy as np

    pair = [x.astype(np.float32) / 255 for x in timing.natural_pair(*size)]
    own = [jax.device_put(x) for x in pair]
    theirs = {n: [prepare(x) for x in pair] for n, (prepare, *_) in libraries.items()}
    chosen = options.metrics.split(",") if options.metrics else None
    rows = []
    for case in chosen or ["alexnet features", "vgg16 features", *METRICS]:
        call = _own(case)
        contestants = [Contestant("jiqa", lambda c=call: _ready(c(*own)))]
        for name, (_, wait, cases) in libraries.items():
            if case in cases:
                rival = cases[case]
                contestants.append(
                    Contestant(name, lambda w=wait, c=rival, i=theirs[name]: w(c(*i)))
                )
        timing.compete(contestants, options.repeats, options.limit)
        rows.append(_row(case, workload, contestants))
    return rows


def _ready(value: Any) -> Any:
    import jax

    return jax.block_until_ready(value)


def _row(case: str, workload: str, contestants: list[Contestant]) -> dict[str, Any]:
    results = {c.library: c.result() for c in contestants}
    own = results.pop("jiqa")
    timed = {n: r["median_ms"] for n, r in results.items() if "median_ms" in r}
    best = min(timed, key=lambda n: timed[n]) if timed else None
    ratio = own["median_ms"] / timed[best] if best and "median_ms" in own else None
    return {
        "metric": case,
        "images": workload,
        "jiqa": own,
        "peers": results,
        "fastest_peer": best,
        "ratio": ratio and round(ratio, 4),
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    line = {key: row[key] for key in ("metric", "images")}
    for name, result in {"jiqa": row["jiqa"], **row["peers"]}.items():
        line |= {f"{name}_{k}": v for k, v in result.items() if k != "colour"}
    return line | {key: row[key] for key in ("fastest_peer", "ratio")}


def _show(
    console: Console, workload: str, rows: list[dict[str, Any]], names: list[str]
) -> None:
    table = Table(
        "", "jiqa", *names, "jiqa / fastest", title=f"{workload}: milliseconds, medians"
    )
    for row in rows:
        cells = [row["peers"].get(n, {}).get("median_ms") for n in names]
        table.add_row(
            row["metric"],
            number(row["jiqa"].get("median_ms")),
            *("" if c is None else number(c) for c in cells),
            number(row["ratio"]),
        )
    console.print(table)
    for row in rows:
        for name, result in row["peers"].items():
            if result.get("note"):
                console.print(f"{row['metric']} {name}: {result['note']}")
            elif abs(result["score"] - row["jiqa"]["score"]) > 1e-3 * abs(
                row["jiqa"]["score"]
            ):
                shown = f"{result['score']:.6g}, jiqa {row['jiqa']['score']:.6g}"
                console.print(f"{row['metric']} {name}: score {shown}")


def _savings(options: argparse.Namespace) -> dict[str, float]:
    """What one reference and shared maps save, as ratios of medians."""
    import jax
    import numpy as np

    import jiqa

    clean, noisy = (
        x.astype(np.float32) / 255 for x in timing.natural_pair(24, 384, 512)
    )
    reference, distorted = jax.device_put(clean[0]), jax.device_put(noisy)
    found = {}
    for case in ("lpips", "lpips(net=vgg)", "dists"):
        metric = _own(case)

        def once(metric: Any = metric) -> Any:
            return _ready(metric.prepare(reference)(distorted))

        def each(metric: Any = metric) -> Any:
            return [_ready(metric(reference, image)) for image in distorted]

        found[f"{case}: 24 versions of one reference / 24 pairs"] = _ratio(
            once, each, options, turns=3
        )
    metric, network = jiqa.load("cnn_iqm"), _own("alexnet features")
    pair = [jax.device_put(x) for x in (clean[:1], noisy[:1])]
    both = jax.device_put(np.concatenate([clean[:1], noisy[:1]]))
    found["cnn_iqm with SSIM of 1,152 maps / AlexNet's pass over both images"] = _ratio(
        lambda: _ready(metric(*pair)), lambda: _ready(network(both, None)), options
    )
    return found


def _ratio(
    ours: Any, other: Any, options: argparse.Namespace, turns: int | None = None
) -> float:
    contestants = [Contestant("jiqa", ours), Contestant("jiqa", other)]
    timing.compete(contestants, turns or options.repeats, 10 * options.limit)
    a, b = (c.result()["median_ms"] for c in contestants)
    return round(a / b, 4)


if __name__ == "__main__":
    main()
