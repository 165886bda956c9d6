"""Apply a function of one image to a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected
from jiqa.core.images import to_float


def over_features(
    compare: Callable[[Any, Any], Any], reference: Any, distorted: Any
) -> Any:
    """Apply ``compare`` to features with leading dimensions, image by image.

    Args:
        compare: function of the features of one reference and one distorted image.
        reference: tree of features with ``"image"``, of one image or as many as
            ``distorted`` has.
        distorted: the same of one image or many.

    Raises:
        ValueError: the leading dimensions do not match.
    """
    lead = distorted["image"].shape[:-3]
    reference_lead = reference["image"].shape[:-3]
    if reference_lead not in ((), lead):
        wanted = "one, or as many as there are distorted images"
        raise ValueError(
            expected(
                "features of the reference",
                f"leading shape () or {lead}",
                f"{reference_lead}",
                wanted,
            )
        )
    if not lead:
        return compare(reference, distorted)

    def flat(tree: Any) -> Any:
        return jax.tree.map(lambda v: v.reshape(-1, *v.shape[len(lead) :]), tree)

    def one(pair: Any) -> Any:
        return compare(pair[0] if reference_lead else reference, pair[-1])

    pair = (flat(reference), flat(distorted)) if reference_lead else (flat(distorted),)
    return _unflat(_each(one, pair), lead)


def over_batch(
    core: Callable[..., Any],
    images: tuple[Any, ...],
    batched: dict[str, Any],
    *,
    at_once: bool = False,
) -> Any:
    """Apply ``core`` to every image along the leading dimensions.

    On the CPU one image at a time: its fields stay in the cache, which made SSIM of
    eight 512x512 pairs three times as fast as the whole batch at once. Elsewhere the
    batch is one vectorised computation. Either way no image affects another. A core
    that takes leading dimensions itself is ``at_once``: it gets the whole batch on the
    CPU too, if all images are floats.
    """
    # Integers become floats image by image: those of a whole batch leave the cache and
    # are paid for in fresh memory, which took PSNR of uint8 ten times as long.
    dtypes = [jax.eval_shape(to_float, x).dtype for x in images]
    dtype = functools.reduce(jnp.promote_types, dtypes)
    at_once = at_once and dtypes == [x.dtype for x in images]
    lead, shape = images[0].shape[:-3], images[0].shape[-3:]
    extra = [
        jnp.broadcast_to(jnp.asarray(value).astype(dtype), (*lead, *shape[:2]))
        for value in batched.values()
    ]

    def one(parts: tuple[Array, ...]) -> Any:
        count = len(images)
        return core(
            *(to_float(part).astype(dtype) for part in parts[:count]),
            **dict(zip(batched, parts[count:], strict=True)),
        )

    parts = (*images, *extra)
    if not lead:
        return one(parts)
    flat = tuple(p.reshape(-1, *p.shape[len(lead) :]) for p in parts)
    return _unflat(_each(one, flat, at_once=at_once), lead)


def _each(one: Callable[[Any], Any], flat: Any, *, at_once: bool = False) -> Any:
    """Apply ``one`` to every entry along the first axis of a tree of arrays."""
    if jax.tree.leaves(flat)[0].shape[0] == 1:
        first = jax.tree.map(lambda v: v[0], flat)
        return jax.tree.map(lambda v: v[None], one(first))
    if jax.default_backend() == "cpu" and not at_once:
        return jax.lax.map(one, flat)
    return one(flat) if at_once else jax.vmap(one)(flat)


def _unflat(tree: Any, lead: tuple[int, ...]) -> Any:
    return jax.tree.map(lambda v: v.reshape(*lead, *v.shape[1:]), tree)
