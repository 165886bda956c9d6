"""The report of a study of feature maps: one self-contained HTML page."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.analysis.explain.concepts import Concept
from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.evaluation.statistics.logistic import fit_logistic, monotonic_beside
from jiqa.io.json_files import read_json
from jiqa.ops.logistic import logistic_about
from jiqa.report.evaluation.figures import axis_range
from jiqa.report.inline_svg import inline_svg
from jiqa.report.overlays import as_bytes
from jiqa.report.page import write_page
from jiqa.report.pictures import data_address, heat_map, thumbnail
from jiqa.report.plot_style import COLOURS, INK, new_axis, style


@dataclass(frozen=True)
class Sample:
    """One pair of the data set, shown with every chosen map.

    Attributes:
        name: of the distorted image.
        score: its subjective score.
        reference: pixels ``[H, W, 3]``.
        distorted: pixels ``[H, W, 3]``.
        maps: of each chosen map's name the two activations ``[h, w]``.
    """

    name: str
    score: float
    reference: np.ndarray
    distorted: np.ndarray
    maps: Mapping[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class MapPictures:
    """The facts about one chosen map; whatever is ``None`` is left out.

    Attributes:
        name: ``LAYER:NUMBER``.
        maximised: the picture that it responds to most, uint8.
        concepts: those it overlaps most, with the overlap.
        least: the overlap above which it counts as a detector.
        relevance: an overlay of prediction difference, uint8.
    """

    name: str
    maximised: np.ndarray | None = None
    concepts: Sequence[tuple[Concept, float]] = field(default_factory=tuple)
    least: float = 0.04
    relevance: np.ndarray | None = None


def write_report(
    folder: Path,
    samples: Sequence[Sample],
    maps: Sequence[MapPictures],
    *,
    command: str,
    notes: Sequence[str] = (),
) -> Path:
    """Write ``report.html`` beside the files of a study.

    Args:
        folder: what ``jiqa.analysis.map_selection.study_files.write_study`` wrote.
        samples: pairs to show.
        maps: chosen maps to show, in their order.
        command: how the run was started.
        notes: sentences about how the pictures were made.

    Returns:
        The page.

    Raises:
        ValueError: a folder that is no study.
    """
    try:
        selection = Selection.from_json(folder / "maps.json")
        facts = read_json(folder / "run.json")
        curve, figures = (_rows(folder / f"{n}.csv") for n in ("curve", "figures"))
    except OSError as error:
        raise ValueError(
            f"{folder} is not a folder of jiqa analyse select ({error})"
        ) from None
    stability = folder / "stability.csv"
    frequent = _rows(stability) if stability.is_file() else []
    frequency = {row["name"]: row["frequency"] for row in frequent}
    if curve and "held_out" not in curve[0]:
        raise ValueError(
            f"{folder}: an earlier version of jiqa analyse select wrote this study; "
            "the same command with --force writes it anew, from the scores it has kept"
        )
    alone = {row["added"]: row["alone"] for row in curve}
    pairs = folder / "scores.csv"
    scores = _rows(pairs) if pairs.is_file() else []
    with style():
        svg = _curve(selection, curve, figures)
        scatter = _scatter(selection, scores) if scores else ""
    path = folder / "report.html"
    write_page(
        path,
        "study.html.j2",
        title=f"Feature maps of {selection.network} on {facts['data']}",
        command=command,
        notes=notes,
        selection=selection,
        facts=facts,
        curve=[_rounded(row) for row in curve],
        figures=[_rounded(row) for row in figures],
        folds=facts["folds"],
        svg=svg,
        scatter=scatter,
        samples=[_sample(sample) for sample in samples],
        cards=[
            _card(
                shown,
                samples,
                alone.get(shown.name),
                frequency.get(shown.name, "0") if frequent else None,
            )
            for shown in maps
        ],
        frequent=[_rounded(row) for row in frequent[:15]],
    )
    return path


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _rounded(row: Mapping[str, str]) -> dict[str, str]:
    """Round fractional numbers to four decimals; leave all else as it is."""
    found = {}
    for key, text in row.items():
        try:
            found[key] = f"{float(text):.4f}" if "." in text else text
        except ValueError:
            found[key] = text
    return found


def _curve(
    selection: Selection,
    curve: Sequence[Mapping[str, str]],
    figures: Sequence[Mapping[str, str]],
) -> str:
    figure, axis = new_axis(6.0, 2.8)
    count = range(1, len(curve) + 1)
    inside = [float(row["in_sample"]) for row in curve]
    outside = [float(row["held_out"]) for row in curve]
    axis.plot(count, inside, "o-", color="#0072B2", label="in-sample")
    axis.plot(count, outside, "s--", color="#D55E00", label="held out")
    (level,) = (float(r["held_out"]) for r in figures if r["name"] == "all maps")
    axis.axhline(selection.all_maps, color="#848484", label="all maps, in-sample")
    if np.isfinite(level):
        axis.axhline(level, color="#848484", ls=":", label="all maps, held out")
    axis.set_xlabel("feature maps")
    axis.set_ylabel(selection.criterion)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, frameon=False)
    text = f"{selection.criterion} against the number of chosen maps."
    return inline_svg(figure, "curve", text)


def _scatter(selection: Selection, rows: Sequence[Mapping[str, str]]) -> str:
    """Subjective score against the score of the chosen maps, with the fitted curve.

    Dashed a monotonic curve where that turns round within the data.
    """
    from jiqa.report.points import Points

    x, y = (np.array([float(r[k]) for r in rows]) for k in ("score", "subjective"))
    figure, axis = new_axis(4, 2.8)
    axis.set(xlim=axis_range(x, np.inf), ylim=axis_range(y, np.inf))
    axis.add_artist(Points(x, y, COLOURS[0], "circle"))
    along = np.linspace(x.min(), x.max(), 200)
    axis.plot(
        along,
        logistic_about(along, selection.mapping, selection.middle),
        color=INK,
        lw=1.4,
    )
    if selection.criterion != "plcc":
        beside = monotonic_beside(fit_logistic(x, y), x, y)
        if beside is not None:
            axis.plot(along, beside(along), color=INK, lw=1.4, ls="--")
    axis.set_xlabel(f"{selection.metric} of the chosen maps")
    axis.set_ylabel("subjective score")
    axis.grid(alpha=0.25)
    text = f"Subjective score against the score of the chosen maps, {len(x)} pairs."
    return inline_svg(figure, "scatter", text)


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "name": sample.name,
        "score": f"{sample.score:.4g}",
        "reference": thumbnail(sample.reference, 300),
        "distorted": thumbnail(sample.distorted, 300),
    }


def _card(
    shown: MapPictures,
    samples: Sequence[Sample],
    alone: str | None,
    frequency: str | None,
) -> dict[str, Any]:
    activations = []
    for sample in samples:
        if shown.name not in sample.maps:
            continue
        pair = sample.maps[shown.name]
        low = min(float(x.min()) for x in pair)
        high = max(float(x.max()) for x in pair)
        reference, distorted = (heat_map(x, low, high) for x in pair)
        activations.append(
            {
                "name": sample.name,
                "reference": reference,
                "distorted": distorted,
                "range": f"{low:.3g} to {high:.3g}",
            }
        )
    return {
        "name": shown.name,
        "alone": f"{float(alone):.4f}" if alone else None,
        "frequency": f"{float(frequency):.0%}" if frequency else None,
        "activations": activations,
        "maximised": _png(shown.maximised),
        "relevance": _png(shown.relevance),
        "concepts": [
            {
                "name": concept.name,
                "category": concept.category,
                "overlap": f"{overlap:.3f}",
                "detector": overlap > shown.least,
            }
            for concept, overlap in shown.concepts
        ],
        "least": shown.least,
    }


def _png(pixels: np.ndarray | None) -> str | None:
    if pixels is None:
        return None
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(as_bytes(pixels)).save(file, "PNG")
    return data_address(file.getvalue(), "png")
