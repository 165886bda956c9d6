"""Features of a frozen backbone: computed once, kept on disk.

Each array of them stands in a folder named after what decides its numbers: the traced
computation of this array alone, the weights, and what the model sees of an image. Heads
of all kinds, splits and seeds find an image's row there by the SHA-256 of its file, and
a model that wants the last of the layers finds what one of several layers has kept.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa.data.index import Entry
from jiqa.data.loader.batches import Batches
from jiqa.data.loader.loader import Loader
from jiqa.data.loader.plan import PADDING, BatchPlan
from jiqa.io.cache import working_folder
from jiqa.models.model import Variables
from jiqa.progress import Progress, silent
from jiqa.training.crops import crop, read_batches
from jiqa.training.feature_cache import FeatureStore
from jiqa.training.optimiser import BACKBONE
from jiqa.training.run_data import Source
from jiqa.training.setup import Setup
from jiqa.training.step import backbone_features
from jiqa.weights.safetensors_files import fingerprint

#: Images that the backbone sees at once.
_ROWS = 8


@dataclass(frozen=True)
class Column:
    """One array of the features on disk, and the row in it of each image."""

    array: np.ndarray
    rows: np.ndarray

    def __getitem__(self, images: Any) -> np.ndarray:
        """Return the features of some images, by their positions in the source."""
        return np.asarray(self.array[self.rows[images]])


class KeptFeatures:
    """Features of the images of a source, in the order of its entries."""

    def __init__(self, source: Source, columns: Any, sound: np.ndarray) -> None:
        """Take columns on disk, and whether each image could be read."""
        self.source, self.columns, self.sound = source, columns, sound

    def __getitem__(self, images: Any) -> Any:
        """Return the features of some images, as the model's ``head`` takes them."""
        return jax.tree.map(lambda column: column[images], self.columns)

    def batches(self, plan: Any, steps: int, mine: slice) -> KeptBatches:
        """Return the batches of a plan with random access, as ``Batches`` does."""
        return KeptBatches(self, plan, steps, mine)


class KeptBatches(Batches):
    """Batches whose ``image`` is replaced by ``features``."""

    def __init__(self, kept: KeptFeatures, plan: Any, steps: int, mine: slice) -> None:
        """Read the labels now, and features batch by batch."""
        dataset, entries = kept.source.dataset, kept.source.entries
        super().__init__(dataset, entries, plan, steps, mine, None)
        self._kept = kept
        self._names = [e.name for e in entries]
        self._histograms: Any = None
        if self._bins:
            found = [
                dataset.records(e.split).read(e.position)["histogram"] for e in entries
            ]
            self._histograms = np.asarray(found, np.float32)

    def __repr__(self) -> str:
        """Return a short text, since Grain puts it into its logs."""
        return f"KeptBatches(by {self.plan.batch_size})"

    def __getitem__(self, step: Any) -> dict[str, Any]:
        """Return the batch of a step, this process's rows."""
        batch: dict[str, Any] = super().__getitem__(step)
        features = self._kept[batch.pop("image")]
        return {**batch, "features": features}

    def _row(self, position: int, epoch: int) -> dict[str, Any]:
        if position == PADDING:
            return {}
        nothing = np.zeros(0, np.float32)
        return {
            "image": np.int64(position),
            "score": self._score[position],
            "deviation": self._deviation[position],
            "histogram": nothing if not self._bins else self._histograms[position],
            "level": self._level[position],
            "reference": self._reference[position],
            "mask": self._kept.sound[position],
            "name": np.str_(self._names[position]),
            "distortion": np.str_(self._distortion[position]),
        }


