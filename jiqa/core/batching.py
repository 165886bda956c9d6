"""Apply a function of one image to a batch."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jiqa.checks import expected
from jiqa.core.images import to_float
from jiqa.core.sharded_batch import layout_of, where_it_lies
from jiqa.ops.extent import Extent


def over_features(
    compare: Callable[[Any, Any, Any], Any],
    reference: Any,
    distorted: Any,
    *,
    whole: Any = (),
) -> Any:
    """Apply ``compare`` to features with leading dimensions, image by image.

    Args:
        compare: function of ``whole`` and the features of one reference and of one
            distorted image.
        reference: tree of features with ``"image"``, of one image or as many as
            ``distorted`` has.
        distorted: the same of one image or many.
        whole: tree of arrays that all images share.

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
        return compare(whole, reference, distorted)
    if reference_lead:
        return _each(
            lambda whole, pair: compare(whole, *pair),
            whole,
            (reference, distorted),
            lead,
        )
    return _each(
        lambda shared, image: compare(shared[0], shared[1], image),
        (whole, reference),
        distorted,
        lead,
    )


def over_batch(
    core: Callable[..., Any],
    images: tuple[Any, ...],
    batched: dict[str, Any],
    *,
    whole: tuple[Any, ...] = (),
    at_once: bool = False,
    extent: Extent | None = None,
) -> Any:
    """Apply ``core`` to every image along the leading dimensions.

    On the CPU one image at a time: its fields stay in the cache, which made SSIM of
    eight 512x512 pairs three times as fast as the whole batch at once. Elsewhere the
    batch is one vectorised computation. Either way no image affects another, and a
    batch that is sharded over devices stays where it is. A core that takes leading
    dimensions itself is ``at_once``: it gets the whole batch on the CPU too, if all
    images are floats.

    Args:
        core: function of ``*whole`` and single images, with ``batched`` by keyword.
        images: arrays ``[..., H, W, C]``.
        batched: arrays ``[..., H, W]``.
        whole: trees of arrays that all images share; what depends on them must not be
            in ``core`` itself.
        at_once: whether ``core`` takes leading dimensions itself.
        extent: what of the arrays is the image, arrays of the leading dimensions; then
            ``core`` takes that of its image as ``extent``.
    """
    # Integers become floats image by image: those of a whole batch leave the cache and
    # are paid for in fresh memory, which took PSNR of uint8 ten times as long.
    dtypes = [jax.eval_shape(to_float, x).dtype for x in images]
    dtype = functools.reduce(jnp.promote_types, dtypes)
    at_once = at_once and dtypes == [x.dtype for x in images] and extent is None
    lead, shape = images[0].shape[:-3], images[0].shape[-3:]
    extra = [
        jnp.broadcast_to(jnp.asarray(value).astype(dtype), (*lead, *shape[:2]))
        for value in batched.values()
    ]

    def one(whole: tuple[Any, ...], batch: tuple[Any, Extent | None]) -> Any:
        parts, extent = batch
        count = len(images)
        return core(
            *whole,
            *(to_float(part).astype(dtype) for part in parts[:count]),
            **dict(zip(batched, parts[count:], strict=True)),
            **({} if extent is None else {"extent": extent}),
        )

    batch = ((*images, *extra), extent)
    return (
        _each(one, whole, batch, lead, at_once=at_once) if lead else one(whole, batch)
    )


def _each(
    one: Callable[[Any, Any], Any],
    whole: Any,
    batch: Any,
    lead: tuple[int, ...],
    *,
    at_once: bool = False,
) -> Any:
    """Apply ``one`` to ``whole`` and every entry of a tree of ``[*lead, ...]``."""
    layout = layout_of(batch, lead)
    flat = functools.partial(_flat, one, len(lead), at_once)
    if layout is None:
        return flat(whole, batch)
    return where_it_lies(flat, layout, whole, batch)


def _flat(
    one: Callable[[Any, Any], Any], axes: int, at_once: bool, whole: Any, batch: Any
) -> Any:
    """Apply ``one`` along the first ``axes`` axes, on one device."""
    lead = jax.tree.leaves(batch)[0].shape[:axes]
    count = math.prod(lead)
    batch = jax.tree.map(lambda v: v.reshape(count, *v.shape[axes:]), batch)
    of_image = functools.partial(one, whole)
    if count == 1:
        first = jax.tree.map(lambda v: v[0], batch)
        found = jax.tree.map(lambda v: v[None], of_image(first))
    elif count == 0 or (jax.default_backend() == "cpu" and not at_once):
        found = jax.lax.map(of_image, batch)
    else:
        found = of_image(batch) if at_once else jax.vmap(of_image)(batch)
    return jax.tree.map(lambda v: v.reshape(*lead, *v.shape[1:]), found)
