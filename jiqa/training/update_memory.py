"""How much memory an update needs, and in how many parts it fits into what is free."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from jiqa.models.model import Variables
from jiqa.training.feed import feed
from jiqa.training.free_memory import free_bytes
from jiqa.training.optimiser import trained
from jiqa.training.setup import Setup
from jiqa.training.step import backbone_features, backward_residuals

#: Peak of an update beside what is kept for the way back: 1.3 to 1.8 of that in
#: compiled updates of VGG-16, MobileNet and CNNIQA.
_PEAK = 1.5

#: Parameters, gradients, two moments, and the copy that a checkpoint is written from.
_COPIES = 5

#: The share of the free memory that an update may take.
_SHARE = 0.8

#: Images that a frozen backbone sees at once.
FROZEN_ROWS = 8


@dataclass(frozen=True)
class UpdateMemory:
    """An update's images, and its memory on this process's devices.

    Attributes:
        images: of one update, over all devices.
        levels: images of a group to rank in; 1 where there are no groups.
        parts: that a device takes one after the other.
        needed: bytes of one part, parameters included, about.
        free: bytes that are free; ``None`` if that is not known.
        chosen: whether the number of parts follows from the memory.
    """

    images: int
    levels: int
    parts: int
    needed: float
    free: int | None
    chosen: bool

    @property
    def fits(self) -> bool:
        """Whether it should fit."""
        return self.free is None or self.needed <= _SHARE * self.free


def plan_memory(setup: Setup, free: int | None = None) -> UpdateMemory:
    """Find how much memory an update needs, and in how many parts it has to be taken.

    Nothing is computed: shapes are traced.

    Args:
        setup: of the run; its ``accumulation`` counts unless it is 0.
        free: bytes that are free; by default what ``free_bytes`` finds.
    """
    config, devices = setup.config, setup.mesh.devices.size
    single = replace(config, batch_size=devices, accumulation=1)
    first = feed(replace(setup, config=single), setup.sources.training, training=True)
    batches = iter(first.loader)
    try:
        rows = first.finish(next(batches))
    finally:
        batches.close()
    local = jax.local_device_count()
    unit = max(1, first.levels)
    one = {
        k: jax.ShapeDtypeStruct((unit, *v.shape[1:]), v.dtype) for k, v in rows.items()
    }
    arrays = jax.eval_shape(
        lambda key: setup.model.init(key, setup.options), jax.random.key(0)
    )
    fixed, each = _bytes(setup, arrays, one, unit)
    if jax.default_backend() == "cpu":  # whose devices share one memory
        fixed, each = fixed * local, each * local
    share = -(-config.batch_size // devices)
    free = free_bytes() if free is None else free

    def needed(parts: int) -> float:
        return fixed + each * unit * share / parts

    parts = config.accumulation
    if not parts:
        divisors = [n for n in range(1, share + 1) if share % n == 0]
        fit = [n for n in divisors if free is None or needed(n) <= _SHARE * free]
        parts = _same_everywhere(fit[0] if fit else share)
    return UpdateMemory(
        config.batch_size * unit,
        unit,
        parts,
        needed(parts),
        free,
        chosen=not config.accumulation,
    )


def _bytes(
    setup: Setup, arrays: Variables, one: Mapping[str, Any], unit: int
) -> tuple[float, float]:
    """Return the bytes of an update without images, and those of each image."""
    kept = [
        _size(jax.eval_shape(backward_residuals(setup), arrays, _repeated(one, times)))
        for times in (1, 2)
    ]
    each = _PEAK * max(0.0, kept[1] - kept[0]) / unit
    learned = trained(arrays.params, bool(setup.config.frozen))
    fixed = _size(arrays) + (_COPIES - 1) * _size(learned)
    if setup.config.frozen:
        images = _repeated(one, -(-FROZEN_ROWS // unit))["image"]
        shape = jax.ShapeDtypeStruct((FROZEN_ROWS, *images.shape[1:]), images.dtype)
        fixed += _largest(jax.make_jaxpr(backbone_features(setup))(arrays, shape))
    return fixed, each


def _repeated(rows: Mapping[str, Any], times: int) -> dict[str, Any]:
    return {
        k: jax.ShapeDtypeStruct((times * v.shape[0], *v.shape[1:]), v.dtype)
        for k, v in rows.items()
    }


def _size(tree: Any) -> float:
    return sum(
        math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize
        for leaf in jax.tree.leaves(tree)
    )


def _largest(program: Any) -> float:
    """Return twice the bytes of the step with the largest operands and results."""
    sizes = (
        sum(
            math.prod(v.aval.shape) * v.aval.dtype.itemsize
            for v in (*step.invars, *step.outvars)
            if hasattr(v.aval, "shape")
        )
        for step in _steps(program.jaxpr)
    )
    return 2 * max(sizes, default=0)


def _steps(program: Any) -> Iterator[Any]:
    for step in program.eqns:
        inner = [
            p for p in jax.tree.leaves(list(step.params.values())) if _is_program(p)
        ]
        for each in inner:
            yield from _steps(getattr(each, "jaxpr", each))
        if not inner:
            yield step


def _is_program(value: Any) -> bool:
    return hasattr(getattr(value, "jaxpr", value), "eqns")


def _same_everywhere(number: int) -> int:
    """Return the largest number of all processes: they share every batch."""
    if jax.process_count() == 1:
        return number
    return int(multihost_utils.process_allgather(np.array(number)).max())
