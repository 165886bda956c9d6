"""How much memory this machine has; without JAX, which reads its settings at import."""

from __future__ import annotations

import os


def half_of_memory() -> int | None:
    """Return half of the bytes of this machine's memory; ``None`` if it is unknown."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return None  # no such question on this system
