"""Features of a backbone that stays as it is: computed once, kept on disk.

Under a folder of its own, named after all that decides the numbers, each array of the
features is one file of a row an image, beside the labels. Rows are written in order;
how many are done stands in a note, so that a run that was broken off goes on there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa.data.batch_plan import PADDING, BatchPlan
from jiqa.data.batch_reading import Batches
from jiqa.data.loading import Loader
from jiqa.models.model import Model, Variables
from jiqa.places import cache_folder
from jiqa.training.optimiser import BACKBONE
from jiqa.training.reading import read_batches
from jiqa.training.sources import Source
from jiqa.training.step import as_floats
from jiqa.weights.files import fingerprint

#: Images that the backbone sees at once, and batches between two notes.
_ROWS, _NOTES = 16, 8
_LABELS = (
    *("score", "deviation", "histogram", "level", "reference", "mask"),
    *("name", "distortion"),
)

#: Makes a progress bar: what is done, of how many, how many already are.
Progress = Callable[..., AbstractContextManager[Callable[[], None]]]


class KeptFeatures:
    """Features and labels of the images of a source, in the order of its entries."""

    def __init__(
        self, tree: Any, labels: Mapping[str, np.ndarray], places: np.ndarray
    ) -> None:
        """Of arrays on disk and labels in memory, of the images at some places."""
        self._tree, self.labels = tree, {k: v[places] for k, v in labels.items()}
        self._places = places

    def features(self, rows: np.ndarray) -> Any:
        """The tree of the features of some images, by their number in the source."""
        places = self._places[rows]
        return jax.tree.map(lambda v: np.asarray(v[places]), self._tree)

    def batches(self, plan: Any, steps: int, mine: slice) -> KeptBatches:
        """Random access to the batches of a plan, as ``Batches`` of images has it."""
        return KeptBatches(self, plan, steps, mine)


class KeptBatches(Batches):
    """Batches whose ``image`` is replaced by ``features``."""

    def __init__(self, kept: KeptFeatures, plan: Any, steps: int, mine: slice) -> None:
        """Nothing is read before a batch is asked for."""
        self._kept, self.plan, self._steps, self._mine = kept, plan, steps, mine

    def __repr__(self) -> str:
        """Short: Grain puts it into its logs."""
        return f"KeptBatches(by {self.plan.batch_size})"

    def __getitem__(self, step: Any) -> dict[str, Any]:
        """The batch of a step, this process's rows."""
        _, positions = self.plan.batch(int(step))
        mine = positions[self._mine]
        real = mine != PADDING
        rows = np.where(real, mine, 0)
        batch = {k: v[rows] for k, v in self._kept.labels.items()}
        batch["mask"] = batch["mask"] & real
        return {**batch, "features": self._kept.features(rows)}


