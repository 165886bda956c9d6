"""The class of metrics, and what is known about one (``Info``).

A metric is written as a pure function of single images ``[H, W, C]`` in [0, 1]. The
decorators ``full_reference`` and ``no_reference`` turn it into a ``Metric``: it checks
the input, takes any leading dimensions, uint8/uint16 and half precision, and compiles
once per shape and set of options. Inside the caller's own ``jit``, ``grad`` or ``vmap``
it is transparent. Metrics on the features of networks are in ``deep_metric``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, Literal, ParamSpec

import jax
from jax import Array

from jiqa.checks import did_you_mean, hashable
from jiqa.core.batching import over_batch
from jiqa.core.feature_spec import DeepSteps
from jiqa.core.images import (
    as_array,
    as_image,
    check_light,
    check_min_side,
    check_process,
    check_range,
    check_same_devices,
    check_same_shape,
    was_checked,
)

Arguments = ParamSpec("Arguments")

#: The images that a metric takes, by its kind.
IMAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"full-reference": ("reference", "distorted"), "no-reference": ("image",)}
)


@dataclass(frozen=True, kw_only=True)
class Info:
    """Facts about a metric; printed by ``jiqa metrics`` and checked by the tests.

    Attributes:
        name: the name that ``jiqa.load`` and the command line take.
        title: the name in words.
        kind: ``"full-reference"`` or ``"no-reference"``.
        direction: ``"higher"`` if a higher value is better, else ``"lower"``.
        range: smallest and largest possible value.
        identity: value of two identical images; ``None`` if that is not one value.
        symmetric: whether reference and distorted may be swapped.
        min_side: smallest shorter side in pixels, with default options.
        min_side_of: ``"shorter"``, or ``"longer"`` if it is the longer side that has to
            be as large as that.
        colour: ``"luma"`` (RGB is reduced to grey), ``"rgb"`` (colour is used; grey
            counts as three equal channels) or ``"channels"`` (every sample alike).
        citation: authors, title, journal or conference, year, DOI.
        fidelity: ``"authors-code"``, ``"paper"`` or ``"reconstruction"``.
        fidelity_note: the evidence and its tolerance, or what was guessed.
        maps: what the per-pixel map of ``output="map"`` holds: ``"similarity"`` (high
            where the images agree) or ``"difference"``; ``None`` if it has no map.
        map_range: the values that its authors draw as black and as white of
            matplotlib's magma; ``None`` if they have no such scale.
        differentiable: whether its gradient says how the value changes; ``False`` of a
            metric that counts, whose gradient is 0.
        weights: names of the weights it needs; empty for a classical metric.
        dynamic_range: ``"standard"`` for sRGB in [0, 1], ``"high"`` for linear light of
            0 or more.
    """

    name: str
    title: str
    kind: Literal["full-reference", "no-reference"]
    direction: Literal["higher", "lower"]
    range: tuple[float, float]
    identity: float | None
    symmetric: bool
    min_side: int
    colour: Literal["luma", "rgb", "channels"]
    citation: str
    fidelity: Literal["authors-code", "paper", "reconstruction"]
    fidelity_note: str
    maps: Literal["similarity", "difference"] | None = None
    map_range: tuple[float, float] | None = None
    min_side_of: Literal["shorter", "longer"] = "shorter"
    differentiable: bool = True
    weights: tuple[str, ...] = ()
    dynamic_range: Literal["standard", "high"] = "standard"

    @property
    def takes_light(self) -> bool:
        """Whether images are linear light of any brightness."""
        return self.dynamic_range == "high"


class Metric(Generic[Arguments]):
    """A metric: callable on arrays, with what is known about it.

    Attributes:
        info: what is known about it.
        core: the function as written, for one image (pair) ``[H, W, C]`` in [0, 1] of
            at least float32; use it to build on a metric inside another one. The core
            of a deep metric takes the parameters first.
        compiled: ``core`` over leading dimensions, compiled; it checks nothing.
        images: names of its images.
        options: names of all options.
        any_size: whether ``core`` takes ``extent`` too, what of its arrays is the
            image (see ``jiqa.ops.extent``), so that one program serves many sizes; of a
            deep metric, whether it does with the default options.
        transforms: whether the whole image, decimated or not, is transformed: an image
            that is padded then costs far more than its pixels.
        arrays: names of the options that are arrays.
        deep: the two steps of a deep metric, else ``None``.
        digest: digest of all that determines the values of a metric that a file
            describes; empty for the others.
        outputs: of a metric with ``output="all"``, what it then gives along a last
            axis, the score first; else empty.
        remade_by: for a metric that a file describes, ``(function, arguments)`` that
            make it again, in another process as well.
    """

    remade_by: tuple[Callable[..., Any], tuple[Any, ...]] | None = None
    outputs: tuple[str, ...] = ()
    __name__: str
    __qualname__: str
    compiled: Callable[..., Any]

    def __init__(
        self,
        declared: Callable[Arguments, Any],
        info: Info,
        *,
        arrays: tuple[str, ...] = (),
        min_side_for: Callable[..., int] | None = None,
        at_once: bool = False,
        decimates: bool | Callable[..., bool] = False,
        transforms: bool = False,
        deep: DeepSteps | None = None,
        digest: str = "",
    ) -> None:
        """Make a metric; see ``full_reference`` for the arguments.

        Args:
            declared: ``(*images, *, options)``; with ``deep``, ``(params, *images, *,
                options)`` that need not have a body. Its name, signature and docstring
                become the metric's.
            info: what is known about it.
            arrays: see ``full_reference``.
            min_side_for: see ``full_reference``.
            at_once: see ``full_reference``.
            decimates: see ``full_reference``.
            transforms: whether the whole image is transformed.
            deep: the steps of a deep metric.
            digest: digest of the file that describes the metric, if there is one.
        """
        functools.update_wrapper(self, declared)
        self.info, self.deep, self.digest = info, deep, digest
        self.images, self.arrays = IMAGES[info.kind], arrays
        first = len(self.images) + (deep is not None)
        signature = inspect.signature(declared)
        taken = dict(signature.parameters)
        self.any_size = taken.pop("extent", None) is not None
        # No option of a call: the program for any size gives it.
        self.__signature__ = signature.replace(parameters=list(taken.values()))
        self.options = tuple(taken)[first:]
        self._decimates, self.transforms = decimates, transforms
        self._min_side = min_side_for or (lambda **_: info.min_side)
        if deep is None:
            self.core: Callable[..., Any] = declared
            self.compiled = _compiled(declared, self.options, arrays, at_once)

    def min_side(self, **options: Any) -> int:
        """The smallest shorter side in pixels that it accepts with these options.

        Raises:
            ValueError: an option has a value that it does not accept.
        """
        if self.deep is not None:
            return self.deep.spec_for(**options).min_side
        return self._min_side(**options)

    def decimates(self, **options: Any) -> bool:
        """Whether images are first divided by a factor that follows from their size.

        A program for any size is then one for any size of one factor.
        """
        if callable(self._decimates):
            return self._decimates(**options)
        return self._decimates

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Array:
        """Score images ``[..., H, W, C]``."""
        images, given = args, kwargs
        if given or len(images) != len(self.images):
            images, given = self.sorted_arguments(images, given)
        checked = self.checked_images(images, given)
        chosen = {
            k: v if v is None else as_array(v, k) if k in self.arrays else hashable(v)
            for k, v in given.items()
        }
        return self.compiled(*checked, **chosen)

    def sorted_arguments(
        self, images: tuple[Any, ...], given: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Separate the images of a call, which may be named too, from its options.

        Raises:
            TypeError: a wrong number of images, or an unknown option.
        """
        options = dict(given)
        absent = self.images[len(images) :]
        images = (*images, *(options.pop(n) for n in absent if n in options))
        self.check_count(images)
        self.check_options(options)
        return images, options

    def checked_images(
        self, images: Sequence[Any], options: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """The images as arrays, after a check that these options accept them.

        Raises:
            TypeError: a wrong number of images.
            ValueError: an image is invalid or too small, or the shapes or devices of a
                pair differ.
        """
        check_process()
        self.check_count(images)
        light = self.info.takes_light
        checked = tuple(
            _checked(image, name, light)
            for image, name in zip(images, self.images, strict=True)
        )
        if len(checked) == 2:
            check_same_shape(*checked)
            check_same_devices(*checked)
        check_min_side(
            checked[0].shape,
            self.min_side(**options),
            self.info.name,
            self.info.min_side_of,
        )
        return checked

    def check_count(self, images: Sequence[Any]) -> None:
        """Raise ``TypeError`` for a wrong number of images."""
        if len(images) != len(self.images):
            first = "" if self.deep is None else "the parameters, then "
            count = len(self.images)
            raise TypeError(
                f"{self.info.name}() takes {first}{count} image{'s' * (count > 1)} "
                f"({', '.join(self.images)}) and options by keyword, got "
                f"{len(images)} where the images come"
            )

    def check_options(self, given: Mapping[str, Any]) -> None:
        """Raise ``TypeError`` for an unknown option."""
        others = sorted(set(given) - set(self.options))
        if others:
            hint = did_you_mean(others[0], self.options) if len(others) == 1 else ""
            raise TypeError(
                f"{self.info.name}() has no option {', '.join(others)}{hint} (options: "
                f"{', '.join(self.options) or 'none'})"
            )

    def __repr__(self) -> str:
        """The kind of the metric, and how to call it."""
        called = [
            parameter.replace(annotation=parameter.empty)
            for parameter in inspect.signature(self).parameters.values()
        ]
        return f"<jiqa metric {self.info.name}{inspect.Signature(called)}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle and copy it by name: in its module, or that of its file."""
        return self.__qualname__ if self.remade_by is None else self.remade_by


def _compiled(
    core: Callable[..., Any],
    options: tuple[str, ...],
    arrays: tuple[str, ...],
    at_once: bool,
) -> Callable[..., Any]:
    static = tuple(option for option in options if option not in arrays)

    @functools.partial(jax.jit, static_argnames=static)
    def compiled(*images: Any, **given: Any) -> Any:
        batched = {k: given.pop(k) for k in arrays if given.get(k) is not None}
        one = functools.partial(core, **given)
        return over_batch(one, images, batched, at_once=at_once)

    return compiled


def full_reference(
    *,
    arrays: tuple[str, ...] = (),
    min_side_for: Callable[..., int] | None = None,
    at_once: bool = False,
    decimates: bool | Callable[..., bool] = False,
    transforms: bool = False,
    **fields: Any,
) -> Callable[[Callable[Arguments, Any]], Metric[Arguments]]:
    """Turn a function ``(reference, distorted, *, options)`` into a metric.

    Args:
        arrays: names of options that are arrays ``[..., H, W]`` (masks), batched
            along with the images; every other option is static and hashable.
        min_side_for: gives the minimum side for the options of a call, where it is
            not always ``min_side``.
        at_once: whether the function takes leading dimensions itself; a batch is then
            computed as one on the CPU too, which suits a single pass over the samples.
        decimates: whether it first divides an image by ``factor_of`` it, or what says
            so for the options of a call.
        transforms: whether it transforms the whole image after that.
        **fields: the fields of ``Info`` except ``name``, which is the function's, and
            ``kind``.
    """

    def made(core: Callable[Arguments, Any]) -> Metric[Arguments]:
        info = Info(name=core.__name__, kind="full-reference", **fields)
        return Metric(
            core,
            info,
            arrays=arrays,
            min_side_for=min_side_for,
            at_once=at_once,
            decimates=decimates,
            transforms=transforms,
        )

    return made


def no_reference(
    **fields: Any,
) -> Callable[[Callable[Arguments, Any]], Metric[Arguments]]:
    """Turn a function ``(image, *, options)`` into a metric; see ``full_reference``."""

    def made(core: Callable[Arguments, Any]) -> Metric[Arguments]:
        return Metric(core, Info(name=core.__name__, kind="no-reference", **fields))

    return made


def _checked(x: Any, name: str, light: bool) -> Any:
    if was_checked(x):
        return x
    image = as_image(x, name)
    (check_light if light else check_range)(image, name)
    return image
