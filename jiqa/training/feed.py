"""Batches as a model's loss takes them: crops, groups to rank in, mapped scores."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jiqa.checks import expected
from jiqa.data.loader.loader import Loader
from jiqa.data.loader.plan import BatchPlan
from jiqa.training.crops import read_batches
from jiqa.training.ranking_groups import GroupPlan, groups_of
from jiqa.training.run_data import Source
from jiqa.training.score_scale import Affine
from jiqa.training.setup import AXIS, Setup

Rows = dict[str, Any]


@dataclass(frozen=True)
class Feed:
    """The batches of one source, and the host's work on each.

    Attributes:
        loader: this process's rows of the batches.
        levels: rows of a group; 0 where there are none.
        kinds: of distortion, in all of it.
        finish: gives a batch of the loader what the loss needs.
        unread: names of images that could not be used, of all that passed so far.
        images: how many there are in all.
    """

    loader: Loader
    levels: int
    kinds: tuple[str, ...]
    finish: Callable[[Rows], Rows]
    unread: set[str]
    images: int


def feed(
    setup: Setup,
    source: Source,
    *,
    training: bool,
    kept: Any = None,
    workers: int = 0,
) -> Feed:
    """Make the batches of a source.

    Args:
        setup: of the run.
        source: the images.
        training: random crops in random order, for ever; else fixed ones, once.
        kept: rows of features that replace the images, as
            ``jiqa.training.frozen_features`` has them.
        workers: processes that decode; 0 for threads.

    Raises:
        ValueError: a batch that devices and parts cannot share, or no group to rank.
    """
    config, model, grouped = setup.config, setup.model, setup.stage.grouped
    units = _units(setup, training)
    groups = groups_of(source.entries, config.pristine) if grouped else []
    count = len(groups) if grouped else len(source.entries)
    plan: Any = BatchPlan(
        (None,) * count,
        units,
        config.seed,
        shuffle=training,
        # Images that fill up a batch would take part in batch statistics.
        drop_remainder=training and count >= units,
    )
    levels = 0
    if grouped:
        plan = GroupPlan.of(groups, plan, source.entries)
        levels = plan.levels
    rows = units * max(levels, 1) // jax.process_count()
    first = jax.process_index() * rows
    mine = slice(first, first + rows)
    epoch = plan.batches_per_epoch
    steps = (config.steps or config.epochs * epoch) if training else epoch
    if kept is not None:
        batches = kept.batches(plan, steps, mine)
    else:
        batches = read_batches(setup, source, plan, steps, mine, training=training)
    kinds = tuple(source.dataset.info.distortions)
    names = model.kinds(setup.options)
    places = {} if grouped else _places(source, names, model.info.name)
    numbered = functools.partial(_groups, places, levels, first)
    unread = set(source.unread)
    finish = functools.partial(_finish, setup, setup.affine(source), numbered, unread)
    loader = Loader(batches, workers if kept is None else 0)
    return Feed(loader, levels, kinds, finish, unread, len(source.entries))


def on_devices(rows: Rows, mesh: Mesh) -> Rows:
    """Put a batch on the devices of all processes, each of which gives its rows."""
    sharding = NamedSharding(mesh, P(AXIS))
    return jax.tree.map(
        lambda v: jax.make_array_from_process_local_data(sharding, np.asarray(v)), rows
    )


def _units(setup: Setup, training: bool) -> int:
    """Count images or groups of a batch in units that devices and steps can share."""
    config, devices = setup.config, setup.mesh.devices.size
    shares = devices * (config.parts if training else 1)
    if training and config.batch_size % shares:
        wanted = (
            f"a multiple of {shares}, for {devices} devices and "
            f"accumulation={config.parts}"
        )
        raise ValueError(expected("batch_size", wanted, f"{config.batch_size}"))
    return -(-config.batch_size // shares) * shares


def _finish(
    setup: Setup,
    scale: Affine,
    numbered: Callable[[Rows], np.ndarray],
    unread: set[str],
    batch: Rows,
) -> Rows:
    """Map scores, number groups, make targets, leave out text."""
    rows = dict(batch)
    unread.update(str(name) for name in rows["name"][~rows["mask"]] if name)
    # In double precision: a factor rounded to single would shift every score.
    score = rows["score"].astype(np.float64) * scale.factor + scale.summand
    rows["score"] = score.astype(np.float32)
    rows["deviation"] = rows["deviation"] * np.float32(abs(scale.factor))
    if scale.factor < 0:
        rows["histogram"] = rows["histogram"][:, ::-1]
    rows["group"] = numbered(rows)
    if setup.model.targets is not None:
        rows = setup.model.targets(setup.options, rows)
    return {k: v for k, v in rows.items() if not _is_text(v)}


def _places(source: Source, names: Sequence[str], model: str) -> dict[str, int]:
    """Number each kind of distortion, as the model's names do if it has names.

    Raises:
        ValueError: none of the kinds bears a name that the model knows.
    """
    there = source.dataset.info.distortions
    if not names:
        return {kind: number for number, kind in enumerate(there)}
    bare = {kind: kind.rpartition("/")[2] for kind in there}
    places = {k: names.index(name) for k, name in bare.items() if name in names}
    if not places:
        raise ValueError(
            expected(
                f"distortions of {source.spec}",
                f"names that {model} knows, {', '.join(names)}",
                ", ".join(there) or "none",
                "or give classes by position: --set model.classes=((0,1),(0,2),(1,1))",
            )
        )
    return places


def _groups(
    places: Mapping[str, int], levels: int, first: int, rows: Rows
) -> np.ndarray:
    """Number the groups to rank in, or the distortions; -1 stands for none."""
    if levels:
        found = (first + np.arange(len(rows["mask"]))) // levels
    else:
        found = np.array([places.get(str(k), -1) for k in rows["distortion"]])
    return found.astype(np.int32)


def _is_text(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "UO"


def names_of(batch: Rows) -> Sequence[str]:
    """Return the names of the images of a batch as it was loaded."""
    return [str(name) for name in batch["name"]]