def keep_features(
    source: Source,
    model: Model,
    options: Any,
    variables: Variables,
    *,
    folder: Path | None = None,
    progress: Progress,
) -> KeptFeatures:
    """The features of all images of a source, from disk as far as they are there.

    They are computed for the whole data set, once for all its divisions.

    Args:
        source: the images; one fixed crop of each is seen.
        model: whose backbone it is.
        options: the model's configuration.
        variables: its arrays.
        folder: where features are kept; in jiqa's cache by default.
        progress: makes a progress bar.

    Raises:
        ValueError: several processes, which would write to one place.
    """
    if jax.process_count() > 1:
        raise ValueError(
            "features are kept by one process; with several, train the backbone as "
            "well (frozen=false), or run one process"
        )
    wanted, source = source, _whole(source)
    own = (folder or cache_folder() / "features") / _name(
        source, model, options, variables
    )
    count = len(source.entries)
    plan = BatchPlan((None,) * count, _ROWS, shuffle=False)
    steps = plan.batches_per_epoch
    batches = read_batches(
        source, model, options, plan, steps, slice(None), training=False
    )

    @jax.jit
    def seen(variables: Variables, images: Any) -> Any:
        found, _ = model.features(
            options, variables, as_floats(images), train=False, key=None, axis=None
        )
        return found

    sample = batches[0]["image"]
    shapes = jax.eval_shape(seen, variables, sample)
    leaves, form = jax.tree.flatten(shapes)
    own.mkdir(parents=True, exist_ok=True)
    files = [own / f"{number}.npy" for number in range(len(leaves))]
    done = _done(own, files)
    labels = own / "labels.npz"
    if done < steps:
        flow = iter(Loader(batches, 0))
        flow.set_state({"step": done})
        arrays = [
            _open(file, (count, *leaf.shape[1:]), leaf.dtype, new=done == 0)
            for file, leaf in zip(files, leaves, strict=True)
        ]
        parts = _read_parts(labels, done)
        with progress("features", steps, done) as advance:
            for step, batch in enumerate(flow, done):
                rows = slice(step * _ROWS, min((step + 1) * _ROWS, count))
                found = jax.device_get(seen(variables, batch["image"]))
                for array, value in zip(arrays, jax.tree.leaves(found), strict=True):
                    array[rows] = value[: rows.stop - rows.start]
                parts.append({k: batch[k][: rows.stop - rows.start] for k in _LABELS})
                if (step + 1) % _NOTES == 0 or step + 1 == steps:
                    _note(own, arrays, labels, parts, step + 1)
                advance()
    arrays = [np.load(file, mmap_mode="r") for file in files]
    with np.load(labels) as found:
        kept = {k: found[k] for k in _LABELS}
    found = {(e.split, e.position): n for n, e in enumerate(source.entries)}
    places = np.array([found[e.split, e.position] for e in wanted.entries])
    return KeptFeatures(jax.tree.unflatten(form, arrays), kept, places)


def _whole(source: Source) -> Source:
    dataset = source.dataset
    readable = [e for e in dataset.entries() if e.shape is not None]
    return Source(dataset.name, dataset, readable)


def _name(source: Source, model: Model, options: Any, variables: Variables) -> str:
    """A digest of all that the features depend on."""
    params = {k: v for k, v in variables.params.items() if k.startswith(BACKBONE)}
    arrays = params | {f"state {k}": v for k, v in variables.state.items()}
    facts = {
        "model": model.info.name,
        "options": repr(options),
        "weights": fingerprint({k: np.asarray(v) for k, v in arrays.items()}),
        "data": source.fingerprint,
        "device": jax.default_backend(),
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _open(file: Path, shape: tuple[int, ...], dtype: Any, *, new: bool) -> np.ndarray:
    mode: Any = "w+" if new else "r+"
    return np.lib.format.open_memmap(file, mode, dtype, shape)


def _done(own: Path, files: list[Path]) -> int:
    """Batches that are on disk for certain."""
    note = own / "done.json"
    if not note.is_file() or not all(file.is_file() for file in files):
        return 0
    return int(json.loads(note.read_text())["batches"])


def _read_parts(labels: Path, done: int) -> list[dict[str, np.ndarray]]:
    if not done:
        return []
    with np.load(labels) as found:
        return [{k: found[k][: done * _ROWS] for k in _LABELS}]


def _note(
    own: Path, arrays: list[Any], labels: Path, parts: list[Any], done: int
) -> None:
    """Write down how far it is, after what it speaks of."""
    for array in arrays:
        array.flush()
    joined = {k: np.concatenate([part[k] for part in parts]) for k in _LABELS}
    parts[:] = [joined]
    for path, write in (
        (labels, lambda draft: np.savez(draft, allow_pickle=False, **joined)),
        (own / "done.json", lambda draft: draft.write_text(f'{{"batches": {done}}}')),
    ):
        draft = path.with_name(f".{path.name.replace('.npz', '')}.part{path.suffix}")
        write(draft)
        draft.replace(path)
