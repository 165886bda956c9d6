"""What ``jiqa.load`` returns: metrics with options and weights bound."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jiqa.checks import expected
from jiqa.core.bound_metric import BoundMetric
from jiqa.core.images import as_image, check_range
from jiqa.core.metric_group import MetricGroup, ReferenceFeatures, divided

if TYPE_CHECKING:
    from jiqa.weights import Weights


class Loaded:
    """One metric, or several in one compiled pass, with options and weights bound.

    Call it with ``(reference, distorted)``, or ``(image)`` for no-reference metrics.
    One metric returns an array with the leading dimensions of the images, several a
    dictionary of such arrays by name. ``prepare`` computes what depends on a reference
    once for many distorted images.

    Attributes:
        options: the options that are bound.
        info: the metric's ``Info``, or a dictionary of them by name.
        weights: the sets of weights that it uses, by name, with their SHA-256.
    """

    def __init__(
        self,
        members: Sequence[BoundMetric],
        *,
        single: bool,
        folder: Path | str | None = None,
    ) -> None:
        """Bind options and read weights; use ``jiqa.load`` instead."""
        self.options, self._single = dict(members[0].options), single
        infos = {member.name: member.metric.info for member in members}
        self.info: Any = members[0].metric.info if single else infos
        self._group = group = MetricGroup(members)
        self.weights = read_weights(group, folder)
        self._params = on_device(self.weights)

        def shaped(values: list[Any]) -> Any:
            return values[0] if single else dict(zip(infos, values, strict=True))

        def scores(params: Any, *images: Any) -> Any:
            return shaped(group.compute(params, *images))

        def against(params: Any, prepared: ReferenceFeatures, image: Any) -> Any:
            return shaped(group.against(params, prepared, image))

        self._compiled = jax.jit(scores)
        self._prepare, self._against = jax.jit(group.prepare), jax.jit(against)
        self._divided = functools.cache(
            lambda devices: jax.jit(divided(against, devices, (False, False, True)))
        )

    @property
    def members(self) -> tuple[BoundMetric, ...]:
        """The metrics with their options."""
        return self._group.members

    def __call__(self, *images: Any) -> Any:
        """Score images ``[..., H, W, C]``; see ``jiqa.core.images``."""
        if self._single and not self.weights:
            (member,) = self._group.members  # the same checks, when they are due
            return member.metric(*images, **member.options)
        return self._compiled(self._params, *self._group.checked_images(images))

    def prepare(
        self, reference: Any, *, devices: Sequence[Any] = ()
    ) -> PreparedReference:
        """Compute once what depends on the reference alone.

        Args:
            reference: one image ``[H, W, C]``.
            devices: devices of this process that share the distorted images: a batch
                ``[N, H, W, C]`` is then divided among them, and N must be a multiple
                of their number.

        Returns:
            A callable that scores distorted images ``[..., H, W, C]``.

        Raises:
            TypeError: the metrics have no reference.
            ValueError: more than one image, or one that the metrics do not accept.
        """
        image, _ = self._group.checked_images((reference, reference))
        if image.ndim != 3:
            raise ValueError(
                expected(
                    "reference", "one image [H, W, C]", f"shape {tuple(image.shape)}"
                )
            )
        against = self._divided(tuple(devices)) if len(devices) > 1 else self._against
        prepared = self._prepare(self._params, image)
        return PreparedReference(functools.partial(against, self._params), prepared)

    def tiled(self, reference: Any, distorted: Any, *, memory: int = 2**30) -> Any:
        """Score a pair that is too large for memory, with the same result.

        Args:
            reference: one image ``[H, W, C]``.
            distorted: one image of the same shape.
            memory: bytes for the features of one tile of both.

        Returns:
            The score that a call returns, up to rounding.

        Raises:
            TypeError: several metrics, or one that is not deep.
            ValueError: as for a call; or the metric needs the whole image at once, or
                ``memory`` is less than the smallest tile needs.
        """
        from jiqa.core.tiled import tiled

        member = self._group.members[0]
        if not self._single or member.metric.deep is None:
            raise TypeError(
                "only a single metric on deep features can be computed in tiles"
            )
        x, y = self._group.checked_images((reference, distorted))
        if x.ndim != 3:
            raise ValueError(
                expected("reference", "one image [H, W, C]", f"shape {tuple(x.shape)}")
            )
        return tiled(member, self._params, x, y, memory=memory)

    def __repr__(self) -> str:
        """The names and options, as they would be typed."""
        names = [member.name for member in self._group.members]
        shown = repr(names[0] if self._single else names)
        extra = "".join(f", {k}={v!r}" for k, v in self.options.items())
        return f"jiqa.load({shown}{extra})"


class PreparedReference:
    """A loaded metric with one reference; call it with distorted images."""

    def __init__(
        self, against: Callable[..., Any], prepared: ReferenceFeatures
    ) -> None:
        """Keep the reference's features; use ``Loaded.prepare`` instead."""
        self._against, self._prepared = against, prepared

    def __call__(self, distorted: Any) -> Any:
        """Score images ``[..., H, W, C]`` of the reference's size."""
        image = as_image(distorted, "distorted")
        check_range(image, "distorted")
        wanted = self._prepared.reference.shape
        if image.shape[-3:] != wanted:
            raise ValueError(
                expected(
                    "distorted",
                    f"the shape of the reference, [..., {', '.join(map(str, wanted))}]",
                    f"shape {tuple(image.shape)}",
                )
            )
        return self._against(self._prepared, image)


def read_weights(group: MetricGroup, folder: Path | str | None) -> dict[str, Weights]:
    """Read the sets of weights that metrics need; see ``jiqa.weights.load``."""
    if not group.weights:
        return {}
    from jiqa import weights  # imports the readers of files, which few need

    return {
        name: weights.load(name, folder, whole=name in group.whole)
        for name in group.weights
    }


def on_device(sets: Mapping[str, Weights]) -> dict[str, dict[str, jax.Array]]:
    """The parameters of sets of weights as JAX arrays, by set and by key."""
    return {
        name: {key: jnp.asarray(value) for key, value in found.params.items()}
        for name, found in sets.items()
    }
