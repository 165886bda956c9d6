"""The report of what ``jiqa.evaluate`` returned: a page, and its plots as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jiqa.evaluation.run import Result
from jiqa.evaluation.score_dataset import Part
from jiqa.io.decode import read_image
from jiqa.report.evaluation.page import write_report
from jiqa.report.evaluation.plots import write_plots


def report(
    result: Result, folder: Path | str, *, command: str = "", title: str = "evaluation"
) -> Path:
    """Write ``report.html`` and the folder ``plots``.

    Args:
        result: what ``jiqa.evaluate`` returned.
        folder: where to write.
        command: how the run was started, shown as it is.
        title: the page's heading.

    Returns:
        The page's path.
    """
    page, parts = Path(folder) / "report.html", result.rated.parts
    direction = result.score_direction
    write_report(
        page,
        result.evaluation,
        title=title,
        command=command,
        thumbnails=_pictures(parts) if parts else None,
        notes=result.warnings,
        settings=result.settings,
        score_direction=direction,
        extra=result.extra,
    )
    write_plots(page.parent / "plots", result.evaluation, score_direction=direction)
    return page


def _pictures(parts: Sequence[Part]) -> Callable[[Mapping[str, Any]], Any]:
    """The pixels of a row's image and of its reference."""
    found = {
        (part.name, part.split, entry.name): (part.dataset, entry)
        for part in parts
        for entry in part.entries
    }

    def pictures(row: Mapping[str, Any]) -> Any:
        dataset, entry = found[row["data"], row["split"], row["image"]]
        reference = dataset.reference(entry)
        return (
            read_image(dataset.image(entry)),
            read_image(reference) if reference else None,
        )

    return pictures
