"""Words in the wrong order: what was meant, as a command to type."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


def check_words(
    command: str,
    metrics: str,
    images: Sequence[str],
    reference: str | None = None,
    example: str = "recommended",
) -> None:
    """Check that metrics come first, with commas, and images after them.

    Args:
        command: such as ``jiqa score``, for the hint.
        metrics: the first word.
        images: the other words.
        reference: what ``--reference`` says.
        example: the metric of the hint where none was given.

    Raises:
        UsageError: an image among the metrics, or a metric among the images; with
            the command that was meant.
    """
    from jiqa.errors import UsageError

    among = [word for word in images if _is_metric(word) and not Path(word).exists()]
    files = [word for word in images if word not in among]

    def meant(names: list[str], paths: list[str]) -> str:
        words = [*command.split(), ",".join(names), *paths]
        return shlex.join([*words, *(["--reference", reference] if reference else [])])

    if _is_image(metrics):
        what = "a folder" if Path(metrics).is_dir() else "an image"
        names = [word.strip(",") for word in among] or [example]
        raise UsageError(
            f"{metrics} is {what}, and metrics come first: "
            f"{meant(names, [metrics, *files])}"
        )
    if among:
        names = [word.strip(",") for word in (metrics, *among)]
        raise UsageError(
            f"{among[0].strip(',')} is a metric; separate metrics by commas, without "
            f"blanks: {meant(names, files or ['IMAGES'])}"
        )


def _is_metric(word: str) -> bool:
    from jiqa.metrics import all_metrics
    from jiqa.registry import listed_name
    from jiqa.scoring.choose_metrics import BUNDLES

    names = [name for name in word.split(",") if name]
    known = {*all_metrics(), *BUNDLES}
    return bool(names) and all(listed_name(n).lower() in known for n in names)


def _is_image(word: str) -> bool:
    from jiqa.io.decode import SUFFIXES
    from jiqa.io.light import LIGHT_SUFFIXES

    if _is_metric(word) or ":" in word:
        return False
    path = Path(word)
    return path.is_dir() or path.suffix.lower() in SUFFIXES | LIGHT_SUFFIXES
