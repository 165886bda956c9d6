"""The page and the files of an attack on a metric."""

from __future__ import annotations

from pathlib import Path

from jiqa.analysis.synthesis.attack import Attack
from jiqa.report.synthesis_page import course_rows, plot_lines, write_synthesis

#: A change of a score that is remarked on as none, in parts of the score.
_STILL = 1e-4


def attack_words(found: Attack) -> list[str]:
    """Say in sentences what was found."""
    start, name = found.start.scores[found.metric], found.metric
    ends = [
        f"{p.scores[name]:.6g} ({p.name}; {p.scores_saved[name]:.6g} in 8 bits)"
        for p in found.found
    ]
    return [
        f"{found.metric} ({found.direction} is better): {start:.6g} at the start, "
        f"{' and '.join(ends)} {_where(found)}."
    ]


def remarks(found: Attack) -> list[str]:
    """Say which scores hardly changed, and why that may be."""
    start = found.start.scores[found.metric]
    return [
        f"On the way to the {p.name} image the score changed by less than one part in "
        "10,000: its gradient is 0 there, or leads only to another PSNR."
        for p in found.found
        if abs(p.scores[found.metric] - start) <= _STILL * abs(start)
    ]


def write_attack(
    folder: Path, found: Attack, *, name: str = "", command: str = ""
) -> Path:
    """Write the images that a metric scores best and worst, and a page of them.

    ``start.png``, ``best.png`` and ``worst.png``, the images rounded to 8 bits;
    ``values.npz`` with the images as they were found, ``course.csv`` with the score
    step by step, ``report.html``, and ``scores.json`` last.

    Args:
        folder: made if it is not there.
        found: of ``jiqa.analysis.attack``.
        name: of the image, for the page.
        command: how it was asked for, for the page.

    Returns:
        The page.
    """
    lines = {goal: course.scores for goal, course in found.courses.items()}
    alone = found.start.psnr == float("inf")
    texts = {
        p.name: f"{found.metric} {p.scores[found.metric]:.6g}"
        for p in (found.start, *found.found)
    }
    texts["reference"] = name
    return write_synthesis(
        folder,
        title=f"Attack on {found.metric}" + (f": {name}" if name else ""),
        lead=[
            *attack_words(found),
            "All differ from the reference by the same mean square; a metric that "
            "agrees with people gives them scores as different as they look."
            if not alone
            else "A metric that agrees with people gives them scores as different as "
            "they look.",
        ],
        remarks=remarks(found),
        reference=found.reference,
        pictures=[*([] if alone else [found.start]), *found.found],
        origin="the image" if alone else "the reference",
        texts=texts,
        course=course_rows(found.courses),
        plots=[plot_lines("course", lines, "steps", found.metric)],
        how="Each step goes along a conjugate direction of the score's gradient, is "
        f"brought back to {'the lowest' if alone else 'the'} PSNR and to [0, 1], and "
        "is only taken if it improves the score. course.csv has the steps, values.npz "
        "the images before rounding.",
        facts={
            "metric": found.metric,
            "direction": found.direction,
            "psnr": found.psnr,
            "start": found.start.scores[found.metric],
        },
        command=command,
    )


def _where(found: Attack) -> str:
    if found.start.psnr == float("inf"):
        return f"within a PSNR of {found.psnr:.4g} dB"
    return f"at a PSNR of {found.psnr:.4g} dB"
