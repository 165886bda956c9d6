"""User tables and folders wherever a command takes the name of a prepared set."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.dataset import Dataset
from jiqa.data.facts import fingerprint
from jiqa.data.index import read_facts
from jiqa.data.prepare.write import is_prepared
from jiqa.data.sets import all_datasets
from jiqa.data.store import prepare, split_name, to_prepare
from jiqa.data.user_tables.layout import is_table
from jiqa.distributed import rank_zero_first
from jiqa.io.cache import expanded


def resolved(spec: str, data_dir: Path | str | None) -> str:
    """The set's name for a table or a folder, which is prepared if it is not yet.

    Args:
        spec: ``NAME[:SPLIT]``, or ``PATH[:SPLIT]`` of a table, or of a folder with one
            (as ``jiqa distort`` writes).
        data_dir: where prepared sets are. Where another table is prepared there under
            its name, a digest stands after it.

    Raises:
        jiqa.errors.LayoutError: a table that cannot be understood.
        ValueError: neither a set nor a path.
        FileNotFoundError: no such table.
    """
    head, colon, part = spec.partition(":")
    path = expanded(head)
    table = is_table(path)
    if table and not path.is_file():
        raise FileNotFoundError(f"{path}: this table does not exist")
    if not table and not path.is_dir():
        try:
            split_name(head, data_dir)
        except ValueError as error:
            raise ValueError(
                f"{error}; there is no file or folder {head} either"
            ) from None
        return spec
    if not table:
        try:
            split_name(head, data_dir)  # a folder may happen to have a set's name
            return spec
        except ValueError:
            pass
    with rank_zero_first("preparing"):
        return f"{_prepared(path, data_dir)}{colon}{part}"


def notes_of_users(datasets: Iterable[Dataset]) -> list[str]:
    """Notes of the sets that the user named: how a table was read, what is missing."""
    named = [name for name, kind in all_datasets().items() if kind.NAMED]
    notes = [
        note
        for dataset in datasets
        if dataset.name.partition("/")[0] in named
        for note in dataset.notes
    ]
    return list(dict.fromkeys(notes))


def _prepared(path: Path, data_dir: Path | str | None) -> str:
    made = to_prepare("table", path, data_dir)
    digest = fingerprint(made.contents(path))
    name = f"{made.name}/{made.config}"
    if is_prepared(made):
        if read_facts(Path(str(made.data_dir))).fingerprint == digest:
            return name
        # Another table of this name, or the same one before it was changed.
        name = f"{name}_{digest[:8]}"
    try:
        return prepare(name, path, data_dir).name
    except PermissionError as error:
        wanted = "a folder that can be written"
        raise ValueError(expected("--data-dir", wanted, f"{error.filename}")) from None
