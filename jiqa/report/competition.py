"""The page and the files of a competition of two metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jiqa.analysis.synthesis.competition import Competition
from jiqa.report.synthesis_page import course_rows, plot_lines, write_synthesis

#: A change of a score that is remarked on as none, in parts of the score.
_STILL = 1e-4


def competition_words(found: Competition) -> list[str]:
    """Say in sentences how far each metric went while the other one was held."""
    lines = []
    for held, driven in (found.metrics, found.metrics[::-1]):
        best, worst = (p for p in found.found if found.moved[p.name] == driven)
        lines.append(
            f"While {held} stays at {found.start.scores[held]:.6g}, {driven} "
            f"({found.directions[driven]} is better) goes from "
            f"{found.start.scores[driven]:.6g} to {best.scores[driven]:.6g} (best; "
            f"{best.scores_saved[driven]:.6g} in 8 bits) and to "
            f"{worst.scores[driven]:.6g} (worst; {worst.scores_saved[driven]:.6g})."
        )
    return lines


def remarks(found: Competition) -> list[str]:
    """Say which scores hardly changed, and why that may be."""
    return [
        f"In {p.name} the score changed by less than one part in 10,000: its gradient "
        "is 0, or that of the other metric leads the same way."
        for p in found.found
        if abs(p.scores[found.moved[p.name]] - found.start.scores[found.moved[p.name]])
        <= _STILL * abs(found.start.scores[found.moved[p.name]])
    ]


def write_competition(
    folder: Path, found: Competition, *, name: str = "", command: str = ""
) -> Path:
    """Write the four images of a competition, and a page of them.

    ``start.png`` and the images, ``best-METRIC.png`` and ``worst-METRIC.png`` of each
    metric, rounded to 8 bits; ``values.npz`` with the images as they were found,
    ``course.csv`` with both scores step by step, ``report.html``, and ``scores.json``
    last.

    Args:
        folder: made if it is not there.
        found: of ``jiqa.analysis.compete``.
        name: of the reference, for the page.
        command: how it was asked for, for the page.

    Returns:
        The page.
    """
    texts = {
        p.name: f"{found.held[p.name]} held at {p.scores[found.held[p.name]]:.6g}, "
        f"{found.moved[p.name]} {p.scores[found.moved[p.name]]:.6g}"
        for p in found.found
    }
    both = ", ".join(f"{m} {found.start.scores[m]:.6g}" for m in found.metrics)
    title = f"Competition of {found.metrics[0]} and {found.metrics[1]}"
    return write_synthesis(
        folder,
        title=title + (f": {name}" if name else ""),
        lead=[
            *competition_words(found),
            "Compare the images of each pair: the more different the two look, the "
            "more wrong is the metric that was held, which scores both alike.",
        ],
        remarks=remarks(found),
        reference=found.reference,
        pictures=[found.start, *found.found],
        origin="the reference",
        texts={"reference": name, "start": both, **texts},
        course=course_rows(found.courses, found.held),
        plots=list(_plots(found)),
        how="Maximum differentiation (Wang and Simoncelli 2008). Each step goes along "
        "a conjugate direction of the gradient of one score without its part along "
        "that of the other, whose score is then restored by Newton's method; it is "
        "only taken if that succeeds and the first score improves. course.csv has the "
        "steps, values.npz the images before rounding.",
        facts={
            "metrics": list(found.metrics),
            "directions": dict(found.directions),
            "moved": dict(found.moved),
            "held": dict(found.held),
        },
        command=command,
    )


def _plots(found: Competition) -> Iterator[str]:
    """For each metric, its score while it is driven."""
    for number, label in enumerate(reversed(found.metrics)):
        lines = {
            n: c.scores for n, c in found.courses.items() if found.moved[n] == label
        }
        yield plot_lines(f"course-{number}", lines, "steps", label)
