"""What ``jiqa evaluate`` does with data sets, and what it writes about a run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jiqa.cli.common.arguments import add_cluster, add_scoring
from jiqa.cli.common.run_record import command, run_facts

if TYPE_CHECKING:
    from jiqa.evaluation.evaluate import Evaluation
    from jiqa.evaluation.extra_tests import Further
    from jiqa.evaluation.score_dataset import Part
    from jiqa.evaluation.score_datasets import Scored


@dataclass(frozen=True)
class Rated:
    """Rows to evaluate, from data sets or from tables.

    Attributes:
        rows: one row an image and metric.
        directions: of metrics, by label; those of tables are found elsewhere.
        score_direction: of the subjective scores, by data set.
        facts: what else decides the result, to be written down.
        parts: the parts of data sets, empty for tables.
    """

    rows: Sequence[dict[str, Any]]
    directions: dict[str, Any]
    score_direction: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    parts: Sequence[Part] = ()


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what matters with ``--data`` only."""
    group = parser.add_argument_group("with --data")
    add = group.add_argument
    add(
        "--data-dir",
        help="folder of prepared data sets (default: JIQA_DATA, or the user's cache)",
    )
    add(
        "--hidden-references",
        action="store_true",
        help="keep the references that were rated among the distorted images",
    )
    add_scoring(group)
    add_cluster(group)


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what a table of scores is read by."""
    add = parser.add_argument
    add(
        "--subjective",
        metavar="COLUMN",
        help="column of subjective scores (default: the only one of mos, dmos, score)",
    )
    add(
        "--score-direction",
        choices=("higher", "lower"),
        help="which subjective scores are better (default: lower for dmos, else "
        "higher)",
    )
    add(
        "--ignore",
        nargs="+",
        action="extend",
        default=[],
        metavar="COLUMN",
        help="columns of --scores that are not metrics",
    )


def rate_data(arguments: argparse.Namespace, folder: Path) -> Rated | None:
    """Score data sets; ``None`` in every process but the first.

    Raises:
        UsageError: a request that cannot be carried out.
    """
    import jax

    from jiqa.cli.common.jax_setup import configure_jax, join_processes
    from jiqa.cli.common.progress import progress
    from jiqa.data.user_tables.resolve import resolved
    from jiqa.errors import UsageError
    from jiqa.evaluation.score_datasets import Scoring, open_parts, score_datasets
    from jiqa.scoring.memory import read_bytes

    programs = configure_jax(x64=arguments.x64, cache=not arguments.no_cache)
    rank = join_processes(arguments)
    try:
        data = [resolved(spec, arguments.data_dir) for spec in arguments.data]
    except ValueError as error:
        raise UsageError(str(error)) from None
    parts = open_parts(
        data,
        arguments.data_dir,
        hidden_references=arguments.hidden_references,
        unrated=arguments.waterloo or bool(arguments.gmad),
        pristine=arguments.waterloo,
    )
    how = Scoring(
        metrics=arguments.metrics,
        options=arguments.set,
        weights=arguments.weights,
        background=arguments.background,
        memory=read_bytes(arguments.memory) if arguments.memory else None,
        x64=arguments.x64,
        programs=programs,
        devices=jax.local_devices(),
        rank=rank,
    )
    try:
        scored = score_datasets(
            parts, how, folder, resume=arguments.resume, progress=progress
        )
    except KeyboardInterrupt:
        print(
            f"\ninterrupted: finished images are in {folder}; run the same command "
            "with --resume to continue",
            file=sys.stderr,
        )
        raise
    return _rated(scored, rank.count) if rank.first else None


def _rated(scored: Scored, processes: int) -> Rated:
    import jax

    facts = {
        "fingerprints": scored.fingerprints,
        "weights": scored.weights,
        "devices": [str(d) for d in jax.devices()],
        "processes": processes,
    }
    return Rated(
        scored.rows, scored.directions, scored.score_direction, facts, scored.parts
    )


def write_run(folder: Path, arguments: argparse.Namespace, rated: Rated) -> None:
    """Write ``run.json``: everything that decides the figures."""
    from jiqa.io.atomic import write_json

    facts = {**run_facts(arguments), **rated.facts}
    write_json(folder / "run.json", facts, default=str)


def show_report(
    folder: Path,
    arguments: argparse.Namespace,
    evaluation: Evaluation,
    rated: Rated,
    further: Further,
) -> None:
    """Write the report and its plots, and say where."""
    from jiqa.report.evaluation.page import write_report
    from jiqa.report.evaluation.plots import write_plots

    page = folder / "report.html"
    write_report(
        page,
        evaluation,
        title="jiqa evaluate",
        command=command(),
        thumbnails=_pictures(rated.parts) if rated.parts else None,
        settings=_settings(arguments, rated),
        score_direction=rated.score_direction,
        further=further,
    )
    direction = rated.score_direction
    write_plots(folder / "plots", evaluation, score_direction=direction)
    print(f"report written to {page.resolve()}")


def _settings(arguments: argparse.Namespace, rated: Rated) -> dict[str, Any]:
    digests = rated.facts.get("fingerprints", {})
    return {
        "bootstrap resamples": arguments.resamples,
        "seed": arguments.seed,
        **{f"digest of {spec}": digest[:16] for spec, digest in digests.items()},
        **(
            {"devices": len(rated.facts["devices"])} if "devices" in rated.facts else {}
        ),
    }


def _pictures(parts: Sequence[Part]) -> Callable[[Mapping[str, Any]], Any]:
    """The pixels of a row's image and of its reference."""
    from jiqa.io.decode import read_image

    found = {
        (part.name, part.split, entry.name): (part.dataset, entry)
        for part in parts
        for entry in part.entries
    }

    def pictures(row: Mapping[str, Any]) -> Any:
        dataset, entry = found[row["data"], row["split"], row["image"]]
        reference = dataset.reference(entry)
        return (
            read_image(dataset.image(entry)),
            read_image(reference) if reference else None,
        )

    return pictures
