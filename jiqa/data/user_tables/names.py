"""Sets that the user names: a table, a folder, any number of them side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.builder import QualityDataset
from jiqa.data.facts import fingerprint
from jiqa.data.index import INDEX, read_facts
from jiqa.io.cache import expanded

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def named_sets(
    datasets: Mapping[str, type[QualityDataset]], root: Path
) -> dict[str, list[str]]:
    """Prepared sets by the name that the user gave, such as ``mine: [table/mine]``.

    Args:
        datasets: all builders by name.
        root: the folder of prepared sets.
    """
    found: dict[str, list[str]] = {}
    for name, dataset in datasets.items():
        if dataset.NAMED:
            for index in sorted((root / name).glob(f"*/*/{INDEX}")):
                own = index.parts[-3]
                found.setdefault(own, []).append(f"{name}/{own}")
    return found


def check_name(name: str, own: str) -> None:
    """Reject a name that no folder should have.

    Raises:
        ValueError: the message says which characters a name may have.
    """
    if not _NAME.fullmatch(own):
        wanted = f"a name of letters, digits, '_', '-' and '.' after {name}/"
        raise ValueError(expected(f"{name}/{own}", wanted, repr(own)))


def default_name(root: Path) -> str:
    """The name that a table or a folder gives its set."""
    root = expanded(root).resolve()
    stem = root.stem if root.is_file() else root.name
    return re.sub(r"[^A-Za-z0-9]+", "_", stem).strip("_") or "mine"


def check_same(made: QualityDataset, root: Path) -> None:
    """Reject other files or labels under the name of a set that is prepared.

    Raises:
        ValueError: they are not those that it was prepared from.
    """
    folder = Path(str(made.data_dir))
    if fingerprint(made.contents(root)) != read_facts(folder).fingerprint:
        raise ValueError(
            f"{made.name}/{made.config} is already prepared from other files or "
            f"labels than those in {root}: choose another name after the slash, or "
            f"delete {folder}"
        )
