"""What ``jiqa.load(..., sizes="any")`` returns: a new size compiles nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic

import jax
import jax.numpy as jnp
import numpy as np

from jiqa.checks import expected
from jiqa.core.any_size import (
    Bucket,
    can_share,
    scores,
    smallest_bucket,
)
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.core.images import Image, is_traced
from jiqa.core.loaded import Facts, Loaded, Scores
from jiqa.core.metric_group import MetricGroup
from jiqa.ops.extent import Extent


class AnySize(Generic[Scores, Facts]):
    """Loaded metrics whose programs serve images of any size.

    Call it with images ``[..., H, W, C]``, or with lists of images ``[H, W, C]`` whose
    sizes differ from pair to pair; a list gives scores ``[N]``, or a list of maps
    (``output="map"``). An image is padded to a bucket of a fixed ladder of sizes, and
    its size is an argument of the program, so that few programs are compiled. The
    scores are those of ``jiqa.load(name)`` up to rounding. Metrics without such a
    program, images under 32 pixels and over 4096 are compiled for their size as always.

    Attributes:
        exact: the metrics with programs for every single size.
        options: the options that are bound.
        info: the metric's ``Info``, or a dictionary of them by name.
        weights: the sets of weights that it uses, by name.
    """

    def __init__(self, exact: Loaded[Scores, Facts]) -> None:
        """Take loaded metrics; use ``jiqa.load`` instead."""
        self.exact = exact
        self.options, self.info, self.weights = exact.options, exact.info, exact.weights
        self._programs = [_program(member) for member in exact.members]
        self._map_shapes: dict[Any, tuple[int, int]] = {}

    def __call__(
        self, *images: Image | Sequence[Image], **named: Image | Sequence[Image]
    ) -> Scores:
        """Score images, or lists of images of different sizes.

        Raises:
            TypeError: a wrong number of images, or options, which ``jiqa.load`` binds.
            ValueError: lists of different lengths, or an image or pair that the
                metrics do not accept.
        """
        metric = self.exact.members[0].metric
        given, options = metric.sorted_arguments(images, named)
        if options:
            # They would change nothing here.
            raise TypeError(
                f"{metric.info.name}: expected options in jiqa.load, got "
                f"{', '.join(options)} with the images"
            )
        if not any(_is_list(x) for x in given):
            return self.exact.shaped(self._scored(given))
        counts = sorted({len(x) if _is_list(x) else -1 for x in given})
        if len(counts) > 1 or counts == [0]:
            got = " and ".join(
                f"{len(x)} images" if _is_list(x) else "an array" for x in given
            )
            wanted = "lists of as many images, at least one"
            raise ValueError(expected(" and ".join(metric.images), wanted, got))
        rows = [self._scored(pair) for pair in zip(*given, strict=True)]
        columns = [
            list(column) if member.any_size_map else jnp.stack(column)
            for member, column in zip(
                self.exact.members, zip(*rows, strict=True), strict=True
            )
        ]
        return self.exact.shaped(columns)

    def padded(self, extent: Extent, *images: Any) -> Scores:
        """Score padded images ``[N, H, W, C]`` of ``jiqa.pad``; for use in ``jit``.

        Args:
            extent: what of every array is the image.
            *images: padded arrays in [0, 1], or of integers; reference first. Only
                their shapes are checked.

        Returns:
            Scores ``[N]``, of several metrics a dictionary of them by name.

        Raises:
            TypeError: a wrong number of images.
            ValueError: a metric that has no program for any size, or one that
                decimates images, of different factors in this batch; or arrays that
                are not as many padded images.
        """
        metric = self.exact.members[0].metric
        metric.check_count(images)
        lacking = [m.label for m in self.exact.members if not m.any_size]
        if lacking:
            wanted = "metrics with a program for any size"
            raise ValueError(expected("padded", wanted, ", ".join(lacking)))
        for name, image in zip(metric.images, images, strict=True):
            if image.ndim != 4 or image.shape[:1] != extent.rows.shape:
                wanted = f"padded images [{extent.rows.shape[0]}, H, W, C]"
                raise ValueError(expected(name, wanted, f"shape {image.shape}"))
        params = self.exact.params
        return self.exact.shaped(
            [scores(m, params, extent, *m.taken(images)) for m in self.exact.members]
        )

    def __repr__(self) -> str:
        """As it would be typed."""
        return f'{repr(self.exact)[:-1]}, sizes="any")'

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the metrics without their programs."""
        return AnySize, (self.exact,)

    def _scored(self, images: tuple[Any, ...]) -> list[Any]:
        """The scores of arrays ``[..., H, W, C]``, metric by metric."""
        images = self.exact.checked_images(images)
        height, width = images[-1].shape[-3:-1]
        found: list[Any] = []
        for member, program in zip(self.exact.members, self._programs, strict=True):
            taken = member.taken(images)
            fits = can_share(height, width) and member.fits(height, width)
            if not (fits and (member.any_size or member.any_size_map)):
                found.append(program(self.exact.params, None, *taken))
                continue
            decimates = member.metric.decimates(**member.options)
            bucket = smallest_bucket(height, width, decimates=decimates)
            lead = taken[-1].shape[:-3]
            arrays = [_in_bucket(x, bucket) for x in taken]
            flat = [x.reshape(-1, *x.shape[-3:]) for x in arrays]
            rows, cols = (np.full(len(flat[-1]), n, np.int32) for n in (height, width))
            extent = Extent(rows, cols, bucket.factor)
            value = program(self.exact.params, extent, *flat)
            if member.any_size_map:
                value = _cropped(value, self._map_shape(member, taken[-1].shape[-3:]))
            found.append(value.reshape(*lead, *value.shape[1:]))
        return found

    def _map_shape(self, member: BoundMetric, shape: Any) -> tuple[int, int]:
        """Rows and columns of the map of images without padding; nothing compiles."""
        key = member.label, tuple(shape)
        if key not in self._map_shapes:
            image = jax.ShapeDtypeStruct(shape, np.float32)
            images = [image] * len(member.taken((image, image)))
            self._map_shapes[key] = jax.eval_shape(
                lambda *given: member.score({}, *given), *images
            ).shape[-2:]
        return self._map_shapes[key]


