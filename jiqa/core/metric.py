"""What a metric promises (``Info``) and the door that holds it to that.

A metric is written as a pure function of single images ``[H, W, C]`` in [0, 1]. The
decorator ``full_reference`` turns it into the public function: it checks the input,
takes any leading dimensions, uint8/uint16 and half precision, and compiles once per
shape and set of options. Inside the caller's own ``jit``, ``grad`` or ``vmap`` it is
transparent.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import jax

from jiqa.checks import did_you_mean, hashable
from jiqa.core.batching import over_batch
from jiqa.core.feature_spec import Learned
from jiqa.core.images import (
    as_image,
    check_min_side,
    check_range,
    check_same_shape,
    was_checked,
)


@dataclass(frozen=True, kw_only=True)
class Info:
    """What is known about a metric; printed by ``jiqa metrics``, held by the tests.

    Attributes:
        name: the name that ``jiqa.load`` and the command line take.
        title: the name in words.
        kind: ``"full-reference"`` or ``"no-reference"``.
        direction: ``"higher"`` if a higher value is better, else ``"lower"``.
        range: smallest and largest possible value.
        identity: value of two identical images; ``None`` if that is not one value.
        symmetric: whether reference and distorted may change places.
        min_side: smallest shorter side in pixels, with default options.
        colour: ``"luma"`` (RGB is reduced to grey), ``"rgb"`` (colour is used; grey
            counts as three equal channels) or ``"channels"`` (every sample alike).
        citation: authors, title, where, year, DOI.
        fidelity: ``"authors-code"``, ``"paper"`` or ``"reconstruction"``.
        fidelity_note: what proves it, to what tolerance, or what was guessed.
        maps: what the per-pixel map of ``output="map"`` holds: ``"similarity"`` (high
            where the images agree) or ``"difference"``; ``None`` if it has no map.
        weights: names of the weights it needs; empty for a classical metric.
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
    weights: tuple[str, ...] = ()


class Metric(Protocol):
    """A public metric: callable on arrays, with its ``info`` and ``core``.

    ``core`` is the function as written, for one image (pair) ``[H, W, C]`` in [0, 1]
    of at least float32; use it to build on a metric inside another one.
    ``min_side(**options)`` is the smallest shorter side that it takes. ``images``
    are the names of its images, ``options`` of all options, ``arrays`` of those that
    are arrays. ``learned`` is there for a metric with learned parameters, whose
    ``core`` takes them first.
    """

    info: Info
    core: Callable[..., Any]
    min_side: Callable[..., int]
    images: tuple[str, ...]
    options: tuple[str, ...]
    arrays: tuple[str, ...]
    learned: Learned | None
    __name__: str

    def __call__(self, *images: Any, **options: Any) -> Any:
        """Score images ``[..., H, W, C]``."""
        ...


def full_reference(
    *,
    arrays: tuple[str, ...] = (),
    min_side_for: Callable[..., int] | None = None,
    at_once: bool = False,
    **fields: Any,
) -> Callable[[Callable[..., Any]], Metric]:
    """Make a metric of a function ``(reference, distorted, *, options)``.

    Args:
        arrays: names of options that are arrays ``[..., H, W]`` (masks), batched
            along with the images; every other option is static and hashable.
        min_side_for: gives the minimum side for the options of a call, where it is
            not always ``min_side``.
        at_once: the function takes leading dimensions itself; a batch is then computed
            as one on the CPU too, which suits a single pass over the samples.
        **fields: the fields of ``Info`` but ``name`` and ``kind``; ``name`` is the
            function's.
    """
    names = ("reference", "distorted")
    return _decorator(names, "full-reference", arrays, min_side_for, at_once, fields)


def no_reference(**fields: Any) -> Callable[[Callable[..., Any]], Metric]:
    """Make a metric of a function ``(image, *, options)``; see ``full_reference``."""
    return _decorator(("image",), "no-reference", (), None, False, fields)


def _decorator(
    names: tuple[str, ...],
    kind: Any,
    arrays: tuple[str, ...],
    min_side_for: Callable[..., int] | None,
    at_once: bool,
    fields: dict[str, Any],
) -> Callable[[Callable[..., Any]], Metric]:
    def wrap(core: Callable[..., Any]) -> Metric:
        info = Info(name=core.__name__, kind=kind, **fields)
        min_side = min_side_for or (lambda **_: info.min_side)
        options = tuple(inspect.signature(core).parameters)[len(names) :]
        static = tuple(o for o in options if o not in arrays)

        @functools.partial(jax.jit, static_argnames=static)
        def compiled(*images: Any, **given: Any) -> Any:
            batched = {k: given.pop(k) for k in arrays if given.get(k) is not None}
            one = functools.partial(core, **given)
            return over_batch(one, images, batched, at_once=at_once)

        @functools.wraps(core)
        def metric(*images: Any, **given: Any) -> Any:
            if given or len(images) != len(names):
                images, given = bind(info.name, names, options, images, given)
            checked = checked_images(images, [(public, given)])
            return compiled(*checked, **{k: hashable(v) for k, v in given.items()})

        public = cast(Any, metric)
        public.info, public.core, public.compiled = info, core, compiled
        public.images, public.options, public.arrays = names, options, arrays
        public.min_side, public.learned = min_side, None
        return cast(Metric, public)

    return wrap


def bind(
    metric: str,
    names: tuple[str, ...],
    options: tuple[str, ...],
    images: tuple[Any, ...],
    given: dict[str, Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Sort the arguments of a call, images by name too, and name what is wrong."""
    given = dict(given)
    images = (*images, *(given.pop(n) for n in names[len(images) :] if n in given))
    _check_count(metric, names, images)
    check_options(metric, options, given)
    return images, given


def _check_count(metric: str, names: Sequence[str], images: Sequence[Any]) -> None:
    if len(images) != len(names):
        raise TypeError(
            f"{metric}() takes {len(names)} images ({', '.join(names)}) and options "
            f"by keyword, got {len(images)} positional arguments"
        )


def checked_images(
    images: Sequence[Any], entries: Sequence[tuple[Metric, Mapping[str, Any]]]
) -> tuple[Any, ...]:
    """The images as arrays, once they are fit for all ``entries`` (of one kind).

    Raises:
        TypeError: not as many images as the metrics take.
        ValueError: an image that is none, a pair of two shapes, or one too small.
    """
    names = entries[0][0].images
    _check_count(entries[0][0].info.name, names, images)
    checked = tuple(map(_checked, images, names))
    if len(checked) == 2:
        check_same_shape(*checked)
    for metric, given in entries:
        check_min_side(checked[0].shape, metric.min_side(**given), metric.info.name)
    return checked


def _checked(x: Any, name: str) -> Any:
    if was_checked(x):
        return x
    image = as_image(x, name)
    check_range(image, name)
    return image


def check_options(
    metric: str, options: Sequence[str], given: Mapping[str, Any]
) -> None:
    """Raise ``TypeError`` for an option that the metric does not have."""
    others = sorted(set(given) - set(options))
    if others:
        hint = did_you_mean(others[0], options) if len(others) == 1 else ""
        raise TypeError(
            f"{metric}() has no option {', '.join(others)}{hint} (options: "
            f"{', '.join(options) or 'none'})"
        )
