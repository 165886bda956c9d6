"""``jiqa data prepare``: from an archive, one's own table, or a download."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jiqa.data.builder import QualityDataset
    from jiqa.data.dataset import Dataset

#: Names shown of images that cannot be read, and letters of a note.
_SHOWN, _LETTERS = 5, 300


def add_prepare_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what only this action takes."""
    add = parser.add_argument
    add(
        "--manual-dir",
        metavar="DIR",
        help="the unpacked archive; a folder or table of your own (default: download, "
        "of the sets that may be had unasked)",
    )
    add(
        "--workers",
        type=int,
        default=4,
        metavar="N",
        help="threads that read files ahead, or processes that compute images "
        "(%(default)s)",
    )
    add(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what no file says, such as direction=lower of a table (see info)",
    )
    add(
        "--beam",
        metavar="FLAGS",
        help="do the work on Apache Beam, with its flags in one argument: "
        "--beam='--runner=DirectRunner --direct_num_workers=4'",
    )


def prepare_set(arguments: argparse.Namespace) -> int:
    """Prepare one set, and say what was found."""
    from jiqa.cli._setup import byte_bar
    from jiqa.data import preparing
    from jiqa.data.dataset import Dataset
    from jiqa.data.downloads import NotDownloaded
    from jiqa.data.folder import LayoutError
    from jiqa.data.named import check_same
    from jiqa.data.store import archive_of, full_name, to_prepare
    from jiqa.scoring.inputs import UsageError
    from jiqa.weights.download import DownloadError

    if arguments.workers < 1:
        raise UsageError(f"--workers {arguments.workers}: needed is at least 1")
    start = time.monotonic()
    try:
        options = dict(_option(text) for text in arguments.option)
        manual_dir, folder = arguments.manual_dir, arguments.data_dir
        made = to_prepare(arguments.name, manual_dir, folder, options)
        name = full_name(arguments.name, made)
        if preparing.is_prepared(made):
            if made.NAMED and manual_dir is not None:
                check_same(made, Path(manual_dir))
            print(f"{name} is prepared already, in {made.data_dir}")
            return 0
    except LayoutError:
        raise
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        with byte_bar(f"downloading {made.name}") as progress:
            archive = archive_of(made, manual_dir, progress)
        _write(made, archive, arguments)
    except (DownloadError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    except NotDownloaded as error:
        print(error, file=sys.stderr)
        return 2
    _tell(Dataset(name, made), time.monotonic() - start)
    if made.NAMED:
        print(f"from now on: --data {name}")
    for left in preparing.leftovers(made):
        print(f"note: left by a preparation that was killed, unless one runs: {left}")
    return 0


def _option(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--option {text}: needed is KEY=VALUE")
    return key.strip(), value.strip()


def _write(made: QualityDataset, archive: Path, arguments: argparse.Namespace) -> None:
    from jiqa.cli._setup import progress
    from jiqa.data import preparing

    contents = made.contents(archive)
    info = contents.info or made.INFO
    print(f"{info.title}: {preparing.found(info, contents)}")
    for note in contents.notes:
        cut = note if len(note) <= _LETTERS else f"{note[:_LETTERS]} ..."
        print(f"note: {cut}")
    total = len(contents.records) + len(contents.references)
    beam = None if arguments.beam is None else shlex.split(arguments.beam)
    with progress("preparing", total, starting="") as advance:
        preparing.write(
            made, archive, workers=arguments.workers, advance=advance, beam=beam
        )


def _tell(dataset: Dataset, seconds: float) -> None:
    problems = [
        e.problem
        for e in [*dataset.entries(), *dataset.references.values()]
        if e.problem
    ]
    size = sum(file.stat().st_size for file in dataset.folder.iterdir())
    print(f"prepared in {dataset.folder}: {size / 1e6:,.1f} MB, {seconds:.1f} s")
    if problems:
        print(f"{len(problems)} cannot be read, and are marked so:")
        print(*(f"  {problem}" for problem in problems[:_SHOWN]), sep="\n")
        if len(problems) > _SHOWN:
            print(f"  and {len(problems) - _SHOWN} more")
