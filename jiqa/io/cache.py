"""Folders of the user: what jiqa can make or fetch again, weights and data sets.

Three environment variables name other folders: ``JIQA_CACHE``, ``JIQA_WEIGHTS`` and
``JIQA_DATA``. They are read here and nowhere else; an empty one counts as not set.

A cache saves time and nothing else: where there is no home folder, or a folder that
cannot be written, work goes on in a temporary folder that goes with the process.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

_log = logging.getLogger(__name__)


def cache_folder(name: str = "") -> Path:
    """The folder for what is kept between runs: ``JIQA_CACHE``, or the user's cache.

    Args:
        name: of a folder in it: ``weights``, ``data``, ``downloads``, ``programs``,
            ``xla``, ``features`` or ``map_scores``.

    Returns:
        The folder, which may not exist yet; a temporary one for a user without a home.
    """
    if os.environ.get("JIQA_CACHE"):
        return expanded(os.environ["JIQA_CACHE"]) / name
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or _home()
    else:
        home = _home()
        base = os.environ.get("XDG_CACHE_HOME") or (home and home / ".cache")
    return Path(base) / "jiqa" / name if base else _temporary("no home folder") / name


def working_folder(name: str) -> Path:
    """As ``cache_folder``, or a temporary folder where that one cannot be written."""
    folder = cache_folder(name)
    if can_write(folder):
        return folder
    return _temporary(f"{folder} cannot be written") / name


def can_write(folder: Path) -> bool:
    """Whether a folder, or the first one above it that exists, can be written."""
    there = next((f for f in (folder, *folder.absolute().parents) if f.exists()), None)
    return there is not None and there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def is_temporary(folder: Path) -> bool:
    """Whether a folder that this module named goes with the process."""
    return any(made in (folder, *folder.parents) for made in _made)


def expanded(path: Path | str) -> Path:
    """A path with ``~`` for the home folder; as it is for a user without one."""
    return Path(os.path.expanduser(path))


#: The temporary folder, once there is one.
_made: list[Path] = []


def _temporary(why: str) -> Path:
    """This process's own folder instead of a cache; says so the first time."""
    if not _made:
        _made.append(Path(tempfile.mkdtemp(prefix="jiqa-")))
        atexit.register(shutil.rmtree, _made[0], ignore_errors=True)
        _log.warning(
            "%s: nothing is kept between runs (JIQA_CACHE names another folder)", why
        )
    return _made[0]


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a container's user without HOME or an entry
        return None


def data_folder(given: Path | str | None = None) -> Path:
    """The folder of prepared data sets.

    Args:
        given: used if it is not empty; else ``JIQA_DATA``, else ``data`` in the cache.
    """
    named = given or os.environ.get("JIQA_DATA")
    if named:
        return expanded(named)
    folder = cache_folder("data")
    return folder if folder.is_dir() else working_folder("data")


def weights_folder(given: Path | str | None = None) -> Path | None:
    """The folder in which weights are looked for before the cache.

    Args:
        given: used if it is not ``None``; else ``JIQA_WEIGHTS``.

    Returns:
        The folder, or ``None`` if neither names one.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    name = "the weights' folder"
    if given is None:
        given, name = os.environ.get("JIQA_WEIGHTS") or None, "JIQA_WEIGHTS"
    if given is None:
        return None
    folder = expanded(given)
    if not folder.is_dir():
        raise FileNotFoundError(f"{name}: {given} is not a folder")
    return folder
