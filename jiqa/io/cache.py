"""Folders of the user: what jiqa can make or fetch again, weights and data sets.

Three environment variables name other folders: ``JIQA_CACHE``, ``JIQA_WEIGHTS`` and
``JIQA_DATA``. They are read here and nowhere else.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder(name: str = "") -> Path:
    """The folder for what is kept between runs: ``JIQA_CACHE``, or the user's cache.

    Args:
        name: of a folder in it: ``weights``, ``data``, ``downloads``, ``programs``,
            ``xla``, ``features`` or ``map_scores``.

    Returns:
        The folder, which may not exist yet.
    """
    if "JIQA_CACHE" in os.environ:
        return Path(os.environ["JIQA_CACHE"]) / name
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "jiqa" / name


def data_folder(given: Path | str | None = None) -> Path:
    """The folder of prepared data sets.

    Args:
        given: used if it is not empty; else ``JIQA_DATA``, else ``data`` in the cache.
    """
    named = given or os.environ.get("JIQA_DATA")
    return Path(named) if named else cache_folder("data")


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
    if not Path(given).is_dir():
        raise FileNotFoundError(f"{name}: {given} is not a folder")
    return Path(given)
