"""A metric of another library, as the benchmarks call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Peer:
    """One metric of another library: ``call(reference, distorted)`` in its layout."""

    colour: str
    call: Callable[[Any, Any], Any]
    note: str = ""