def _program(member: BoundMetric) -> Any:
    """The scores of padded images, or without extent of images of one size."""
    alone = MetricGroup([member])

    def program(params: Params, extent: Extent | None, *images: Any) -> Any:
        if extent is None:
            return alone.compute(params, *images)[0]
        return scores(member, params, extent, *images)

    return jax.jit(program)


def _is_list(x: Any) -> bool:
    """Whether it is a list of images, not one image as nested lists of numbers."""
    return isinstance(x, list | tuple) and all(getattr(v, "ndim", 0) == 3 for v in x)


def _is_here(x: jax.Array) -> bool:
    """Whether NumPy can have the numbers, which are known and lie on the CPU."""
    return not is_traced(x) and x.devices() == {jax.devices("cpu")[0]}


def _cropped(value: Any, shape: tuple[int, int]) -> Any:
    """The first rows and columns; by NumPy, which compiles nothing, where it can be."""
    rows, cols = shape
    if not _is_here(value):
        return value[..., :rows, :cols]
    return jnp.asarray(np.asarray(value)[..., :rows, :cols])


def _in_bucket(image: Any, bucket: Bucket) -> Any:
    """An array ``[..., H, W, C]`` padded by NumPy, which compiles nothing.

    What is traced, or lies on another device than the CPU, is padded where it is.
    """
    height, width = image.shape[-3:-1]
    widths = [(0, 0)] * (image.ndim - 3)
    widths += [(0, bucket.rows - height), (0, bucket.cols - width), (0, 0)]
    if isinstance(image, jax.Array) and not _is_here(image):
        return jnp.pad(image, widths)
    return np.pad(np.asarray(image), widths)