def keep_features(
    setup: Setup,
    source: Source,
    variables: Variables,
    *,
    folder: Path | None = None,
    progress: Progress = silent,
) -> KeptFeatures:
    """Return the features of all images of a source, read from disk where they exist.

    Args:
        setup: of the run, whose model has the backbone.
        source: the images; one fixed crop of each is used.
        variables: the model's arrays.
        folder: where features are kept; in jiqa's cache by default.
        progress: makes a progress bar.

    Raises:
        ValueError: several processes, which would write to one file.
    """
    if jax.process_count() > 1:
        raise ValueError(
            "features are kept by one process only; with several processes train the "
            "backbone too (frozen=false), or run one process"
        )
    model, options = setup.model, setup.options
    below = _below(variables)
    root = folder or working_folder("features")

    features = backbone_features(setup)
    seen = jax.jit(features)
    full = model.info.kind == "full-reference"
    probes = _probes(
        functools.partial(crop, model.prepare, options, False), 6 if full else 3
    )
    shape = jax.ShapeDtypeStruct((_ROWS, *probes[0].shape), probes[0].dtype)
    common = _digest(below, probes)
    leaves, form = jax.tree.flatten(jax.eval_shape(seen, below, shape))
    flag = jax.ShapeDtypeStruct((), np.bool_)
    stores = []
    for k, leaf in enumerate(leaves):
        one_feature = jax.jit(lambda v, x, k=k: jax.tree.leaves(features(v, x))[k])
        name = _name(one_feature.lower(below, shape).as_text(), common)
        one = jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype)
        stores.append(FeatureStore(root / name, [one, flag]))
    keys = [_key(source, entry) for entry in source.entries]
    if not _whole(stores, keys):
        with contextlib.ExitStack() as held:
            # In one order, so that no two processes wait for each other.
            for store in sorted(stores, key=lambda store: store.folder):
                held.enter_context(store.appending())
            lacking = dict(zip(keys, source.entries, strict=True))
            lacking = {k: e for k, e in lacking.items() if not _whole(stores, [k])}
            plan = BatchPlan((None,) * len(lacking), _ROWS, shuffle=False)
            less = dataclasses.replace(source, entries=list(lacking.values()))
            steps, every = plan.batches_per_epoch, slice(None)
            batches = read_batches(setup, less, plan, steps, every, training=False)
            with progress("features", steps, 0) as advance:
                for names, batch in zip(
                    _parts(list(lacking)), Loader(batches, 0), strict=True
                ):
                    found = jax.tree.leaves(jax.device_get(seen(below, batch["image"])))
                    for store, values in zip(stores, found, strict=True):
                        new = [i for i, k in enumerate(names) if k not in store.rows]
                        store.append(
                            [names[i] for i in new],
                            [values[new], batch["mask"][new]],
                        )
                    advance()
    columns, sound = [], np.ones(len(keys), bool)
    for store in stores:
        array, readable = store.arrays()
        rows = np.array([store.rows[key] for key in keys])
        columns.append(Column(array, rows))
        sound &= np.asarray(readable)[rows]
    return KeptFeatures(source, jax.tree.unflatten(form, columns), sound)


def _whole(stores: Sequence[FeatureStore], keys: Sequence[str]) -> bool:
    """Return whether every store has all the rows."""
    return all(key in store.rows for store in stores for key in keys)


def _parts(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[i : i + _ROWS] for i in range(0, len(names), _ROWS)]


def _below(variables: Variables) -> Variables:
    """Return the arrays of the backbone alone."""
    return Variables(
        *(
            {k: v for k, v in part.items() if k.startswith(BACKBONE)}
            for part in variables
        )
    )


def _probes(fixed: Callable[..., Any], channels: int) -> list[np.ndarray]:
    """Return the model's crops of gradients: different crops and sizes give others."""
    random = np.random.default_rng(0)
    found = []
    for height, width in ((300, 420), (900, 640)):
        down, right = np.mgrid[:height, :width] / 4
        picture = np.stack([down, right, down + right] * (channels // 3), -1)
        found.append(fixed(picture.astype(np.uint8), random))
    return found


def _digest(below: Variables, probes: Sequence[np.ndarray]) -> str:
    """Return a digest of what all features depend on beside the image."""
    arrays = {**below.params, **{f"state {k}": v for k, v in below.state.items()}}
    digest = hashlib.sha256(
        fingerprint({k: np.asarray(v) for k, v in arrays.items()}).encode()
    )
    digest.update(jax.default_backend().encode())
    for probe in probes:
        digest.update(repr((probe.shape, probe.dtype)).encode() + probe.tobytes())
    return digest.hexdigest()


def _name(program: str, common: str) -> str:
    """Name an array of the features by its computation and what all depend on."""
    return hashlib.sha256((program + common).encode()).hexdigest()[:32]


def _key(source: Source, entry: Entry) -> str:
    """Return the key of an image's features: digests of its file and its reference."""
    references: Mapping[str, Any] = source.dataset.references
    reference = references.get(entry.reference)
    return f"{entry.digest}-{reference.digest if reference else ''}"
