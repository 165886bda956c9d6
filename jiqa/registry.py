"""Metrics by name: those of ``jiqa.metrics``, and those that a file describes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, overload

from jax import Array

from jiqa.checks import expected, one_of, unknown
from jiqa.core.any_size_metric import AnySize
from jiqa.core.bound_metric import BoundMetric
from jiqa.core.loaded import Loaded
from jiqa.core.metric import Info, Metric
from jiqa.metrics import all_metrics

#: A module by prefix. It has ``make(name, file) -> Metric``, where ``file`` is what
#: follows the colon, which raises ``ValueError`` for a file that describes none; the
#: metric's ``digest`` is of all in the file that decides values.
MAKERS: Mapping[str, str] = MappingProxyType(
    {
        "run": "jiqa.training.run_metric",
        "selected": "jiqa.analysis.map_selection.selected_metric",
        "selector": "jiqa.selectors.metric",
    }
)

#: What to begin with, also called ``recommended``: of metrics that compare with a
#: reference the usual ones and the best of the fast ones; those that need none.
RECOMMENDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "full-reference": (
            *("psnr", "ssim", "ms_ssim", "gmsd"),
            *("haarpsi", "mdsi", "vsi"),
        ),
        "no-reference": ("brisque", "niqe", "piqe"),
    }
)


def listed_name(name: str) -> str:
    """A metric's name as it is listed: ``MS-SSIM`` is ``ms_ssim``.

    A name that is not listed comes back as it is.
    """
    plain = name.strip().lower().replace("-", "_")
    return plain if plain in all_metrics() else name


def get_metric(name: str) -> Metric:
    """The public function of one metric, also of one that a file describes.

    Capitals do not count, and ``-`` counts as ``_``.

    Raises:
        ValueError: no such metric; names the closest ones. Or a file that is not
            there, or describes none.
    """
    metrics = all_metrics()
    if (listed := listed_name(name)) in metrics:
        return metrics[listed]
    if (named := named_metric(name)) is not None:
        return named
    raise ValueError(unknown("metric", name, metrics, "jiqa metrics lists them all"))


def bound_metric(name: str, options: Mapping[str, Any] | None = None) -> BoundMetric:
    """A metric by name, with its options.

    Raises:
        ValueError: see ``get_metric``.
    """
    return BoundMetric(get_metric(name), dict(options or {}))


def list_metrics(
    *, kind: str | None = None, classical: bool | None = None
) -> list[str]:
    """Names of the metrics.

    Args:
        kind: only ``"full-reference"`` or ``"no-reference"`` ones.
        classical: ``True`` for those that need no learned weights, ``False`` for
            those that do.
    """
    return [
        name
        for name, metric in all_metrics().items()
        if (kind is None or metric.info.kind == kind)
        and (classical is None or classical == (not metric.info.weights))
    ]


@overload
def load(
    name: str,
    *,
    weights_folder: Path | str | None = None,
    checked: bool = False,
    sizes: Literal["exact"] = "exact",
    **options: Any,
) -> Loaded[Array, Info]: ...


@overload
def load(
    name: Sequence[str],
    *,
    weights_folder: Path | str | None = None,
    checked: bool = False,
    sizes: Literal["exact"] = "exact",
) -> Loaded[dict[str, Array], dict[str, Info]]: ...


@overload
def load(
    name: str,
    *,
    weights_folder: Path | str | None = None,
    checked: bool = False,
    sizes: Literal["any"],
    **options: Any,
) -> AnySize[Array, Info]: ...


@overload
def load(
    name: Sequence[str],
    *,
    weights_folder: Path | str | None = None,
    checked: bool = False,
    sizes: Literal["any"],
) -> AnySize[dict[str, Array], dict[str, Info]]: ...


def load(
    name: str | Sequence[str],
    *,
    weights_folder: Path | str | None = None,
    checked: bool = False,
    sizes: str = "exact",
    **options: Any,
) -> Loaded[Any, Any] | AnySize[Any, Any]:
    """Return a compiled callable for one metric or for several in one pass.

    Args:
        name: a metric's name, or a sequence of names (also ``"run:FOLDER"``,
            ``"selected:maps.json"``, see ``jiqa.registry``); several
            full-reference metrics share what they compute alike (luma, pyramids,
            filtered fields).
        weights_folder: where to look first for the weights of metrics that need some;
            see ``jiqa.weights.load``.
        checked: whether values outside [0, 1] are found inside ``jit``, ``grad`` and
            ``vmap`` too: by ``checkify.check``, so that a program that calls the metric
            has to be wrapped by ``jax.experimental.checkify.checkify``. (Of JAX 0.10
            that fails for batches that are sharded by explicit axes.)
        sizes: ``"exact"``: a program is compiled for every size of images, the
            fastest where sizes are few. ``"any"``: images of all sizes share a few
            programs, and lists of images of different sizes may be scored in one call;
            see ``jiqa.core.any_size_metric.AnySize``.
        **options: the metric's keyword options; not with several names.

    Raises:
        ValueError: unknown name, names of different kinds, or unknown ``sizes``.
        TypeError: options together with several names.
        jiqa.weights.WeightsNotFound: weights that are nowhere; says where to put what.

    Example:
        >>> import jiqa, numpy as np
        >>> image = np.zeros((64, 64, 3), np.uint8)
        >>> float(jiqa.load("ssim")(image, image))
        1.0
    """
    one_of("sizes", sizes, "exact", "any")
    members = _members(name, options)
    single = isinstance(name, str)
    loaded: Loaded[Any, Any] = Loaded(
        members, single=single, folder=weights_folder, checked=checked
    )
    return AnySize(loaded) if sizes == "any" else loaded


def _members(
    name: str | Sequence[str], options: Mapping[str, Any]
) -> list[BoundMetric]:
    """The metrics of ``load``, all of one kind."""
    if isinstance(name, str):
        return [bound_metric(name, options)]
    if options:
        raise TypeError(
            "options can only be given with a single metric; load metrics that have "
            "options one by one"
        )
    members = [bound_metric(n) for n in dict.fromkeys(name)]
    kinds = sorted({member.metric.info.kind for member in members})
    if len(kinds) != 1:
        kind = "metrics that are all full-reference or all no-reference"
        raise ValueError(expected("name", kind, " and ".join(kinds) or "none"))
    return members


def named_metric(name: str) -> Metric | None:
    """The metric of a name with a known prefix, else ``None``.

    Raises:
        ValueError: a file that is not there, or describes no metric.
    """
    prefix, _, file = name.partition(":")
    if not file or prefix not in MAKERS:
        return None
    made: Metric = importlib.import_module(MAKERS[prefix]).make(name, file)
    made.remade_by = (_unchanged, (name, made.digest))
    return made


def _unchanged(name: str, digest: str) -> Metric:
    """Make the metric of a pickle from its file, which has to be the same still."""
    found = get_metric(name)
    if found.digest != digest:
        wanted = f"the file that it was pickled with ({digest[:12]})"
        raise ValueError(expected(name, wanted, f"another ({found.digest[:12]})"))
    return found


def identity(name: str) -> str:
    """A digest of what the file of a name says; empty for a name without prefix.

    Raises:
        ValueError: see ``named_metric``.
    """
    named = named_metric(name)
    return "" if named is None else named.digest
