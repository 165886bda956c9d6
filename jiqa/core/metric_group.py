"""Several metrics in one program, so that what they share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from jiqa.core.batching import over_batch
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.core.images import check_min_side, to_float


class ReferenceFeatures(NamedTuple):
    """One reference ``[H, W, C]`` and the features that the deep metrics compute."""

    reference: Array
    features: list[Any]


class MetricGroup:
    """Metrics with their options, whose methods are to be traced inside ``jit``.

    All metrics score an image (pair) before the next one is touched, inside one loop,
    so that the compiler computes once what they share: luma and filtered fields, and
    the passes of the same networks. It checks the options, not the images.
    """

    def __init__(self, members: Sequence[BoundMetric]) -> None:
        """Group metrics, one for each column."""
        for member in members:
            member.metric.check_options(member.options)
            if member.metric.deep is not None:
                member.metric.deep.with_defaults(member.options)
        self.members = tuple(members)
        self._masks = {
            f"{k} {n}": value
            for k, member in enumerate(members)
            for n, value in member.masks.items()
        }

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the sets of weights that ``params`` must have."""
        specs = (member.spec for member in self.members)
        return tuple(dict.fromkeys(n for spec in specs if spec for n in spec.weights))

    @property
    def whole(self) -> frozenset[str]:
        """Names of the sets that must include their network's classifier."""
        specs = (member.spec for member in self.members)
        return frozenset(
            name for spec in specs if spec and spec.whole for name in spec.weights
        )

    def checked_images(self, images: Sequence[Any]) -> tuple[Any, ...]:
        """The images as arrays, after a check that all members (of one kind) take them.

        Raises:
            TypeError: a wrong number of images.
            ValueError: an image is invalid or too small, or the shapes of a pair
                differ.
        """
        # One that takes values in [0, 1] alone checks more than one that takes light.
        first = min(self.members, key=lambda m: m.metric.info.takes_light)
        checked = first.metric.checked_images(images, first.options)
        for member in self.members:
            side = member.metric.info.min_side_of
            check_min_side(checked[0].shape, member.min_side, member.name, side)
        return checked

    def scores(self, params: Params, reference: Any, image: Any) -> list[Any]:
        """Score an image, or a pair, by every metric, with any leading dimensions.

        A reference without the image's leading dimensions is used for all images.
        """
        if reference is None or reference.ndim == image.ndim:
            images = (image,) if reference is None else (reference, image)
            return over_batch(self._one, images, self._masks, whole=(params,))
        if self._masks:
            reference = jnp.broadcast_to(
                reference, (*image.shape[:-3], *reference.shape)
            )
            return self.scores(params, reference, image)
        return self.against(params, self.prepare(params, reference), image)

    def compute(self, params: Params, *images: Any) -> list[Any]:
        """``scores`` of ``(reference, image)`` or ``(image,)``."""
        reference = images[0] if len(images) == 2 else None
        return self.scores(params, reference, images[-1])

    def prepare(self, params: Params, reference: Any) -> ReferenceFeatures:
        """Compute what depends on one reference ``[H, W, C]``, once for all images."""
        reference = to_float(reference)
        return ReferenceFeatures(
            reference,
            [
                member.features(params, reference)
                if member.metric.deep is not None and member.needs_reference
                else None
                for member in self.members
            ],
        )

    def against(
        self, params: Params, prepared: ReferenceFeatures, image: Any
    ) -> list[Any]:
        """Score images ``[..., H, W, C]`` by every metric against one reference."""
        dtype = jnp.promote_types(to_float(image).dtype, prepared.reference.dtype)
        prepared = jax.tree.map(lambda v: v.astype(dtype), prepared)

        def one(params: Params, prepared: ReferenceFeatures, image: Array) -> list[Any]:
            image = image.astype(dtype)
            out = []
            for member, known in zip(self.members, prepared.features, strict=True):
                if known is not None:
                    found = member.features(params, image)
                    out.append(member.compare(params, known, found))
                    continue
                full = member.needs_reference
                pair = (prepared.reference, image) if full else (image,)
                out.append(member.score(params, *pair))
            return out

        return over_batch(one, (image,), {}, whole=(params, prepared))

    def _one(self, params: Params, *parts: Array, **masks: Array) -> list[Any]:
        out = []
        for k, member in enumerate(self.members):
            images = member.taken(parts)
            member_masks: dict[str, Any] = {n: masks[f"{k} {n}"] for n in member.masks}
            out.append(member.score(params, *images, **member_masks))
        return out


def divided(
    function: Callable[..., Any], devices: Sequence[Any], batched: Sequence[bool]
) -> Callable[..., Any]:
    """Divide the batch of a function among devices, which do not communicate.

    Args:
        function: a function of arrays or trees of arrays.
        devices: devices of this process; the batch size is a multiple of their number.
        batched: for each argument, whether the first axis of its arrays is the batch;
            the others are whole on every device. The first axis of every output is the
            batch.
    """
    return jax.shard_map(
        function,
        mesh=Mesh(np.array(devices), ("data",)),
        in_specs=tuple(P("data") if b else P() for b in batched),
        out_specs=P("data"),
        check_vma=False,
    )
