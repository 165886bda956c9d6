"""Decoded batches of a prepared set, any of them at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jiqa.data.builder import UNKNOWN_LEVEL
from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.data.loader.plan import PADDING, BatchPlan
from jiqa.io.decode import DecodeError, Shape, read_image
from jiqa.io.sources import Encoded

#: ``transform(image, random) -> image``: of one decoded image ``[H, W, C]``.
Transform = Callable[[np.ndarray, np.random.Generator], np.ndarray]

#: ``reference`` of an image that has none.
NO_REFERENCE = -1

_log = logging.getLogger(__name__)


class Batches:
    """Random access to batches; what Grain reads, in any order and process."""

    def __init__(
        self,
        dataset: Dataset,
        entries: Sequence[Entry],
        plan: BatchPlan,
        steps: int,
        mine: slice,
        transform: Transform | None,
    ) -> None:
        """Keep what loading requires of the entries, compactly: workers get a copy."""
        keys = {key: place for place, key in enumerate(dataset.references)}
        splits = list(dict.fromkeys(e.split for e in entries))
        self._records = [dataset.records(split) for split in splits]
        self._split = np.array([splits.index(e.split) for e in entries])
        self._position = np.array([e.position for e in entries])
        self._shape = [e.shape for e in entries if e.shape]
        self._score = np.array([_known(e.score) for e in entries], np.float32)
        self._deviation = np.array([_known(e.deviation) for e in entries], np.float32)
        self._level = np.array(
            [UNKNOWN_LEVEL if e.level is None else e.level for e in entries], np.int32
        )
        self._distortion = [e.distortion for e in entries]
        self._reference = np.array(
            [keys.get(e.reference, NO_REFERENCE) for e in entries], np.int32
        )
        self._bins = len(dataset.info.histogram)
        self.plan, self._steps, self._mine = plan, steps, mine
        self._transform = transform
        self._said: set[str] = set()

    def __len__(self) -> int:
        """Batches of all epochs."""
        return self._steps

    def __repr__(self) -> str:
        """Short: Grain puts it into its logs."""
        return f"Batches({len(self._shape)} images by {self.plan.batch_size})"

    def __getitem__(self, step: Any) -> dict[str, np.ndarray]:
        """The batch of a step, this process's rows."""
        epoch, positions = self.plan.batch(int(step))
        rows = [self._row(int(p), epoch) for p in positions[self._mine]]
        whole = next((r["image"] for r in rows if r), None)
        if whole is None:
            # Other processes have the images: their first row gives the shape.
            whole = self._image(b"", "", int(positions[0]), epoch)[0]
        filled = [row or self._filling(whole) for row in rows]
        return {key: np.stack([row[key] for row in filled]) for key in filled[0]}

    def _row(self, position: int, epoch: int) -> dict[str, Any]:
        if position == PADDING:
            return {}
        records = self._records[self._split[position]]
        record = records.read(int(self._position[position]))
        name = record["name"].decode()
        image, sound = self._image(record["image"], name, position, epoch)
        return {
            "image": image,
            "score": self._score[position],
            "deviation": self._deviation[position],
            "histogram": np.asarray(record["histogram"], np.float32),
            "level": self._level[position],
            "reference": self._reference[position],
            "mask": np.bool_(sound),
            "name": np.str_(name),
            "distortion": np.str_(self._distortion[position]),
        }

    def _filling(self, like: np.ndarray) -> dict[str, Any]:
        nothing = np.float32("nan")
        return {
            "image": np.zeros_like(like),
            "score": nothing,
            "deviation": nothing,
            "histogram": np.full(self._bins, nothing, np.float32),
            "level": np.int32(UNKNOWN_LEVEL),
            "reference": np.int32(NO_REFERENCE),
            "mask": np.bool_(False),
            "name": np.str_(""),
            "distortion": np.str_(""),
        }

    def _image(
        self, data: bytes, name: str, position: int, epoch: int
    ) -> tuple[np.ndarray, bool]:
        """The decoded, transformed image, or a black one and False."""
        shape = self._shape[position]
        sound = bool(data)
        try:
            image = self._decoded(data, name, position) if data else None
        except DecodeError as error:
            if name not in self._said:
                _log.warning("skipped: %s", error)
                self._said.add(name)
            image, sound = None, False
        if image is None:
            image = self._black(shape)
        if self._transform is None:
            return image, sound
        place = self.plan.chance(position)
        random = np.random.default_rng([self.plan.seed, epoch, place])
        return self._transform(image, random), sound

    def _decoded(self, data: bytes, name: str, position: int) -> np.ndarray:
        return read_image(Encoded(name, data))

    def _black(self, shape: Shape) -> np.ndarray:
        return np.zeros(shape[:3], shape.dtype)


def _known(value: float | None) -> float:
    return float("nan") if value is None else value
