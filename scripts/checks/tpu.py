"""Compile the metrics for TPUs, without one, by the TPU's own compiler.

    pip install '.[tpu-check]'
    python scripts/checks/tpu.py
    python scripts/checks/tpu.py ssim fsim --topology v6e:2x2 --sizes any

A batch of eight pairs of 512x512 RGB images in float32 is divided among the chips of a
topology. Of every program: the seconds of compiling, the bytes that it accesses over
those of its images, FLOPs, the memory of a chip, collectives (scoring needs none), and
what the roofline of the chip allows: milliseconds a batch, and the share of the peak
rate. Metrics on networks get parameters without values. ``--sizes any`` compiles the
programs for images of any size. Minutes for all metrics.

Prints a table and writes scripts/results/tpu-compiled.csv with ``--save``. Ends with
exit code 1 if a program does not compile, does not fit into the memory of a chip,
communicates, computes in float64 or calls the host.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

# Before JAX is imported: the compiler is asked for, not a device.
os.environ.update(
    TPU_SKIP_MDS_QUERY="1",
    TPU_WORKER_HOSTNAMES="localhost",
    TPU_WORKER_ID="0",
    TPU_ACCELERATOR_TYPE="v5litepod-16",
    ALLOW_MULTIPLE_LIBTPU_LOAD="1",
    JAX_PLATFORMS="cpu",
    JAX_ENABLE_COMPILATION_CACHE="false",
)

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from rich.console import Console
from rich.table import Table

from jiqa.cli.common.parser import script_parser
from jiqa.core.any_size import scores
from jiqa.core.bound_metric import BoundMetric
from jiqa.core.metric_group import divided
from jiqa.io.write_table import write_rows
from jiqa.metrics import all_metrics
from jiqa.ops.extent import Extent

_SHAPE = (8, 512, 512, 3)
_RESULTS = Path(__file__).parents[1] / "results" / "tpu-compiled.csv"
_COLLECTIVES = (
    *("all-reduce", "all-gather", "all-to-all", "collective-permute"),
    "reduce-scatter",
)
_COLUMNS = (
    *("metric", "topology", "sizes", "seconds", "bytes_over_images", "gflop"),
    *("memory_mb", "collectives", "bound_ms", "share_of_peak", "problem"),
)


class Chip(NamedTuple):
    """Peak figures of a chip, as its maker states them."""

    bytes_a_second: float
    flops_a_second: float
    memory: float


_CHIPS = {
    "v5e": Chip(819e9, 197e12, 16e9),
    "v5p": Chip(2765e9, 459e12, 95e9),
    "v6e": Chip(1640e9, 918e12, 32e9),
}


def main() -> None:
    """Compile, print a line a program, save."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("metrics", nargs="*", metavar="METRIC", help="by default all")
    add("--topology", action="append", help="v5e:2x2; several times for several")
    add("--sizes", choices=("exact", "any"), default="exact")
    add("--save", action="store_true", help=f"write {_RESULTS.name}")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for topology in arguments.topology or ["v5e:2x2"]:
        devices = topologies.get_topology_desc(topology, platform="tpu").devices
        for name in arguments.metrics or list(all_metrics()):
            member = BoundMetric(all_metrics()[name])
            if arguments.sizes == "any" and not member.any_size:
                continue
            row = {"metric": name, "topology": topology, "sizes": arguments.sizes}
            rows.append(row | _compiled(member, devices, arguments.sizes == "any"))
            _say(rows[-1])
    Console(width=120).print(_table(rows))
    if arguments.save:
        write_rows(_RESULTS, _COLUMNS, rows)
    if any(row["problem"] for row in rows):
        sys.exit(1)


