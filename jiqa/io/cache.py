"""Where jiqa keeps what it can make or fetch again."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder for everything kept: ``JIQA_CACHE``, or the user's cache folder."""
    if "JIQA_CACHE" in os.environ:
        return Path(os.environ["JIQA_CACHE"])
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "jiqa"
