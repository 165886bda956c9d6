"""The study of feature maps on a data set: score every map, select, validate, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa.analysis.map_selection.cross_validation import fold_count, reference_folds
from jiqa.analysis.map_selection.map_scores import compute_map_scores
from jiqa.analysis.map_selection.pair_stream import computed_batches
from jiqa.analysis.map_selection.rated_pairs import RatedPairs, open_rated_pairs
from jiqa.analysis.map_selection.study import Study, natural_direction, run_study
from jiqa.analysis.map_selection.study_files import write_study
from jiqa.checks import expected
from jiqa.core.loaded import Loaded
from jiqa.io.cache import data_folder, working_folder
from jiqa.io.write_table import make_folder
from jiqa.progress import Progress, silent
from jiqa.registry import load
from jiqa.version import __version__


@dataclass(frozen=True)
class MapStudy:
    """A study of the feature maps of a data set.

    Attributes:
        study: the chosen maps, with in-sample and held-out figures.
        pairs: the pairs of the data set.
        errors: why pairs failed, by their index in ``pairs``; they were not used.
        facts: what else decides the figures, as ``run.json`` has it.
        folder: where the files are; ``None`` if none were written.
    """

    study: Study
    pairs: RatedPairs
    errors: Mapping[int, str]
    facts: Mapping[str, Any]
    folder: Path | None


def select_maps(
    data: str | RatedPairs,
    *,
    output: Path | str | None = None,
    data_dir: str | None = None,
    network: str = "alexnet",
    metric: str = "ssim",
    layers: Sequence[str] = (),
    criterion: str = "nonlinear_plcc",
    combine: str = "mean",
    stopping: str | int | float = "no_increase",
    direction: str = "natural",
    folds: int | str | None = "auto",
    inner_folds: int | None = None,
    resamples: int = 20,
    seed: int = 0,
    against: Sequence[str] = (),
    weights_folder: Path | str | None = None,
    cache: Path | str | None = None,
    background: float = 1.0,
    devices: Sequence[Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> MapStudy:
    """Find the few feature maps of a network that agree best with subjective scores.

    Every map of every convolution is scored for every pair, in one pass of the network;
    the scores are kept on disk, and a later call goes on from there. Then maps are
    chosen one by one, as they raise the correlation with the subjective scores.

    Args:
        data: a prepared data set, ``NAME`` or ``NAME:SPLIT``, the path of a table, or
            pairs.
        output: folder for ``maps.json`` (which is a metric: ``selected:maps.json``),
            ``curve.csv``, ``curve.png``, ``figures.csv``, ``scores.csv``,
            ``stability.csv`` and ``run.json``; by default none is written.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.
        network: ``"alexnet"``, ``"vgg16"`` or ``"vgg19"``.
        metric: the metric on the maps: ``"ssim"``, ``"psnr"``, ``"mse"``, ...
        layers: names of layers; by default every convolution.
        criterion: ``"nonlinear_plcc"``, ``"plcc"`` or ``"srcc"``.
        combine: how the scores of maps become one: ``"mean"``, ``"geometric"`` or
            ``"layer_balanced"``.
        stopping: ``"no_increase"``; an int, how many maps; or a float, the least gain.
        direction: how the maps' scores run beside the subjective ones: ``"natural"``
            (better with better), ``"either"``, ``"same"`` or ``"opposite"``.
        folds: parts of the references for the held-out figures; ``None`` for one per
            reference; ``"auto"``: 5, or as many as there are references.
        inner_folds: parts of a cross-validation inside each fold that chooses the
            number of maps; by default ``stopping`` does.
        resamples: selections on resampled references, 0 for none.
        seed: of folds and resamples.
        against: full-reference metrics to compare with, by name.
        weights_folder: where to look first for learned weights.
        cache: folder for the maps' scores; by default one in jiqa's cache.
        background: grey level in [0, 1] behind transparent pixels.
        devices: that share the work; by default all of this process.
        facts: to be written into ``run.json``; by default the arguments of this call.
        progress: see ``jiqa.progress``.

    Returns:
        The study. Pairs that could not be scored are in ``errors`` and are left out.

    Raises:
        ValueError: an unknown data set, metric or option value, or fewer references
            than folds.
        FileNotFoundError: weights that are nowhere.

    Example:
        With a data set that ``jiqa data prepare`` has prepared::

            found = jiqa.analysis.select_maps("tid2013", output="study", stopping=12)
            print(found.study.selection)
            metric = jiqa.load("selected:study/maps.json")
    """
    folder = None if output is None else Path(output)
    if folder is not None:
        make_folder(folder / "maps.json")  # now, not after the work
    pairs = open_rated_pairs(data, data_dir) if isinstance(data, str) else data
    # Now, too: folds that cannot be are refused.
    reference_folds(pairs.references, fold_count(pairs.references, folds), seed)
    rivals = {name: _comparing(name, weights_folder) for name in against}
    shared: dict[str, Any] = {
        "background": background,
        "devices": jax.local_devices() if devices is None else devices,
    }
    named: dict[str, Any] = {"layers": tuple(layers)} if layers else {}
    if direction == "natural":
        direction = natural_direction(metric, pairs.better)
    found = compute_map_scores(
        pairs.pairs,
        network=network,
        metric=metric,
        cache=cache or working_folder("map_scores"),
        weights_folder=weights_folder,
        progress=progress,
        **shared,
        **named,
    )
    others, errors = _scored(rivals, pairs, shared, progress)
    study = run_study(
        found,
        pairs.scores,
        pairs.references,
        against=others,
        folds=folds,
        inner_folds=inner_folds,
        resamples=resamples,
        seed=seed,
        progress=progress,
        criterion=criterion,
        combine=combine,
        direction=direction,
        **_stopping(stopping),
    )
    errors |= found.errors
    if facts is None:
        arguments = {
            "network": network,
            "metric": metric,
            "layers": layers,
            "seed": seed,
        }
        arguments |= {"stopping": stopping, "data_dir": data_dir, "against": against}
        facts = {"arguments": arguments, "versions": {"jiqa": __version__}}
    facts = {
        **facts,
        "data": pairs.spec,
        "data_dir": str(data_folder(data_dir).absolute()),
        "weights_folder": weights_folder and str(Path(weights_folder).absolute()),
        "fingerprint": pairs.fingerprint,
        "better": pairs.better,
        "left_out": list(pairs.left_out),
        "failed": {pairs.names[i]: why for i, why in errors.items()},
        "map_scores": str(found.path),
        "devices": len(shared["devices"]),
    }
    if folder is not None:
        write_study(folder, study, facts, pairs)
    return MapStudy(study, pairs, errors, facts, folder)


def _comparing(name: str, weights_folder: Path | str | None) -> Loaded:
    loaded = load(name, weights_folder=weights_folder)
    if loaded.info.kind != "full-reference":
        raise ValueError(expected("against", "full-reference metrics", name))
    return loaded


def _scored(
    rivals: Mapping[str, Loaded],
    pairs: RatedPairs,
    shared: Mapping[str, Any],
    progress: Progress,
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """Return scores ``[pairs]`` of each metric, and errors of pairs by index."""
    scores: dict[str, np.ndarray] = {}
    errors: dict[int, str] = {}
    none = np.zeros(len(pairs.pairs), bool)
    for name, loaded in rivals.items():
        scores[name] = np.full(len(pairs.pairs), np.nan)
        with progress(f"scoring {name}", len(pairs.pairs)) as advance:
            for rows, values, failed in computed_batches(
                loaded, pairs.pairs, done=none, **shared
            ):
                errors |= failed
                if rows:
                    scores[name][rows] = values
                for _ in rows:
                    advance()
    return scores, errors


def _stopping(rule: str | int | float) -> dict[str, Any]:
    """Return the rule for stopping as options of ``forward_select``."""
    if rule == "no_increase":
        return {}
    if isinstance(rule, str):
        wanted = "'no_increase', a count or a gain"
        raise ValueError(expected("stopping", wanted, repr(rule)))
    if isinstance(rule, int):
        return {"stop": "count", "max_maps": rule}
    return {"min_gain": rule}