def _compiled(member: BoundMetric, devices: Any, any_size: bool) -> dict[str, Any]:
    """Figures of one program."""
    kind = str(devices[0].device_kind)
    chip = next((c for n, c in _CHIPS.items() if n in _short(kind)), _CHIPS["v5e"])
    mesh = Mesh(np.array(devices), ("data",))
    whole = NamedSharding(mesh, PartitionSpec())
    batch = NamedSharding(mesh, PartitionSpec("data"))
    count = 2 if member.needs_reference else 1
    image = jax.ShapeDtypeStruct(_SHAPE, jnp.float32, sharding=batch)
    size = jax.ShapeDtypeStruct(_SHAPE[:1], jnp.int32, sharding=batch)
    params = _parameters(member, whole)

    def exact(params: Any, *images: Any) -> Any:
        return jax.vmap(lambda *pair: member.score(params, *pair))(*images)

    def padded(params: Any, rows: Any, cols: Any, *images: Any) -> Any:
        # On an accelerator a batch is one vectorised computation.
        return jax.vmap(
            lambda r, c, *pair: scores(
                member, params, Extent(r[None], c[None], 2), *(x[None] for x in pair)
            )[0]
        )(rows, cols, *images)

    function = padded if any_size else exact
    arrays = (*((size, size) if any_size else ()), *(image,) * count)
    program = divided(function, devices, (False, *(True for _ in arrays)))
    start = time.perf_counter()
    try:
        compiled = jax.jit(program).lower(params, *arrays).compile()
    except Exception as error:
        return {"seconds": None, "problem": f"{error}".splitlines()[0][:200]}
    seconds = time.perf_counter() - start
    cost: Any = compiled.cost_analysis()
    memory: Any = compiled.memory_analysis()
    text = compiled.as_text() or ""
    given = count * int(np.prod(_SHAPE)) * 4 / len(devices)
    accessed, flops = cost["bytes accessed"], max(cost.get("flops", 0), 0)
    bound = max(accessed / chip.bytes_a_second, flops / chip.flops_a_second)
    used = memory.temp_size_in_bytes + memory.argument_size_in_bytes
    calls = [f"{text.count(f' {k}(')} {k}" for k in _COLLECTIVES if f" {k}(" in text]
    problems = [
        *(f"communicates: {call}" for call in calls),
        *(["computes in float64"] if re.search(r"\bf64\[[0-9]", text) else []),
        *(["calls the host"] if "xla_python" in text else []),
        *([f"needs {used / 1e9:.1f} GB"] if used > chip.memory else []),
    ]
    return {
        "seconds": round(seconds, 1),
        "bytes_over_images": round(accessed / given, 1),
        "gflop": round(flops / 1e9, 3),
        "memory_mb": round(used / 1e6, 1),
        "collectives": " ".join(calls),
        "bound_ms": round(bound * 1e3, 3),
        "share_of_peak": round(flops / chip.flops_a_second / bound, 4),
        "problem": "; ".join(problems),
    }


def _short(kind: str) -> str:
    """``"TPU v5 lite"`` and ``"TPU v6 lite"`` as the topology names them."""
    return kind.lower().replace(" lite", "e").replace("v5 ", "v5p ").replace(" ", "")


def _parameters(member: BoundMetric, whole: NamedSharding) -> dict[str, Any]:
    """Parameters without values; all sets that a metric needs have all its keys."""
    if member.spec is None:
        return {}
    found = {
        key: jax.ShapeDtypeStruct(shape, jnp.float32, sharding=whole)
        for key, shape in member.spec.shapes.items()
    }
    sets: dict[str, Any] = {name: {} for name in member.spec.weights}
    for key, value in found.items():
        start, _, rest = key.partition("/")
        if member.spec.apart and start in sets:
            sets[start][rest] = value
        else:
            sets[member.spec.weights[0]][key] = value
    return sets


def _say(row: dict[str, Any]) -> None:
    state = row["problem"] or f"{row['seconds']} s"
    print(f"{row['topology']} {row['metric']}: {state}", file=sys.stderr, flush=True)


def _table(rows: list[dict[str, Any]]) -> Table:
    columns = [c for c in _COLUMNS if c not in ("sizes", "collectives")]
    table = Table(*(column.replace("_", " ") for column in columns))
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    return table


if __name__ == "__main__":
    main()
