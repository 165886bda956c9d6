"""What ``jiqa.load`` returns: metrics with options and weights bound."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import jax
import jax.numpy as jnp

from jiqa.checks import expected
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.core.images import (
    Image,
    as_image,
    check_light,
    check_range,
    check_same_devices,
    check_traced_range,
)
from jiqa.core.metric_group import MetricGroup, ReferenceFeatures, divided

if TYPE_CHECKING:
    from jiqa.weights import Weights


# What a call returns, and what ``info`` is: of one metric, or dictionaries by name.
Scores = TypeVar("Scores")
Facts = TypeVar("Facts")


class Loaded(Generic[Scores, Facts]):
    """One metric, or several in one compiled pass, with options and weights bound.

    Call it with ``(reference, distorted)``, or ``(image)`` for no-reference metrics.
    One metric returns an array with the leading dimensions of the images, several a
    dictionary of such arrays by name. ``prepare`` computes what depends on a reference
    once for many distorted images. A pickle holds the weights.

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
        checked: bool = False,
        weights: dict[str, Weights] | None = None,
    ) -> None:
        """Bind options and read weights; use ``jiqa.load`` instead."""
        self.options, self._single = dict(members[0].options), single
        self._checked = checked
        infos = {member.name: member.metric.info for member in members}
        self.info: Facts = members[0].metric.info if single else infos  # pyright: ignore
        self._group = group = MetricGroup(members)
        self.weights = read_weights(group, folder) if weights is None else weights
        self._params = on_device(self.weights)

        def scores(params: Any, *images: Any) -> Any:
            return self.shaped(group.compute(params, *images))

        def against(params: Any, prepared: ReferenceFeatures, image: Any) -> Any:
            return self.shaped(group.against(params, prepared, image))

        self._compiled = jax.jit(scores)
        self._prepare, self._against = jax.jit(group.prepare), jax.jit(against)
        self._divided = functools.cache(
            lambda devices: jax.jit(divided(against, devices, (False, False, True)))
        )

    @property
    def members(self) -> tuple[BoundMetric, ...]:
        """The metrics with their options."""
        return self._group.members

    @property
    def params(self) -> Params:
        """The parameters by set and key."""
        return self._params

    @property
    def _light(self) -> bool:
        """Whether all metrics take linear light."""
        return all(member.metric.info.takes_light for member in self.members)

    def shaped(self, values: list[Any]) -> Scores:
        """The values of the metrics in order, as a call returns them."""
        names = (member.name for member in self.members)
        found = values[0] if self._single else dict(zip(names, values, strict=True))
        return found  # pyright: ignore[reportReturnType]

    def checked_images(self, images: Sequence[Any]) -> tuple[Any, ...]:
        """The images as arrays, after a check that all metrics take them.

        Raises:
            TypeError: a wrong number of images.
            ValueError: an image is invalid or too small, or the shapes of a pair
                differ.
        """
        checked = self._group.checked_images(images)
        if self._checked:
            for name, image in zip(self.members[0].metric.images, checked, strict=True):
                check_traced_range(image, name, light=self._light)
        return checked

    def __call__(self, *images: Image) -> Scores:
        """Score images ``[..., H, W, C]``; see ``jiqa.core.images``."""
        if self._single and not self.weights and not self._checked:
            (member,) = self._group.members  # the same checks, when they are due
            return member.metric(*images, **member.options)  # pyright: ignore
        return self._compiled(self._params, *self.checked_images(images))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the metrics with their weights."""
        return _made_anew, (self.members, self._single, self._checked, self.weights)

    def prepare(
        self, reference: Image, *, devices: Sequence[Any] = ()
    ) -> PreparedReference[Scores]:
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
        if self._checked:
            check_traced_range(image, "reference", light=self._light)
        prepared = self._prepare(self._params, image)
        return PreparedReference(self, prepared, tuple(devices))

    def against(
        self, prepared: ReferenceFeatures, distorted: Image, devices: tuple[Any, ...]
    ) -> Scores:
        """Score images against a reference; call what ``prepare`` returns instead."""
        image = as_image(distorted, "distorted")
        (check_light if self._light else check_range)(image, "distorted")
        if self._checked:
            check_traced_range(image, "distorted", light=self._light)
        wanted = prepared.reference.shape
        if image.shape[-3:] != wanted:
            raise ValueError(
                expected(
                    "distorted",
                    f"the shape of the reference, [..., {', '.join(map(str, wanted))}]",
                    f"shape {tuple(image.shape)}",
                )
            )
        if len(devices) > 1:
            return self._divided(devices)(self._params, prepared, image)
        check_same_devices(prepared.reference, image)
        return self._against(self._params, prepared, image)

    def tiled(self, reference: Image, distorted: Image, *, memory: int = 2**30) -> Any:
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


def _made_anew(
    members: Sequence[BoundMetric],
    single: bool,
    checked: bool,
    weights: dict[str, Weights],
) -> Loaded[Any, Any]:
    return Loaded(members, single=single, checked=checked, weights=weights)


class PreparedReference(Generic[Scores]):
    """A loaded metric with one reference; call it with distorted images."""

    def __init__(
        self,
        loaded: Loaded[Scores, Any],
        prepared: ReferenceFeatures,
        devices: tuple[Any, ...],
    ) -> None:
        """Keep the reference's features; use ``Loaded.prepare`` instead."""
        self._loaded, self._prepared, self._devices = loaded, prepared, devices

    def __call__(self, distorted: Image) -> Scores:
        """Score images ``[..., H, W, C]`` of the reference's size."""
        return self._loaded.against(self._prepared, distorted, self._devices)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the devices, which another process need not have."""
        return PreparedReference, (self._loaded, self._prepared, ())


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
