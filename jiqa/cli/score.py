"""Score image files.

  jiqa score ssim,psnr photo.jpg --reference original.png
  jiqa score all-classical distorted/ --reference originals/ --output scores.csv
  jiqa score fsimc --pairs pairs.csv --output scores.parquet
  jiqa score lpips scan.tif --reference original.tif --memory 512MB

Prints a table on a terminal, and CSV into a pipe. Exit code 0; 1 when some rows failed
(the last column says why); 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import math
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from jiqa.cli.common.arguments import add_scoring

HELP = "score image files, with or without references"

_SHOWN_ROWS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("metrics", help="comma-separated metrics, or all, or all-classical")
    add("images", nargs="*", help="image files, folders or patterns")
    add(
        "--reference",
        "-r",
        help="one file for all images, or a folder with the same relative names",
    )
    add(
        "--pairs",
        help="table with columns reference, distorted instead of IMAGES and "
        "--reference",
    )
    add("--output", "-o", help="table to write: .csv, .parquet or .json")
    add("--report", help="HTML report to write, with table, thumbnails and plots")
    add_scoring(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score and report; see the module's docstring for the exit code."""
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.errors import UsageError
    from jiqa.io.write_table import check_format, make_folder, to_csv, write_rows
    from jiqa.scoring.choose_metrics import check_options, choose, read_params
    from jiqa.scoring.jobs import find_jobs, read_pairs
    from jiqa.scoring.journal import Journal
    from jiqa.scoring.memory import read_bytes
    from jiqa.scoring.runner import Runner

    if arguments.pairs and (arguments.images or arguments.reference):
        raise UsageError(
            "--pairs replaces IMAGES and --reference; give one or the other"
        )
    if arguments.resume and not arguments.output:
        raise UsageError("--resume needs --output")
    memory = read_bytes(arguments.memory) if arguments.memory else None
    output = Path(arguments.output) if arguments.output else None
    if output:
        check_format(output)
    for path in filter(None, (arguments.output, arguments.report)):
        make_folder(Path(path))  # now, not after hours of scoring
    paired = bool(arguments.pairs or arguments.reference)
    programs = configure_jax(x64=arguments.x64, cache=not arguments.no_cache)
    choices = choose(
        arguments.metrics,
        arguments.set,
        have_reference=paired,
        weights=arguments.weights,
        left_out=_say_left_out,
    )
    check_options(choices)
    jobs = (
        read_pairs(arguments.pairs, _say)
        if arguments.pairs
        else find_jobs(arguments.images, arguments.reference, _say)
    )
    jobs = list({job.key: job for job in jobs}.values())
    runner = Runner(
        choices,
        background=arguments.background,
        programs=programs,
        params=read_params(choices, arguments.weights),
        memory=memory,
    )
    labels = [c.label for c in choices]
    settings = {
        "metrics": [c.identity for c in choices],
        "x64": arguments.x64,
        "background": arguments.background,
    }
    journal = Journal(output, settings, resume=arguments.resume) if output else None
    rows = dict(journal.done) if journal else {}
    wanted = {job.key for job in jobs}
    rows = {key: row for key, row in rows.items() if key in wanted}
    finished = False
    try:
        with progress("scoring", len(jobs), start=len(rows)) as advance:
            for job, row in runner.run(jobs, frozenset(rows)):
                rows[job.key] = row
                if journal:
                    journal.add(job.key, row)
                advance()
        columns = runner.columns(have_reference=paired)
        table = [rows[job.key] for job in jobs]
        if output:
            write_rows(output, columns, table)
        if arguments.report:
            _report(Path(arguments.report), choices, table)
        finished = True
    except KeyboardInterrupt:
        if journal:
            print(
                f"\ninterrupted: {len(rows)} of {len(jobs)} rows are in "
                f"{journal.path}; run the same command with --resume to continue",
                file=sys.stderr,
            )
        raise
    finally:
        if journal:
            journal.close(finished=finished)
    failed = sum(bool(row["error"]) for row in table)
    if not output and not sys.stdout.isatty():
        sys.stdout.write(to_csv(columns, table))
    else:
        show_scores(table, labels, output)
    if failed and (output or not sys.stdout.isatty()):
        _say_failures(table, failed, len(jobs))
    return 1 if failed else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _say_left_out(metric: str, weights: str) -> None:
    why = f"no weights {weights} (jiqa weights list)"
    print(f"skipped {metric}: {why}", file=sys.stderr)


def _report(path: Path, choices: list[Any], table: list[dict[str, Any]]) -> None:
    from jiqa.report.scores import write_report

    write_report(
        path,
        title="jiqa score",
        command=shlex.join(["jiqa", *sys.argv[1:]]),
        columns=[(c.label, c.metric.info) for c in choices],
        rows=table,
    )
    print(f"report written to {path}", file=sys.stderr)


def _say_failures(table: list[dict[str, Any]], failed: int, count: int) -> None:
    print(f"{failed} of {count} rows failed:", file=sys.stderr)
    for row in [r for r in table if r["error"]][:10]:
        print(f"  {row['image']}: {row['error']}", file=sys.stderr)
    if failed > 10:
        print(f"  and {failed - 10} more, in the column error", file=sys.stderr)


def show_scores(
    rows: list[dict[str, Any]], labels: list[str], output: Path | None
) -> None:
    """Print a table: every row, or with many rows and a file the summary."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # Redirected output has no width; 80 columns would cut the names.
    console = Console(width=None if sys.stdout.isatty() else 160)
    if len(rows) <= _SHOWN_ROWS or output is None:
        names, folder = _short_names([row["image"] for row in rows])
        caption = f"images in {folder}" if folder else None
        # Many metrics read better downwards, many images better across.
        if len(labels) > 6 and len(rows) <= 12:
            table = Table("metric", *map(escape, names), caption=caption)
            for label in labels:
                table.add_row(label, *(format_score(r[label]) for r in rows))
        else:
            table = Table("image", *labels, caption=caption)
            for name, row in zip(names, rows, strict=True):
                table.add_row(escape(name), *(format_score(row[c]) for c in labels))
        for column in table.columns[1:]:
            column.justify = "right"
        console.print(table)
        for row in (r for r in rows if r["error"]):
            message = f"{row['image']}: {row['error']}"
            console.print(message, style="red", markup=False, soft_wrap=True)
    if output:
        table = Table("metric", "mean", "smallest", "largest", "rows", "failed")
        for label in labels:
            values = [r[label] for r in rows if r[label] is not None]
            finite = [v for v in values if math.isfinite(v)]
            cells = (
                [
                    sum(finite) / len(finite) if finite else None,
                    min(values),
                    max(values),
                ]
                if values
                else [None] * 3
            )
            table.add_row(
                label,
                *(format_score(c) for c in cells),
                str(len(values)),
                str(len(rows) - len(values)),
            )
        console.print(table)
        console.print(f"{len(rows)} rows written to {output}", highlight=False)


def _short_names(paths: list[str]) -> tuple[list[str], str]:
    """Return paths below their common folder, and that folder."""
    if len({Path(p).parent for p in paths}) == 1:
        return [Path(p).name for p in paths], str(Path(paths[0]).parent)
    try:
        folder = os.path.commonpath(paths)
    except ValueError:  # absolute and relative paths, or several drives
        return paths, ""
    return [os.path.relpath(p, folder) if folder else p for p in paths], folder


def format_score(value: float | None) -> str:
    """Format a score in six significant digits; infinity is ``inf``, none is ``-``."""
    return "-" if value is None else f"{value:.6g}"
