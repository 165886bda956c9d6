"""Network dissection: the concept that a feature map's strongest activations lie on.

Network dissection, after D. Bau et al., CVPR 2017, sec. 3: the top .005 quantile of
each unit's activations over a whole set is its threshold; enlarged to the size of the
labels, what lies above is its mask; the unit detects the concept whose labels the mask
overlaps most (intersection over union), if that is more than .04.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.analysis.explain.concepts import Concept, ConceptSet, Labelled
from jiqa.analysis.explain.quantiles import StreamingQuantiles
from jiqa.checks import expected

#: Images ``[B, H, W, 3]`` in [0, 1] to maps ``[B, h, w, units]``.
Maps = Callable[[Any], Any]


@dataclass(frozen=True)
class Dissection:
    """The concepts that units stand for.

    Attributes:
        numbers: of the concepts, as the set has them ``[concepts]``.
        concepts: what they are ``[concepts]``.
        iou: intersection over union ``[units, concepts]``; 0 where both are empty.
        thresholds: of each unit ``[units]``.
        least: above which a unit is a detector.
    """

    numbers: tuple[int, ...]
    concepts: tuple[Concept, ...]
    iou: np.ndarray
    thresholds: np.ndarray
    least: float

    def best(self, unit: int, count: int = 1) -> list[tuple[Concept, float]]:
        """Return the concepts that a unit overlaps most, with the overlap."""
        order = np.argsort(-self.iou[unit], kind="stable")[:count]
        return [(self.concepts[i], float(self.iou[unit, i])) for i in order]

    def detects(self, unit: int) -> Concept | None:
        """Return what the unit is a detector of, if of anything."""
        ((concept, overlap),) = self.best(unit)
        return concept if overlap > self.least else None


def dissect(
    maps: Maps,
    concepts: ConceptSet,
    *,
    quantile: float = 0.005,
    least: float = 0.04,
    batch: int = 8,
    capacity: int = 4096,
    on_progress: Callable[[int, int], None] | None = None,
) -> Dissection:
    """Compare units with concepts, in two passes over the images.

    Args:
        maps: the units; each kind of size of image is compiled once.
        concepts: labelled images.
        quantile: the share of a unit's activations above its threshold.
        least: the overlap above which a unit is a detector.
        batch: images at once.
        capacity: see ``StreamingQuantiles``; memory is this times the units times the
            logarithm of the number of activations.
        on_progress: called after each batch with how many images are done, of how many;
            every image counts twice.

    Raises:
        ValueError: a set without images.
    """
    if not len(concepts):
        raise ValueError(expected("concepts", "at least one image", "none"))
    quantiles: StreamingQuantiles | None = None
    done, total = 0, 2 * len(concepts)
    for part in _batches(concepts, batch):
        values = np.asarray(maps(_stacked(part, batch)))[: len(part)]
        if quantiles is None:
            quantiles = StreamingQuantiles(values.shape[-1], capacity)
        quantiles.add(values.reshape(-1, values.shape[-1]))
        done += len(part)
        if on_progress is not None:
            on_progress(done, total)
    assert quantiles is not None
    thresholds = quantiles.quantile(1 - quantile)
    tally = _Tally(concepts, len(thresholds))
    for part in _batches(concepts, batch):
        tally.add(part, maps(_stacked(part, batch)), thresholds)
        done += len(part)
        if on_progress is not None:
            on_progress(done, total)
    return Dissection(
        numbers=tuple(concepts.concepts),
        concepts=tuple(concepts.concepts.values()),
        iou=tally.iou(),
        thresholds=thresholds,
        least=least,
    )


class _Tally:
    """Sums over all images, from which every overlap follows."""

    def __init__(self, concepts: ConceptSet, units: int) -> None:
        self._categories = [c.category for c in concepts.concepts.values()]
        self._place = {number: i for i, number in enumerate(concepts.concepts)}
        shape = units, len(self._categories)
        self._both = np.zeros(shape)
        self._masks = np.zeros(shape)
        self._labels = np.zeros(shape[1])

    def add(self, part: list[Labelled], maps: Any, thresholds: np.ndarray) -> None:
        found = {int(n) for x in part for n in np.unique(x.labels)}
        present = sorted(found & self._place.keys())
        layers = max(len(x.labels) for x in part)
        labels = np.zeros((len(maps), layers, *part[0].labels.shape[1:]), np.int32)
        for row, x in zip(labels, part, strict=False):
            row[: len(x.labels)] = x.labels
        # A few sizes only, or each batch would be compiled anew.
        filled = np.full(-(-max(len(present), 1) // 16) * 16, -1, np.int32)
        filled[: len(present)] = present
        both, masks, concept_masks = map(
            np.asarray, _overlaps(maps, labels, filled, thresholds)
        )
        columns = [self._place[number] for number in present]
        self._both[:, columns] += both[:, : len(present)]
        self._labels[columns] += concept_masks[: len(present)]
        for x, area in zip(part, masks, strict=False):
            looked_for = [category in x.categories for category in self._categories]
            self._masks[:, looked_for] += area[:, None]

    def iou(self) -> np.ndarray:
        union = self._masks + self._labels - self._both
        return np.divide(
            self._both, union, out=np.zeros_like(self._both), where=union > 0
        )


@jax.jit
def _overlaps(
    maps: Array, labels: Array, numbers: Array, thresholds: Array
) -> tuple[Array, Array, Array]:
    """Pixels in mask and label ``[units, labels]``, masks ``[B, units]``, labels."""
    size = len(maps), *labels.shape[2:], maps.shape[-1]
    large = jax.image.resize(maps, size, "bilinear")
    mask = (large > thresholds).astype(jnp.float32)
    concept_masks = (labels[:, :, None] == numbers[None, None, :, None, None]).any(1)
    concept_masks = concept_masks.astype(jnp.float32)
    both = jnp.einsum("bhwu,bnhw->un", mask, concept_masks, precision="highest")
    return both, mask.sum((1, 2)), concept_masks.sum((0, 2, 3))


def _batches(concepts: ConceptSet, size: int) -> Iterator[list[Labelled]]:
    """Yield images in batches, as long as their sizes are the same."""
    part: list[Labelled] = []
    for x in concepts:
        fits = part and (
            x.image.shape == part[0].image.shape
            and x.labels.shape[1:] == part[0].labels.shape[1:]
        )
        if part and (len(part) == size or not fits):
            yield part
            part = []
        part.append(x)
    if part:
        yield part


def _stacked(part: list[Labelled], size: int) -> np.ndarray:
    """Stack the images as one array, padded with the first one."""
    images = [x.image for x in part]
    return np.stack(images + images[:1] * (size - len(part)))
