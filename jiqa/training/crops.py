"""Crops of a source's images, as the model takes them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.data.loader.batches import Batches
from jiqa.io.decode import DecodeError, Shape, read_image
from jiqa.training.run_data import Source
from jiqa.training.setup import Setup


def read_batches(
    setup: Setup,
    source: Source,
    plan: Any,
    steps: int,
    mine: slice,
    *,
    training: bool,
) -> Batches:
    """Return the batches of a plan, with random access.

    Args:
        setup: of the run, whose model sees the images.
        source: the images.
        plan: a ``BatchPlan``, or what has its methods.
        steps: batches in all.
        mine: rows of this process.
        training: whether crops are random; else each image has one, always the same.

    Raises:
        ValueError: a full-reference model, and images without a reference.
    """
    model = setup.model
    seen = functools.partial(crop, model.prepare, setup.options, training)
    kind = PairBatches if model.info.kind == "full-reference" else Batches
    return kind(source.dataset, source.entries, plan, steps, mine, seen)


def crop(
    prepare: Callable[..., Any],
    options: Any,
    training: bool,
    image: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Crop one image to 8 bits for the model; the fixed crop unless ``training``.

    A global function, so that processes that decode can be given it.
    """
    return np.asarray(prepare(options, eight_bits(image), random if training else None))


def eight_bits(image: np.ndarray) -> np.ndarray:
    """Return uint16 as uint8, rounded, and uint8 as it is."""
    if image.dtype == np.uint16:
        return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return image


class PairBatches(Batches):
    """Batches of images with their references' channels appended."""

    def __init__(self, dataset: Dataset, entries: Sequence[Entry], *more: Any) -> None:
        """Take the arguments of ``Batches``.

        Raises:
            ValueError: an image without a reference.
        """
        alone = [e.name for e in entries if not e.reference]
        if alone:
            raise ValueError(
                f"{dataset.name}: {len(alone)} images have no reference, such as "
                f"{alone[0]}"
            )
        super().__init__(dataset, entries, *more)
        self._beside = [dataset.reference(e) for e in entries]

    def _decoded(self, data: bytes, name: str, position: int) -> np.ndarray:
        reference = read_image(cast(Any, self._beside[position]))
        pair = super()._decoded(data, name, position), reference
        if pair[0].shape[:2] != reference.shape[:2]:
            raise DecodeError(f"{name}: its size differs from that of its reference")
        wide = [np.broadcast_to(eight_bits(x), (*x.shape[:2], 3)) for x in pair]
        return np.concatenate(wide, -1)

    def _black(self, shape: Shape) -> np.ndarray:
        return np.zeros((shape.height, shape.width, 6), np.uint8)
