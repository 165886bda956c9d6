"""The page and the files of eigendistortions."""

from __future__ import annotations

from pathlib import Path

from jiqa.analysis.synthesis.eigendistortions import Eigendistortions
from jiqa.report.synthesis_page import plot_lines, write_synthesis

#: How far the second derivative may be from what a small distortion does.
_AGREES = 0.2
#: A residual that is remarked on, in parts of the largest eigenvalue.
_FAR = 0.01


def eigendistortion_words(found: Eigendistortions) -> list[str]:
    """Say in sentences what was found."""
    most, least = found.found
    largest, smallest = found.values
    off, also_off = found.residuals
    return [
        f"Largest eigenvalue of the second derivative of {found.metric}: "
        f"{largest:.6g} (residual {off:.1g}); smallest: {smallest:.6g} (residual "
        f"{also_off:.1g}).",
        f"{found.metric} ({found.direction} is better): {found.identity:.6g} for the "
        f"reference itself; at a PSNR of {found.psnr:.4g} dB "
        f"{most.scores[found.metric]:.6g} (most noticed; "
        f"{most.scores_saved[found.metric]:.6g} in 8 bits) and "
        f"{least.scores[found.metric]:.6g} (least noticed; "
        f"{least.scores_saved[found.metric]:.6g} in 8 bits).",
    ]


def remarks(found: Eigendistortions) -> list[str]:
    """Say what is less exact than it looks."""
    said = []
    if found.agreement is not None and abs(found.agreement - 1) > _AGREES:
        said.append(
            f"The second derivative predicts {found.agreement:.2g} times what a random "
            "distortion of about 60 dB does to the score: it holds for weaker ones "
            "alone, or the metric is not smooth where both images are equal."
        )
    if found.values[1] < -_FAR * abs(found.values[0]):
        said.append(
            "The smallest eigenvalue is negative: the metric scores images with such a "
            "distortion better than the image itself."
        )
    largest = abs(found.values[0])
    for name, residual in zip(("most", "least"), found.residuals, strict=True):
        if residual > _FAR * largest:
            said.append(
                f"The {name} noticed distortion has not converged (residual "
                f"{residual / largest:.1%} of the largest eigenvalue): more steps "
                "(--steps) help."
            )
    return said


def write_eigendistortions(
    folder: Path, found: Eigendistortions, *, name: str = "", command: str = ""
) -> Path:
    """Write the distortions that a metric notices most and least, and a page of them.

    ``most.png`` and ``least.png``, the distorted images rounded to 8 bits;
    ``values.npz`` with them as they were made and the eigenvectors, ``course.csv`` with
    the eigenvalues step by step, ``report.html``, and ``scores.json`` last.

    Args:
        folder: made if it is not there.
        found: of ``jiqa.analysis.eigendistortions``.
        name: of the image, for the page.
        command: how it was asked for, for the page.

    Returns:
        The page.
    """
    texts = {
        p.name: f"the {p.name} noticed distortion; {found.metric} "
        f"{p.scores[found.metric]:.6g}, {found.predicted[p.name]:.6g} by the eigenvalue"
        for p in found.found
    }
    lines = {"largest": found.course[:, 0], "smallest": found.course[:, 1]}
    return write_synthesis(
        folder,
        title=f"Eigendistortions of {found.metric}" + (f": {name}" if name else ""),
        lead=[
            *eigendistortion_words(found),
            "Both distortions have the same mean square. A metric that agrees with "
            "people notices most what they notice most. Eigenvalues are of weak "
            "distortions: what they predict for this PSNR stands below the images.",
        ],
        remarks=remarks(found),
        reference=found.reference,
        pictures=found.found,
        origin="the reference",
        texts={"reference": name, **texts},
        course=[
            {"step": number + 1, "largest": float(high), "smallest": float(low)}
            for number, (high, low) in enumerate(found.course)
        ],
        plots=[plot_lines("course", lines, "steps", "eigenvalue", 1)],
        how="Eigenvectors of the second derivative of the score where both images are "
        "equal (Berardino et al. 2017), by Lanczos' method, which only needs its "
        "products with vectors. values.npz has the eigenvectors.",
        facts={
            "metric": found.metric,
            "direction": found.direction,
            "identity": found.identity,
            "psnr": found.psnr,
            "eigenvalues": dict(zip(("most", "least"), found.values, strict=True)),
            "residuals": dict(zip(("most", "least"), found.residuals, strict=True)),
            "predicted": dict(found.predicted),
            "agreement": found.agreement,
        },
        arrays=dict(zip(("most_vector", "least_vector"), found.vectors, strict=True)),
        command=command,
    )
