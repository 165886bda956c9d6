"""Which metrics a run computes, and with which options."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from jiqa.checks import did_you_mean, expected
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.core.loaded import on_device, read_weights
from jiqa.core.metric_group import MetricGroup
from jiqa.errors import UsageError
from jiqa.registry import (
    RECOMMENDED,
    bound_metric,
    get_metric,
    list_metrics,
    listed_name,
)

#: Names that stand for several metrics.
BUNDLES = ("recommended", "all", "all-classical")


def choose(
    names: str,
    settings: Sequence[str],
    *,
    have_reference: bool,
    reference_from: str = "--reference FILE, --reference FOLDER or --pairs TABLE",
    weights: str | None = None,
    left_out: Callable[[str, str], None] = lambda metric, weights: None,
    light: bool = False,
) -> list[BoundMetric]:
    """Read a comma list of metrics and ``METRIC.OPTION=VALUE`` settings.

    Args:
        names: comma list, in capitals or not; ``all`` stands for every metric that
            can be computed on the input and whose weights are available,
            ``all-classical`` for those of them that need none, ``recommended`` for
            ``jiqa.registry.RECOMMENDED``.
        settings: options, such as ``ssim.downsample=auto``.
        have_reference: whether the images come with references.
        reference_from: the options that give references, for messages.
        weights: folder in which learned weights are looked for first.
        left_out: called for each metric that ``all`` omits, with the weights it lacks.
        light: whether metrics of linear light are allowed, without others beside them.

    Raises:
        UsageError: unknown metric, option or value; a metric that needs a reference
            where there is none; one of linear light where it is not allowed.
    """
    wanted: dict[str, None] = {}
    for name in (n.strip() for n in names.split(",")):
        if name.lower() in BUNDLES:
            wanted.update(
                dict.fromkeys(_bundle(name.lower(), have_reference, weights, left_out))
            )
        elif name:
            try:
                get_metric(name)
            except ValueError as error:
                raise UsageError(str(error)) from None
            wanted[listed_name(name)] = None
    if not wanted:
        raise UsageError("expected metrics, got none")
    options: dict[str, dict[str, Any]] = {name: {} for name in wanted}
    for setting in settings:
        name, option, value = _setting(setting)
        if name not in options:
            raise UsageError(
                f"--set {setting}: {name} is not among the requested metrics"
            )
        options[name][option] = value
    choices = [bound_metric(name, options[name]) for name in wanted]
    of_light = [c.name for c in choices if c.metric.info.takes_light]
    if of_light and not light:
        raise UsageError(
            f"{of_light[0]} takes arrays of linear light, which no image file that can "
            f"be read here holds: call jiqa.load({of_light[0]!r}) on arrays, or jiqa "
            "score on .hdr, .pfm and .exr files"
        )
    others = [c.name for c in choices if not c.metric.info.takes_light]
    if of_light and others:
        raise UsageError(
            f"{of_light[0]} takes files of linear light (.hdr, .pfm, .exr) and "
            f"{others[0]} sRGB images: score them in two runs"
        )
    alone = [c.name for c in choices if c.needs_reference and not have_reference]
    if alone:
        verb = "needs" if len(alone) == 1 else "need"
        raise UsageError(
            f"{', '.join(alone)} {verb} a reference: give {reference_from}"
        )
    return choices


def _bundle(
    name: str,
    have_reference: bool,
    weights: str | None,
    left_out: Callable[[str, str], None],
) -> Sequence[str]:
    """The metrics of a bundle that can be computed."""
    if name == "recommended":
        return RECOMMENDED["full-reference" if have_reference else "no-reference"]
    group = list_metrics(classical=True if name == "all-classical" else None)
    lacking = lacking_weights(weights) if name == "all" else {}
    for metric, missing in lacking.items():
        left_out(metric, missing)
    return [
        n
        for n in group
        if (have_reference or get_metric(n).info.kind == "no-reference")
        and n not in lacking
        # Files of 8 and 16 bits are no linear light.
        and not get_metric(n).info.takes_light
    ]


def lacking_weights(folder: str | None) -> dict[str, str]:
    """Return the metrics whose weights are missing, with the names of those weights."""
    from jiqa.weights import WeightsNotFound, find, get_set

    lacking = {}
    for name in list_metrics(classical=False):
        for wanted in get_metric(name).info.weights:
            try:
                find(get_set(wanted), folder)
            except WeightsNotFound:
                lacking[name] = wanted
    return lacking


def read_params(choices: Sequence[BoundMetric], folder: str | None) -> Params:
    """Read the learned parameters of all choices, by set and key.

    Raises:
        UsageError: weights that are nowhere, or a file that does not fit.
    """
    try:
        group = MetricGroup(choices)
        return on_device(read_weights(group, folder))
    except (FileNotFoundError, ValueError) as error:
        raise UsageError(str(error)) from None


def _shapes(group: MetricGroup) -> Params:
    import jax
    import jax.numpy as jnp

    from jiqa.weights.registry import get_set

    found: dict[str, dict[str, Any]] = {}
    for name in group.weights:
        wanted = get_set(name)
        shapes = {**wanted.shapes, **(wanted.extra if name in group.whole else {})}
        found[name] = {
            key: jax.ShapeDtypeStruct(shape, jnp.float32)
            for key, shape in shapes.items()
        }
    return found


def _setting(text: str) -> tuple[str, str, Any]:
    head, equals, value = text.partition("=")
    name, dot, option = head.strip().rpartition(".")  # a file's name has dots, too
    if not (equals and dot and name and option):
        raise UsageError(expected("--set", "METRIC.OPTION=VALUE", text))
    try:
        metric = get_metric(name)
    except ValueError as error:
        raise UsageError(f"--set {text}: {error}") from None
    name = listed_name(name)
    if option not in metric.options:
        hint = did_you_mean(option, metric.options, 1)
        raise UsageError(
            f"--set {text}: {name} has no option {option}{hint} "
            f"(options: {', '.join(metric.options) or 'none'})"
        )
    value = value.strip()
    # "2010" names a release where the default is text.
    default = inspect.signature(metric.core).parameters[option].default
    if isinstance(default, str):
        return name, option, value
    try:
        return name, option, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, option, value


def check_options(choices: Sequence[BoundMetric]) -> None:
    """Raise ``UsageError`` for an option value that a metric refuses.

    Traces each metric that has options on the smallest image it takes; computes
    nothing.
    """
    import jax
    import jax.numpy as jnp

    for choice in choices:
        if not choice.options:
            continue
        try:
            side = max(choice.min_side, 192)
            image = jax.ShapeDtypeStruct((side, side, 3), jnp.float32)
            group = MetricGroup([choice])
            reference = image if choice.needs_reference else None
            jax.eval_shape(group.scores, _shapes(group), reference, image)
        except (ValueError, TypeError) as error:
            raise UsageError(f"{choice.label}: {error}") from None
