"""Which files to score, and the reference of each."""

from __future__ import annotations

import glob
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jiqa.checks import expected
from jiqa.errors import LayoutError, UsageError
from jiqa.io.decode import SUFFIXES
from jiqa.io.read_table import read_table
from jiqa.io.sources import Source
from jiqa.io.table_columns import find_column


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


def find_jobs(images: Sequence[str], reference: str | None) -> list[Job]:
    """Expand files, folders and patterns, and match references.

    Args:
        images: files; folders, searched to any depth; patterns with ``*``, ``?``,
            ``[``, ``**``.
        reference: a file for all of them, or a folder in which each image's reference
            has the same relative path, the same up to the suffix, or the same stem.

    Returns:
        One job an image, without repetition, in the order given and by name within a
        folder. A missing image or reference is a job that says so.

    Raises:
        UsageError: nothing to score, or no such reference.
    """
    found = dict.fromkeys(expand(images))
    if not found:
        raise UsageError("no images given")
    if reference is None:
        return [Job(path) for path, _ in found]
    target = Path(reference)
    if target.is_dir():
        matcher = _Matcher(target)
        return [matcher.job(path, relative) for path, relative in found]
    if not target.exists():
        raise UsageError(f"--reference {reference}: no such file or folder")
    return [Job(path, target) for path, _ in found]


def expand(images: Sequence[str]) -> Iterable[tuple[Path, Path]]:
    """Yield each image with its path below the folder or pattern that matched it.

    Raises:
        UsageError: a folder without images, or a pattern that nothing fits.
    """
    for text in images:
        path = Path(text)
        if path.is_dir():
            inside = sorted(
                p
                for p in path.rglob("*")
                if p.suffix.lower() in SUFFIXES and p.is_file()
            )
            if not inside:
                raise UsageError(
                    f"no images in {text} (looked for {', '.join(sorted(SUFFIXES))})"
                )
            yield from ((p, p.relative_to(path)) for p in inside)
        elif path.exists() or not glob.has_magic(text):
            yield path, Path(path.name)
        else:
            matches = sorted(Path(p) for p in glob.glob(text, recursive=True))
            matches = [p for p in matches if p.is_file()]
            if not matches:
                raise UsageError(f"no file matches {text}")
            root = Path(*_fixed_part(Path(text)))
            yield from ((p, p.relative_to(root)) for p in matches)


def _fixed_part(pattern: Path) -> Iterable[str]:
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            return
        yield part


class _Matcher:
    """Finds references in a folder, which it lists once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        self._by_path: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(root.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                self._by_stem[path.stem].append(path)
                self._by_path[str(path.relative_to(root).with_suffix(""))].append(path)

    def job(self, image: Path, relative: Path) -> Job:
        exact = self._root / relative
        if exact.is_file():
            return Job(image, exact)
        for choices in (
            self._by_path.get(str(relative.with_suffix("")), []),
            self._by_stem.get(relative.stem, []),
        ):
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


def read_pairs(table: str) -> list[Job]:
    """Read jobs from a table with the columns ``reference`` and ``distorted``.

    Their synonyms will do as well, see ``jiqa.io.table_columns``. Relative paths count
    from the table's folder, or, where nothing is there, from the working directory.

    Raises:
        UsageError: no such table, or a column is missing.
    """
    path = Path(table)
    if not path.is_file():
        raise UsageError(f"{table}: no such file")
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
    jobs = []
    for row, line in zip(rows.rows, rows.lines, strict=True):
        reference, distorted = (
            row[index] for index in columns.values() if index is not None
        )
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
    beside = folder / name
    return beside if beside.exists() or not Path(name).exists() else Path(name)
