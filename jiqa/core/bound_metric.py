"""A metric with its options: one column of a table, one member of a group."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jiqa.checks import hashable
from jiqa.core.feature_spec import FeatureSpec, Options
from jiqa.core.images import as_array
from jiqa.core.metric import Metric
from jiqa.ops.extent import Extent

#: Arrays by flat key, by the name of their set of weights.
Params = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class BoundMetric:
    """A metric with its options.

    Attributes:
        metric: the metric.
        options: the options that are set; the others have their defaults.
    """

    metric: Metric[Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without what is derived."""
        return BoundMetric, (self.metric, dict(self.options))

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.metric.info.name

    @property
    def label(self) -> str:
        """The column's name, which includes the options that are set."""
        inside = ", ".join(f"{k}={v}" for k, v in self.options.items())
        return f"{self.name}({inside})" if inside else self.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it fills: one, or with ``output="all"`` one for each."""
        outputs = self.metric.outputs
        if not outputs or self.options.get("output") != "all":
            return (self.label,)
        others = {k: v for k, v in self.options.items() if k != "output"}
        label = BoundMetric(self.metric, others).label
        return (label, *(f"{label}_{output}" for output in outputs[1:]))

    def with_all_outputs(self) -> BoundMetric:
        """The same metric with a column for each output, unless one was chosen."""
        if not self.metric.outputs or "output" in self.options:
            return self
        return BoundMetric(self.metric, {**self.options, "output": "all"})

    @property
    def identity(self) -> str:
        """All that determines its values but weights: two files may share a name."""
        return " ".join(filter(None, (self.label, self.metric.digest)))

    @property
    def needs_reference(self) -> bool:
        """Whether the metric compares with a reference."""
        return self.metric.info.kind == "full-reference"

    def taken(self, images: Sequence[Any]) -> Sequence[Any]:
        """Those of a pair, reference first, or of one image, that the metric takes."""
        return images if self.needs_reference else images[-1:]

    @property
    def min_side(self) -> int:
        """The smallest shorter side in pixels that the metric accepts.

        Raises:
            ValueError: an option has a value that it does not accept.
        """
        return self.metric.min_side(**self.options)

    @property
    def any_size(self) -> bool:
        """Whether one program can score images of many sizes (see ``any_size``)."""
        numbers = self.options.get("output", "score") in ("score", "all")
        whole = not self.masks and numbers
        if self.metric.deep is not None:
            return whole and self.metric.deep.any_size(self.deep_options)
        return whole and self.metric.any_size

    @property
    def any_size_map(self) -> bool:
        """Whether one program can make the maps of images of many sizes.

        Sample by sample from the first row and column on: what belongs to the image is
        as large as the map of the image alone.
        """
        classical = self.metric.deep is None and not self.masks
        wanted = self.options.get("output") == "map"
        return wanted and classical and self.metric.any_size

    def fits(self, height: int, width: int) -> bool:
        """Whether a deep metric's network takes images of that size.

        To be asked of images, and of the arrays that a program for any size takes them
        in: such a program does not see that the exact one would be refused.
        """
        return self.spec is None or self.spec.fits(height, width)

    @functools.cached_property
    def masks(self) -> dict[str, Any]:
        """The options that are arrays."""
        arrays = self.metric.arrays
        return {
            n: as_array(v, n)
            for n, v in self.options.items()
            if n in arrays and v is not None
        }

    @functools.cached_property
    def deep_options(self) -> Options:
        """All options of a deep metric, as one frozen object."""
        assert self.metric.deep is not None
        return self.metric.deep.with_defaults(self.options)

    @property
    def spec(self) -> FeatureSpec | None:
        """What a deep metric needs; ``None`` for a classical one.

        Raises:
            ValueError: an option has a value that it does not accept.
        """
        deep = self.metric.deep
        return None if deep is None else deep.spec(self.deep_options)

    def flat_params(self, params: Params) -> dict[str, Any]:
        """The parameters that a deep metric needs, as one flat dictionary."""
        assert self.spec is not None
        found: dict[str, Any] = {}
        for name in self.spec.weights:
            start = f"{name}/" if self.spec.apart else ""
            found |= {f"{start}{key}": value for key, value in params[name].items()}
        return found

    def features(self, params: Params, image: Any) -> Any:
        """The features that a deep metric computes from one image ``[H, W, C]``."""
        assert self.metric.deep is not None
        flat = self.flat_params(params)
        return self.metric.deep.features(flat, self.deep_options, image)

    def compare(self, params: Params, *features: Any) -> Any:
        """The score of a deep metric from the features of one image, or of a pair."""
        assert self.metric.deep is not None
        flat = self.flat_params(params)
        return self.metric.deep.compare(flat, self.deep_options, *features)

    def score(
        self,
        params: Params,
        *images: Any,
        extent: Extent | None = None,
        **masks: Any,
    ) -> Any:
        """Score one image ``[H, W, C]``, or a pair; to be traced inside ``jit``.

        Args:
            params: parameters by set and key; a classical metric needs none.
            *images: in [0, 1], reference first.
            extent: what of the arrays is the image, if that is not all.
            **masks: the options that are arrays, for these images.
        """
        if self.metric.deep is not None:
            flat = self.flat_params(params)
            return self.metric.deep.score(
                flat, self.deep_options, *images, extent=extent
            )
        plain = {k: hashable(v) for k, v in self.options.items() if k not in self.masks}
        if extent is not None:
            plain["extent"] = extent
        return self.metric.core(*images, **plain, **masks)
