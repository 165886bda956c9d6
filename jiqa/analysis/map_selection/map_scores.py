"""The score of every feature map for every pair of images.

One pass of a network gives all of them: 1,152 of AlexNet's convolutions, 4,224 of
VGG-16's. A reference is run once for all its versions. With a cache, what has been
computed is on disk after every batch, and a later call goes on from there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jiqa import metrics
from jiqa.analysis.map_selection.forward_selection import forward_select
from jiqa.analysis.map_selection.pair_stream import Pair, computed_batches, located
from jiqa.analysis.map_selection.score_cache import ScoreStore
from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.io.read_ahead import cpu_workers, in_order
from jiqa.io.sources import Source
from jiqa.progress import Progress, silent, step
from jiqa.registry import load
from jiqa.version import __version__


@dataclass(frozen=True)
class MapScores:
    """Scores of feature maps.

    Attributes:
        values: ``[pairs, maps]``, float32; a row of NaN where a pair failed.
        layers: the layer of each map ``[maps]``.
        errors: why pairs failed, by their index.
        network: the network.
        metric: the metric on its maps.
        options: other options of ``cnn_iqm``.
        path: the file that holds the values, if one does.
    """

    values: np.ndarray
    layers: tuple[str, ...]
    errors: Mapping[int, str]
    network: str
    metric: str
    options: Mapping[str, Any]
    path: Path | None = None

    def select(self, scores: Any, **options: Any) -> Selection:
        """Select maps on the pairs that did not fail; see ``forward_select``."""
        good = np.array([i not in self.errors for i in range(len(self.values))])
        found = forward_select(
            self.values[good], np.asarray(scores)[good], layers=self.layers, **options
        )
        return found.described(self.network, self.metric, **self.options)


def compute_map_scores(
    pairs: Sequence[Pair],
    *,
    network: str = "alexnet",
    metric: str = "ssim",
    cache: Path | str | None = None,
    weights_folder: Path | str | None = None,
    background: float = 1.0,
    devices: Sequence[Any] = (),
    on_progress: Callable[[int, int], None] | None = None,
    progress: Progress = silent,
    **options: Any,
) -> MapScores:
    """Score every feature map of every pair.

    Args:
        pairs: files, or images of a data set, each ``(reference, distorted)``.
        network: ``"alexnet"``, ``"vgg16"`` or ``"vgg19"``.
        metric: the metric on the maps; see ``jiqa.metrics.cnn_iqm``.
        cache: folder in which the scores are kept, under network, metric, options,
            weights, jiqa's version and the contents of the files. What a broken-off
            call computed is used; what failed is tried again.
        weights_folder: see ``jiqa.load``.
        background: see ``jiqa.io.decode.read_image``.
        devices: of this process, such as ``jax.local_devices()``, which share the work;
            by default one does it.
        on_progress: called after each batch with how many pairs are done, of how many.
        progress: see ``jiqa.progress``.
        **options: other options of ``cnn_iqm``: ``layers``, ``border``, ``peak``.

    Returns:
        The scores, with pairs that could not be read, or whose sizes differ, named.

    Raises:
        ValueError: an unknown option value.
        jiqa.weights.WeightsNotFound: weights that are nowhere.
    """
    loaded = load(
        "cnn_iqm",
        weights_folder=weights_folder,
        net=network,
        metric=metric,
        per_map=True,
        **options,
    )
    layers = _layers(loaded)
    shape = (len(pairs), len(layers))
    table: Any = _Memory(shape)
    if cache is not None:
        facts = {
            "jiqa": __version__,
            "network": network,
            "metric": metric,
            "options": {**options, "background": background},
            "weights": {name: w.sha256 for name, w in loaded.weights.items()},
            "layers": dict(Counter(layers)),
            "pairs": fingerprint(pairs, progress),
        }
        table = ScoreStore(Path(cache), f"{network}-{metric}", facts, shape)
    errors: dict[int, str] = {}
    known = int(table.done.sum())
    with progress("scoring maps", len(pairs), known) as advance:
        for rows, values, failed in computed_batches(
            loaded, pairs, done=table.done, background=background, devices=devices
        ):
            if rows:
                table.write(rows, values)
            errors |= failed
            for _ in rows:
                step(advance)
            for _ in failed:
                step(advance, failed=True)
            if on_progress is not None:
                on_progress(int(table.done.sum()), len(pairs))
    return MapScores(
        values=table.values,
        layers=layers,
        errors=errors,
        network=network,
        metric=metric,
        options=options,
        path=getattr(table, "path", None),
    )


class _Memory:
    """A table without a file."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.values = np.full(shape, np.nan, np.float32)
        self.done = np.zeros(shape[0], bool)

    def write(self, rows: Any, values: np.ndarray) -> None:
        self.values[rows], self.done[rows] = values, True


def fingerprint(pairs: Sequence[Pair], progress: Progress = silent) -> str:
    """Return a digest of the contents of all files, in order; of no name or date."""
    files = list(dict.fromkeys(located(image) for pair in pairs for image in pair))
    known: dict[Path | Source, str] = {}
    with progress("reading files", len(files)) as advance:
        digests = in_order(_digest, files, cpu_workers())
        for file, digest in zip(files, digests, strict=True):
            known[file] = digest
            advance()
    whole = hashlib.sha256()
    for pair in pairs:
        whole.update("".join(known[located(image)] for image in pair).encode() + b"\n")
    return whole.hexdigest()


def _digest(image: Path | Source) -> str:
    try:
        return hashlib.sha256(image.read_bytes()).hexdigest()
    except OSError:
        return "not there"


def _layers(loaded: Any) -> tuple[str, ...]:
    """Return the layer of each column of the metric's result."""
    import jax
    import jax.numpy as jnp

    deep: Any = metrics.cnn_iqm.deep
    options = deep.with_defaults(loaded.options)
    spec = deep.spec(options)
    params = {
        key: jax.ShapeDtypeStruct(shape, jnp.float32)
        for key, shape in spec.shapes.items()
    }
    image = jax.ShapeDtypeStruct((spec.min_side, spec.min_side, 3), jnp.float32)
    found = jax.eval_shape(
        lambda params, image: deep.features(params, options, image),
        params,
        image,
    )
    return tuple(tap for tap in spec.taps for _ in range(found[tap].shape[-1]))
