"""What recipes that run ``jiqa`` share: words after ``--`` are meant for it."""

from __future__ import annotations

import sys


def parted(argv: list[str] | None) -> tuple[list[str], list[str]]:
    """Split a command line into a recipe's words and those for jiqa.

    Args:
        argv: words, or ``None`` for those of the command line.
    """
    words = sys.argv[1:] if argv is None else argv
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]
