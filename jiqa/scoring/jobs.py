"""Which files to score, and the reference of each."""

from __future__ import annotations

import glob
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jiqa.checks import expected
from jiqa.errors import LayoutError, UsageError
from jiqa.io.decode import SUFFIXES
from jiqa.io.names import composed, find_file, folded
from jiqa.io.read_table import read_table
from jiqa.io.sources import Source
from jiqa.io.table_columns import Columns, find_column
from jiqa.io.walk import is_clutter, walk_images

#: Called with a sentence about what was passed over.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """One row to compute.

    Attributes:
        image: the file (or stored record) to score, the distorted one of a pair.
        reference: its reference, or ``None`` without one.
        problem: why there is no usable pair, or empty.
    """

    image: Path | Source
    reference: Path | Source | None = None
    problem: str = ""

    @property
    def key(self) -> str:
        """The key that identifies the row when a run is resumed."""
        return f"{self.image}\n{self.reference or ''}"


def find_jobs(
    images: Sequence[str],
    reference: str | None,
    say: Say = lambda text: None,
    suffixes: Collection[str] = SUFFIXES,
) -> list[Job]:
    """Expand files, folders and patterns, and match references.

    Args:
        images: files; folders, searched to any depth as ``jiqa.io.walk`` does; patterns
            with ``*``, ``?``, ``[``, ``**``.
        reference: a file for all of them, or a folder in which each image's reference
            has the same relative path, the same up to the suffix, or the same stem;
            capitals do not matter where only one fits, nor does the Unicode form.
        say: called with a sentence about what was passed over.
        suffixes: endings of the files that are looked for in folders.

    Returns:
        One job an image, without repetition, in the order given and by name within a
        folder. A missing image or reference is a job that says so.

    Raises:
        UsageError: nothing to score, or no such reference.
    """
    found = dict.fromkeys(expand(images, say, suffixes))
    if not found:
        raise UsageError("expected images, got none")
    if reference is None:
        return [Job(path) for path, _ in found]
    target = Path(reference)
    if target.is_dir():
        matcher = _Matcher(target, suffixes)
        return [matcher.job(path, relative) for path, relative in found]
    if not target.exists():
        raise UsageError(f"--reference {reference} does not exist")
    return [Job(path, target) for path, _ in found]


def expand(
    images: Sequence[str],
    say: Say = lambda text: None,
    suffixes: Collection[str] = SUFFIXES,
) -> Iterable[tuple[Path, Path]]:
    """Yield each image with its path below the folder or pattern that matched it.

    Raises:
        UsageError: a folder without images, or a pattern that nothing fits.
    """
    for text in images:
        path = Path(text)
        if path.is_dir():
            walk = walk_images(path, suffixes)
            if walk.passed_over:
                say(walk.note())
            if not walk.files:
                raise UsageError(
                    f"there are no images in {text} (looked for "
                    f"{', '.join(sorted(suffixes))})"
                )
            yield from ((p, p.relative_to(path)) for p in walk.files)
        elif path.exists() or not glob.has_magic(text):
            yield path, Path(path.name)
        else:
            root = Path(*_fixed_part(Path(text)))
            found = sorted(Path(p) for p in glob.glob(text, recursive=True))
            found = [p for p in found if p.is_file()]
            matches = [p for p in found if not _in_clutter(p.relative_to(root))]
            if len(matches) < len(found):
                say(f"{text}: passed over system files ({len(found) - len(matches)})")
            if not matches:
                raise UsageError(f"no file matches {text}")
            yield from ((p, p.relative_to(root)) for p in matches)


def _in_clutter(relative: Path) -> bool:
    return any(is_clutter(part, folder=True) for part in relative.parts[:-1])


def _fixed_part(pattern: Path) -> Iterable[str]:
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            return
        yield part


class _Matcher:
    """Finds references in a folder, which it lists once."""

    def __init__(self, root: Path, suffixes: Collection[str] = SUFFIXES) -> None:
        self._root = root
        self._by_path: dict[str, list[Path]] = defaultdict(list)
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in walk_images(root, suffixes).files:
            inside = path.relative_to(root)
            self._by_path[folded(str(inside.with_suffix("")))].append(path)
            self._by_stem[folded(path.stem)].append(path)

    def job(self, image: Path, relative: Path) -> Job:
        exact = self._root / relative
        if exact.is_file():
            return Job(image, exact)
        for choices in (
            self._by_path.get(folded(str(relative.with_suffix(""))), []),
            self._by_stem.get(folded(relative.stem), []),
        ):
            choices = _closest(choices, relative)
            if len(choices) == 1:
                return Job(image, choices[0])
            if choices:
                names = ", ".join(str(p.relative_to(self._root)) for p in choices)
                return Job(
                    image, None, f"several references match in {self._root}: {names}"
                )
        return Job(
            image,
            None,
            f"no reference in {self._root}: looked for {relative} and any "
            f"{relative.stem}.*",
        )


def _closest(choices: Sequence[Path], relative: Path) -> Sequence[Path]:
    """Of names that differ in capitals only, those that are written the same."""
    stem = composed(relative.stem)
    return [path for path in choices if composed(path.stem) == stem] or choices


def read_pairs(table: str, say: Say = lambda text: None) -> list[Job]:
    """Read jobs from a table with the columns ``reference`` and ``distorted``.

    Their synonyms will do as well, see ``jiqa.io.table_columns``. Relative paths count
    from the table's folder, or, where nothing is there, from the working directory.

    Args:
        table: the file.
        say: called with a sentence on which column was taken for what.

    Raises:
        UsageError: no such table, or a column is missing.
    """
    path = Path(table)
    if not path.is_file():
        raise UsageError(f"{table} does not exist")
    try:
        rows = read_table(path, long_rows=True)
    except LayoutError as error:
        raise UsageError(str(error)) from None
    columns = {
        "reference": find_column(rows.columns, "reference"),
        "distorted": find_column(rows.columns, "image", first="distorted"),
    }
    missing = [name for name, index in columns.items() if index is None]
    if missing:
        raise UsageError(
            expected(
                f"{table}",
                "columns reference and distorted",
                f"columns {', '.join(rows.columns)}",
            )
        )
    index = {name: n for name, n in columns.items() if n is not None}
    others = [name for n, name in enumerate(rows.columns) if n not in index.values()]
    say(Columns(index, {}, others).note(rows))
    jobs = []
    for row, line in zip(rows.rows, rows.lines, strict=True):
        reference, distorted = (row[place] for place in index.values())
        if not reference or not distorted:
            jobs.append(Job(Path(distorted), None, f"line {line} lacks a file name"))
            continue
        jobs.append(
            Job(_locate(distorted, path.parent), _locate(reference, path.parent))
        )
    if not jobs:
        raise UsageError(f"{table}: the table has no rows")
    return list(dict.fromkeys(jobs))


def _locate(name: str, folder: Path) -> Path:
    return find_file(folder, name) or find_file(Path(), name) or folder / name
