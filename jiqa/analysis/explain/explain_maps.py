"""What feature maps respond to: pictures that excite them, and concepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.analysis.explain.concepts import Concept, ConceptSet
from jiqa.analysis.explain.dissection import dissect
from jiqa.analysis.explain.maximisation import maximise
from jiqa.analysis.explain.network_maps import NetworkMaps
from jiqa.io.write_table import write_rows
from jiqa.nn import NETWORKS
from jiqa.progress import Progress, silent
from jiqa.progress import steps as in_steps

#: Of each map, by layer and number, the concepts it overlaps most, with the overlap.
MapConcepts = Mapping[tuple[str, int], Sequence[tuple[Concept, float]]]


def maximise_maps(
    maps: NetworkMaps, *, steps: int = 128, progress: Progress = silent, **options: Any
) -> dict[tuple[str, int], np.ndarray]:
    """Find the picture that each map responds to most, by gradient ascent from noise.

    Args:
        maps: of ``read_maps`` or ``named_maps``.
        steps: of the ascent.
        progress: see ``jiqa.progress``.
        **options: of ``maximise``: ``objective``, ``size``, ``rate``, ``restraint``,
            ``seed``.

    Returns:
        By layer and number, the picture ``[size, size, 3]`` in [0, 1].

    Raises:
        ValueError: what ``maximise`` refuses.

    Example:
        >>> from jiqa import analysis
        >>> maps = analysis.named_maps("alexnet", ["conv1:17"])
        >>> pictures = analysis.maximise_maps(maps, steps=2, size=32)
        >>> pictures["conv1", 17].shape
        (32, 32, 3)
    """
    layers = maps.by_layer()
    found: dict[tuple[str, int], np.ndarray] = {}
    with progress("maximising", steps * len(layers)) as advance:
        for layer, numbers in layers.items():
            result = maximise(
                NETWORKS[maps.network],
                maps.params,
                layer,
                numbers,
                steps=steps,
                on_step=lambda done: advance(),
                **options,
            )
            for number, picture in zip(numbers, result.pictures, strict=True):
                found[layer, number] = picture
    return {name: found[name] for name in maps.maps}


def dissect_maps(
    maps: NetworkMaps,
    concepts: ConceptSet,
    *,
    count: int = 5,
    progress: Progress = silent,
    **options: Any,
) -> dict[tuple[str, int], list[tuple[Concept, float]]]:
    """Find the concepts that the strongest activations of each map overlap most.

    Args:
        maps: of ``read_maps`` or ``named_maps``.
        concepts: labelled images: ``Broden``, or ``DrawnConcepts``.
        count: concepts of each map.
        progress: see ``jiqa.progress``.
        **options: of ``dissect``: ``quantile``, ``least``, ``batch``, ``capacity``.

    Returns:
        By layer and number, concepts with their intersection over union, the largest
        first.

    Raises:
        ValueError: what ``dissect`` refuses.

    Example:
        >>> from jiqa import analysis
        >>> maps = analysis.named_maps("alexnet", ["conv1:17"])
        >>> found = analysis.dissect_maps(maps, analysis.DrawnConcepts(8), count=2)
        >>> len(found["conv1", 17])
        2
    """
    found: dict[tuple[str, int], list[tuple[Concept, float]]] = {}
    total = 2 * len(concepts)
    for layer, numbers in maps.by_layer().items():
        with progress(f"dissecting {layer}", total) as advance:
            result = dissect(
                maps.whole(layer),
                concepts,
                on_progress=in_steps(advance, total),
                **options,
            )
        for unit, number in enumerate(numbers):
            found[layer, number] = result.best(unit, count)
    return {name: found[name] for name in maps.maps}


def write_dissection(path: Path, found: MapConcepts, least: float = 0.04) -> None:
    """Write concepts as a table, a row a map and concept.

    Args:
        path: a file that ends in .csv, .parquet or .json.
        found: of ``dissect_maps``.
        least: the overlap above which a map counts as a detector.
    """
    rows = [
        {
            "map": f"{layer}:{number}",
            "rank": rank,
            "concept": concept.name,
            "category": concept.category,
            "iou": f"{overlap:.4f}",
            "detector": overlap > least,
        }
        for (layer, number), concepts in found.items()
        for rank, (concept, overlap) in enumerate(concepts, 1)
    ]
    columns = ("map", "rank", "concept", "category", "iou", "detector")
    write_rows(path, columns, rows)
