"""What recipes that run ``jiqa`` share; words after ``--`` are meant for it."""

from __future__ import annotations

import subprocess
import sys


def parted(argv: list[str] | None) -> tuple[list[str], list[str]]:
    """Split a command line into a recipe's words and those for jiqa.

    Args:
        argv: words, or ``None`` for those of the command line.
    """
    words = sys.argv[1:] if argv is None else argv
    end = words.index("--") if "--" in words else len(words)
    return words[:end], words[end + 1 :]


def run_jiqa(*words: str) -> None:
    """Run ``jiqa`` with these words in a process of its own, and show them.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    print("jiqa", *words)
    subprocess.run([sys.executable, "-m", "jiqa", *words], check=True)
