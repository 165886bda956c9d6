"""Score image files.

  jiqa score ssim,psnr photo.jpg --reference original.png
  jiqa score all-classical distorted/ --reference originals/ --output scores.csv
  jiqa score fsimc --pairs pairs.csv --output scores.parquet
  jiqa score lpips scan.tif --reference original.tif --memory 512MB
  jiqa score flip,ssim distorted/ -r originals/ --report scores.html --maps

Prints a table on a terminal, and CSV into a pipe. Exit code 0; 1 when some rows failed
(the last column says why); 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from jiqa.cli.common.arguments import add_scoring
from jiqa.cli.common.finished import add_force, check_new
from jiqa.cli.common.parser import say

HELP = "score image files, with or without references"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "metrics",
        help="comma-separated metrics, or recommended, all or all-classical",
    )
    add("images", nargs="*", default=[], help="image files, folders or patterns")
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
    add(
        "--resize",
        choices=("reference", "image"),
        help="where sizes differ, resize the reference to the image's size, or the "
        "image to the reference's; bicubic, as MATLAB's imresize, and rounded; the "
        "column resized says from which size (default: such a row is refused)",
    )
    add("--output", "-o", help="table to write: .csv, .parquet or .json")
    add_force(parser, "the table")
    add("--report", help="HTML report to write, with table, thumbnails and plots")
    add(
        "--maps",
        nargs="?",
        type=int,
        const=8,
        default=0,
        metavar="N",
        help="show in the report where the metrics that have maps see the difference, "
        "of the N images that the first of these scores worst (default: 8)",
    )
    add_scoring(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score and report; see the module's docstring for the exit code."""
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.score_table import say_failures, show_scores
    from jiqa.cli.common.slips import check_words
    from jiqa.errors import UsageError
    from jiqa.io.decode import SUFFIXES
    from jiqa.io.light import LIGHT_SUFFIXES
    from jiqa.io.write_table import check_format, make_folder, to_csv, write_rows
    from jiqa.progress import compiling, step
    from jiqa.scoring.choose_metrics import check_options, choose, read_params
    from jiqa.scoring.doubts import say_doubts
    from jiqa.scoring.jobs import find_jobs, read_pairs
    from jiqa.scoring.journal import Journal, journal_path
    from jiqa.scoring.memory import read_bytes
    from jiqa.scoring.runner import Runner, columns_of

    if arguments.pairs and (arguments.images or arguments.reference):
        raise UsageError(
            "--pairs replaces IMAGES and --reference; give one or the other"
        )
    if arguments.resume and not arguments.output:
        raise UsageError("--resume needs --output")
    words = arguments.metrics, arguments.images, arguments.reference
    check_words("jiqa score", *words)
    memory = read_bytes(arguments.memory) if arguments.memory else None
    output = Path(arguments.output) if arguments.output else None
    if output:
        check_format(output)
        unfinished = arguments.resume and journal_path(output).exists()
        check_new(output, force=arguments.force, unfinished=unfinished)
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
        light=True,
    )
    light = any(choice.metric.info.takes_light for choice in choices)
    if light and arguments.resize:
        raise UsageError("--resize is for sRGB images, not for linear light")
    check_options(choices)
    _check_maps(arguments, choices)
    filled = [choice.with_all_outputs() for choice in choices]
    jobs = (
        read_pairs(arguments.pairs, say)
        if arguments.pairs
        else find_jobs(
            arguments.images,
            arguments.reference,
            say,
            LIGHT_SUFFIXES if light else SUFFIXES,
        )
    )
    jobs = list({job.key: job for job in jobs}.values())
    runner = Runner(
        filled,
        background=arguments.background,
        programs=programs,
        params=read_params(choices, arguments.weights),
        memory=memory,
        resize=arguments.resize,
    )
    labels = columns_of(filled)
    settings = {
        "metrics": [c.identity for c in filled],
        "x64": arguments.x64,
        "background": arguments.background,
        **({"resize": arguments.resize} if arguments.resize else {}),
    }
    journal = Journal(output, settings, resume=arguments.resume) if output else None
    rows = dict(journal.done) if journal else {}
    wanted = {job.key for job in jobs}
    rows = {key: row for key, row in rows.items() if key in wanted}
    finished = False
    try:
        with progress("scoring", len(jobs), start=len(rows)) as advance:
            for job, row in runner.run(jobs, frozenset(rows), compiling(advance)):
                rows[job.key] = row
                if journal:
                    journal.add(job.key, row)
                step(advance, failed="seconds" not in row)
        columns = runner.columns(have_reference=paired)
        table = [rows[job.key] for job in jobs]
        if output:
            write_rows(output, columns, table)
        if arguments.report:
            _report(arguments, choices, table, progress)
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
    piped = not output and not sys.stdout.isatty()
    if piped:
        sys.stdout.write(to_csv(columns, table))
    else:
        show_scores(table, labels, output)
    say_doubts(filled, table, say)
    say_failures(table, all_listed=piped or output is not None)
    if not arguments.resize and any("sizes differ" in row["error"] for row in table):
        say("--resize reference scales references to the size of their images")
    return 1 if any(row["error"] for row in table) else 0


def _say_left_out(metric: str, weights: str) -> None:
    why = f"no weights {weights} (jiqa weights list)"
    print(f"skipped {metric}: {why}", file=sys.stderr)


def _check_maps(arguments: argparse.Namespace, choices: list[Any]) -> None:
    """Raise ``UsageError`` where maps are asked for that nothing can show."""
    from jiqa.checks import expected
    from jiqa.errors import UsageError
    from jiqa.registry import get_metric, list_metrics
    from jiqa.scoring.score_maps import with_maps

    if not arguments.maps:
        return
    if arguments.maps < 0:
        raise UsageError(expected("--maps", "a number of images", f"{arguments.maps}"))
    if not arguments.report:
        raise UsageError("--maps needs --report")
    if not with_maps(choices):
        have = ", ".join(n for n in list_metrics() if get_metric(n).info.maps)
        names = arguments.metrics
        raise UsageError(expected("--maps", f"one of {have} among the metrics", names))


def _report(
    arguments: argparse.Namespace,
    choices: list[Any],
    table: list[dict[str, Any]],
    progress: Any,
) -> None:
    from jiqa.report.score_maps import maps_section
    from jiqa.report.scores import write_report
    from jiqa.scoring.score_maps import maps_of, with_maps, worst

    sections = []
    if arguments.maps:
        mapped = with_maps(choices)
        rows = worst(table, mapped[0], arguments.maps)
        images = maps_of(
            rows,
            mapped,
            weights_folder=arguments.weights,
            background=arguments.background,
            progress=progress,
        )
        which = f"The images that {mapped[0].label} scores worst, the worst first."
        infos = {choice.label: choice.metric.info for choice in mapped}
        if images:
            sections.append(maps_section(images, infos, which))
    path = Path(arguments.report)
    write_report(
        path,
        title="jiqa score",
        command=shlex.join(["jiqa", *sys.argv[1:]]),
        columns=[(c.label, c.metric.info) for c in choices],
        rows=table,
        sections=sections,
    )
    print(f"report written to {path}", file=sys.stderr)
