"""One process of evaluate.py: rates of the cases that it is given.

The path is that of ``jiqa evaluate`` between its start and its statistics: open the
data set, plan, read and decode, score, keep a journal, gather, write rows.parquet.
Beside it the same compiled programs on the same batches, which the first turn of the
path has left in memory; one batch is under way while the one before it is fetched, as
in the path. Reading weights, tracing and loading compiled programs come once a run,
whatever its size: they are timed apart.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from jiqa.cli.common.jax_setup import configure_jax
from jiqa.distributed import Rank
from jiqa.evaluation.rows import COLUMNS
from jiqa.evaluation.score_dataset import Part, score_part
from jiqa.evaluation.score_datasets import open_parts
from jiqa.io.decode import read_image
from jiqa.io.read_ahead import cpu_workers, in_order
from jiqa.io.write_table import write_rows
from jiqa.scoring import memory, runner
from jiqa.scoring.choose_metrics import choose, read_params
from jiqa.scoring.compiled import Program


class Kept(Program):
    """A program that stays ready from turn to turn and knows what it was called with.

    Attributes:
        calls: references and images of each call, while ``recording``.
        loading: seconds that tracing, compiling or loading took.
    """

    def __init__(self, *given: Any) -> None:
        """As ``Program``."""
        super().__init__(*given)
        self.calls: list[tuple[Any, Any]] = []
        self.recording, self.loading = True, 0.0

    def __call__(self, reference: Any, image: Any) -> list[jax.Array]:
        """As ``Program``."""
        if self.recording:
            self.calls.append((reference, image))
        return super().__call__(reference, image)

    def _for(self, arrays: tuple[Any, ...]) -> Any:
        start = time.perf_counter()
        ready = super()._for(arrays)
        self.loading += time.perf_counter() - start
        return ready


class Case:
    """Metrics on the first images of a data set."""

    def __init__(self, given: dict[str, Any], data_dir: str, programs: Path) -> None:
        """Read weights; ``given`` is what ``run`` is given a case."""
        self._given, self._data_dir, self._folder = given, data_dir, programs
        start = time.perf_counter()
        self._choices = choose(
            given["metrics"], given["options"], have_reference=True, weights=None
        )
        self._params = read_params(self._choices, None)
        self.weights = time.perf_counter() - start
        self.programs: list[Kept] = []
        self.failed = 0

    def _part(self) -> Part:
        part = open_parts([self._given["data"]], self._data_dir)[0]
        return replace(part, entries=part.entries[: self._given["images"]])

    def path(self) -> None:
        """From the prepared data set to rows.parquet."""
        made = iter(list(self.programs))  # of the turn before, in the same order

        def program(*given: Any) -> Kept:
            found = next(made, None)
            if found is None:
                found = Kept(*given)
                self.programs.append(found)
            return found

        memory.Program = program  # pyright: ignore[reportAttributeAccessIssue]
        with tempfile.TemporaryDirectory() as name:
            rows = score_part(
                self._part(),
                runner.Runner(
                    self._choices,
                    programs=self._folder,
                    params=self._params,
                    devices=jax.local_devices(),
                ),
                self._choices,
                Path(name),
                settings={},
                weights={},
                resume=False,
                rank=Rank(),
            )
            write_rows(Path(name) / "rows.parquet", COLUMNS, rows)
        self.failed = sum(bool(row["error"]) for row in rows)

    def stop_recording(self) -> None:
        """Later turns bring the same batches again."""
        for program in self.programs:
            program.recording = False

    def alone(self) -> None:
        """The same programs on the same batches, in memory."""
        before: Any = None
        for program in self.programs:
            for call in program.calls:
                started = program(*call)
                jax.device_get(before)
                before = started
        jax.device_get(before)

    def decoding(self) -> None:
        """Read and decode alone, by as many threads as the path has."""
        part = self._part()
        images = [part.dataset.image(entry) for entry in part.entries]
        for pixels in in_order(read_image, images, cpu_workers()):
            del pixels


def measure(case: Case, given: dict[str, Any]) -> dict[str, Any]:
    """Take turns; rates are in images per second."""
    turns: dict[str, list[tuple[float, float]]] = {"path": [], "alone": []}
    loading = 0.0
    for turn in range(given["turns"]):
        elapsed, cpu = _timed(case.path)
        if turn == 0:
            # Loading may use several cores; then its share of them is not known.
            loading = sum(program.loading for program in case.programs)
            elapsed, cpu = elapsed - loading, float("nan")
            case.stop_recording()
        turns["path"].append((elapsed, cpu))
        if given["alone"]:
            turns["alone"].append(_timed(case.alone))
    count = given["images"]
    first = case.programs[0].calls[0][1]
    found = {
        "metrics": given["label"],
        "files": given["files"],
        "devices": jax.local_device_count(),
        "images": count,
        "batch": len(first),
        "turns": given["turns"],
        "failed_rows": case.failed,
        "weights_s": round(case.weights, 3),
        "loading_s": round(loading, 3),
        "path_images_s": _rate(count, turns["path"]),
        "alone_images_s": _rate(count, turns["alone"]),
    }
    whole, bare = found["path_images_s"], found["alone_images_s"]
    found["ratio"] = round(whole / bare, 4) if bare else None
    for name, taken in turns.items():
        found[f"{name}_cpu_ms"] = _cpu(count, taken)
    if given["alone"]:
        taken = [_timed(case.decoding) for _ in range(given["turns"])]
        found["decode_images_s"] = _rate(count, taken)
        found["decode_cpu_ms"] = _cpu(count, taken)
    return found


def _timed(call: Callable[[], None]) -> tuple[float, float]:
    """Elapsed seconds, and seconds of all cores."""
    start, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - cpu


def _rate(count: int, turns: Sequence[tuple[float, float]]) -> float | None:
    if not turns:
        return None
    return round(count / statistics.median(elapsed for elapsed, _ in turns), 3)


def _cpu(count: int, turns: Sequence[tuple[float, float]]) -> float | None:
    """Milliseconds of processor time an image."""
    known = [cpu for _, cpu in turns if cpu == cpu]
    return round(1e3 * statistics.median(known) / count, 3) if known else None


def run(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Measure every case; ``request`` has ``data_dir`` and ``cases``."""
    programs = configure_jax()
    assert programs is not None
    return [
        measure(Case(given, request["data_dir"], programs), given)
        for given in request["cases"]
    ]


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
