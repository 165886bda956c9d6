"""Pictures of what a study's chosen maps respond to, and the study's report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.analysis.explain.broden import Broden
from jiqa.analysis.explain.concepts import ConceptSet
from jiqa.analysis.explain.drawn_concepts import DrawnConcepts
from jiqa.analysis.explain.explain_maps import dissect_maps, maximise_maps
from jiqa.analysis.explain.network_maps import NetworkMaps, read_maps
from jiqa.analysis.explain.patch_samplers import ConditionalSampler
from jiqa.analysis.explain.prediction_difference import prediction_difference
from jiqa.analysis.explain.unit_images import read_unit
from jiqa.analysis.map_selection.rated_pairs import RatedPairs, open_rated_pairs
from jiqa.errors import UsageError
from jiqa.io.json_files import read_json
from jiqa.progress import Progress, silent, steps
from jiqa.report.overlays import as_bytes, overlay
from jiqa.report.study import MapPictures, Sample, write_report


@dataclass(frozen=True)
class PictureSettings:
    """How the pictures of a study's report are made.

    Attributes:
        most: how many maps are shown.
        side: of pictures, in pixels.
        steps: of maximisation.
        stride: of prediction difference, in pixels.
        samples: for each of its windows.
        broden: folder of Broden, for concepts; by default they are drawn.
        images: with concepts.
        seed: of all that is random.
    """

    most: int = 8
    side: int = 96
    steps: int = 96
    stride: int = 8
    samples: int = 4
    broden: Path | str | None = None
    images: int = 60
    seed: int = 0


def report_study(
    folder: Path | str,
    settings: PictureSettings | None = None,
    *,
    data_dir: str | None = None,
    weights_folder: Path | str | None = None,
    command: str = "",
    progress: Progress = silent,
) -> Path:
    """Report a study on one page: the selection, and what the maps respond to.

    Args:
        folder: what ``jiqa.analysis.select_maps`` wrote; the page goes there.
        settings: how pictures are made; by default ``PictureSettings()``.
        data_dir: where prepared sets are; by default as in the study.
        weights_folder: where to look first for learned weights; by default as in the
            study.
        command: how the page was asked for, to be shown on it.
        progress: see ``jiqa.progress``.

    Returns:
        The page, which needs no other file.

    Raises:
        ValueError: a folder that is no study, or a data set that is not there.

    Example:
        With the folder of a study::

            from jiqa.report.study_pictures import PictureSettings, report_study
            page = report_study("study", PictureSettings(most=4))
    """
    folder, how = Path(folder), settings or PictureSettings()
    try:
        facts = read_json(folder / "run.json")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{folder} is not a folder of jiqa analyse select ({error})"
        ) from None
    known = facts.get("data_dir")
    weights_folder = weights_folder or facts.get("weights_folder")
    lost = bool(known and not data_dir and not Path(known).is_dir())
    try:
        pairs = open_rated_pairs(facts["data"], data_dir or (None if lost else known))
    except UsageError as error:
        if not lost:
            raise
        raise ValueError(
            f"{folder}: the folder of its data, {known}, is not there any more, and "
            f"the usual one has none of them ({error}); --data-dir says where they are"
        ) from None
    maps = read_maps(folder / "maps.json", most=how.most, weights_folder=weights_folder)
    samples = sample_pairs(maps, pairs)
    cards = map_pictures(maps, pairs, how, progress=progress)
    return write_report(folder, samples, cards, command=command, notes=[_note(how)])


def sample_pairs(maps: NetworkMaps, pairs: RatedPairs, count: int = 3) -> list[Sample]:
    """The worst, middling and best pairs of a data set, with the maps' activations.

    Args:
        maps: to be computed.
        pairs: of the data set.
        count: how many pairs, evenly through the order of their scores.
    """
    order = np.argsort(pairs.scores, kind="stable")
    if pairs.better == "lower":
        order = order[::-1]
    ranks = np.linspace(0, len(order) - 1, count).round().astype(int)
    samples = []
    for index in dict.fromkeys(order[ranks].tolist()):
        images = [read_unit(x) for x in pairs.pairs[index]]
        found: dict[str, Any] = {}
        for layer, numbers in maps.by_layer().items():
            run = maps.whole(layer)
            both = [np.asarray(run(x[None]))[0] for x in images]
            for unit, number in enumerate(numbers):
                found[f"{layer}:{number}"] = tuple(x[..., unit] for x in both)
        reference, distorted = (as_bytes(x) for x in images)
        score = float(pairs.scores[index])
        samples.append(
            Sample(str(pairs.names[index]), score, reference, distorted, found)
        )
    return samples


def map_pictures(
    maps: NetworkMaps,
    pairs: RatedPairs,
    how: PictureSettings,
    *,
    progress: Progress = silent,
) -> list[MapPictures]:
    """Make each map's maximised picture, concepts and prediction difference.

    Args:
        maps: in the order in which they are shown.
        pairs: of the data set; prediction difference looks at the reference of the
            worst one.
        how: sizes and steps.
        progress: see ``jiqa.progress``.
    """
    painted = maximise_maps(
        maps, size=how.side, steps=how.steps, seed=how.seed, progress=progress
    )
    concepts: ConceptSet = DrawnConcepts(how.images, seed=how.seed)
    if how.broden:
        concepts = Broden(how.broden, limit=how.images)
    named = dissect_maps(maps, concepts, progress=progress)
    overlays = _overlays(maps, pairs, how, progress)
    return [
        MapPictures(
            name,
            maximised=as_bytes(painted[key]),
            concepts=named[key],
            relevance=overlays[key],
        )
        for key, name in zip(maps.maps, maps.names, strict=True)
    ]


def _overlays(
    maps: NetworkMaps, pairs: RatedPairs, how: PictureSettings, progress: Progress
) -> Mapping[tuple[str, int], np.ndarray]:
    """Show where the worst pair's reference raises each map."""
    worst = np.argmin if pairs.better == "higher" else np.argmax
    references = list(dict.fromkeys(reference for reference, _ in pairs.pairs))
    first = pairs.pairs[int(worst(pairs.scores))][0]
    image = _middle(read_unit(first), how.side)
    with progress("replacing windows", 100) as advance:
        relevance = prediction_difference(
            maps.target(),
            image,
            ConditionalSampler([read_unit(r) for r in references[:8]], seed=how.seed),
            stride=how.stride,
            samples=how.samples,
            seed=how.seed,
            on_progress=steps(advance, 100),
        )
    return {
        key: overlay(image, relevance.values[..., index])
        for index, key in enumerate(maps.maps)
    }


def _middle(image: np.ndarray, side: int) -> np.ndarray:
    """The middle ``side`` pixels of a larger image."""
    top, left = (max(0, (n - side) // 2) for n in image.shape[:2])
    return image[top : top + side, left : left + side]


def _note(how: PictureSettings) -> str:
    concepts = f"Broden in {how.broden}" if how.broden else "drawn images"
    return (
        f"Concepts from {how.images} of {concepts}. Maximised: {how.steps} "
        f"steps on {how.side} pixels. Prediction difference: windows of 10 "
        f"pixels, stride {how.stride}, {how.samples} conditional samples, "
        f"on the middle {how.side} pixels of the first sample's reference. All "
        f"seeds {how.seed}."
    )
