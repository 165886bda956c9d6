"""The result of a selection: a few feature maps that make one score together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.analysis.map_selection.combination import combined
from jiqa.checks import expected
from jiqa.core.metric import hashable
from jiqa.io.atomic import write_text
from jiqa.ops.logistic import logistic_about

_FORMAT = "jiqa selected feature maps"
_VERSION = 1


@dataclass(frozen=True)
class Selection:
    """Feature maps in the order in which they were chosen.

    Every figure is in-sample: of the images that the maps were chosen on.

    Attributes:
        selected: columns of the map scores.
        curve: the criterion after each step.
        alone: the criterion of each chosen map by itself.
        all_maps: the criterion of all usable maps combined.
        maps: how many maps there were.
        images: how many images there were.
        criterion: what was maximised.
        combine: how the maps' scores become one.
        direction: as it was asked for.
        rises: whether the combined score rises with the subjective ones.
        names: the chosen maps' names.
        layers: their layers, if known.
        numbers: their numbers within their layers, from 0, if known.
        unusable: maps that could not be chosen, by column, and why.
        mapping: b1 to b5 of the logistic from the combined to the subjective scores.
        middle: of the range of the combined scores that it was fitted to; the curve is
            computed relative to its value there.
        network: the network that the maps are of, if known.
        metric: the metric on the maps, if known.
        options: the options of that metric.
    """

    selected: tuple[int, ...]
    curve: tuple[float, ...]
    alone: tuple[float, ...]
    all_maps: float
    maps: int
    images: int
    criterion: str
    combine: str
    direction: str
    rises: bool
    names: tuple[str, ...]
    layers: tuple[str, ...] | None
    numbers: tuple[int, ...] | None
    unusable: Mapping[int, str]
    mapping: tuple[float, ...]
    middle: float
    network: str | None = None
    metric: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The criterion with all chosen maps."""
        return self.curve[-1]

    def combined(self, map_scores: Any) -> np.ndarray:
        """Combine the chosen maps' scores.

        Args:
            map_scores: scores ``[..., maps]`` with the columns of the selection.

        Returns:
            Scores ``[...]``.
        """
        values = np.asarray(map_scores)
        if values.shape[-1] != self.maps:
            wanted = f"shape [..., {self.maps}], all maps that were chosen from"
            raise ValueError(expected("map_scores", wanted, f"{values.shape}"))
        return combined(values[..., list(self.selected)], self.combine, self.layers)

    def predicted(self, map_scores: Any) -> np.ndarray:
        """Predict subjective scores from the combined score."""
        scores = self.combined(map_scores)
        return logistic_about(scores, self.mapping, self.middle)

    def described(self, network: str, metric: str, **options: Any) -> Selection:
        """Return the same with the network and the metric on its maps named."""
        return replace(self, network=network, metric=metric, options=options)

    def by_layer(self) -> dict[str, list[int]]:
        """Return numbers of the chosen maps by layer, layers as first chosen."""
        if self.layers is None or self.numbers is None:
            raise ValueError("the layers of the maps are unknown: select with layers=")
        found: dict[str, list[int]] = {layer: [] for layer in self.layers}
        for layer, number in zip(self.layers, self.numbers, strict=True):
            found[layer].append(number)
        return found

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the selection as JSON; write it to ``path`` if one is given."""
        content = {"format": _FORMAT, "version": _VERSION}
        content |= {f.name: getattr(self, f.name) for f in fields(self)}
        if self.layers is not None:
            content["by_layer"] = self.by_layer()  # for other readers
        text = json.dumps(content, indent=1) + "\n"
        if path is not None:
            write_text(path, text)
        return text

    @classmethod
    def from_json(cls, source: str | Path) -> Selection:
        """Read what ``to_json`` wrote: a path, or the text itself.

        Raises:
            ValueError: another file, or one of another version.
        """
        text = str(source)
        if isinstance(source, Path) or not text.lstrip().startswith("{"):
            text = Path(source).read_text(encoding="utf-8")
        try:
            content = json.loads(text)
            kind = content.get("format"), content.get("version")
        except (ValueError, AttributeError):
            kind, content = None, {}
        if kind != (_FORMAT, _VERSION):
            raise ValueError(
                expected(
                    "text",
                    "a selection of feature maps as Selection.to_json writes it, "
                    f'"format": "{_FORMAT}", "version": {_VERSION}',
                    f"{text[:40]!r}...",
                )
            )
        if "middle" not in content and "mapping" in content:
            # Written before it was kept: the curve's own middle is near the scores.
            content["middle"] = content["mapping"][2]
        wanted = [f.name for f in fields(cls)]
        lacking = [name for name in wanted if name not in content]
        if lacking:
            raise ValueError(f"a selection of feature maps lacks {', '.join(lacking)}")
        given: dict[str, Any] = {name: hashable(content[name]) for name in wanted}
        given["options"] = {k: hashable(v) for k, v in given["options"].items()}
        given["unusable"] = {int(k): v for k, v in given["unusable"].items()}
        return cls(**given)

    def __str__(self) -> str:
        """The steps as a table, with what all maps reach and what was left out."""
        lines = [f"{'maps':>4}  {'added':<16}{'alone':>8}  {self.criterion}"]
        steps = zip(self.names, self.alone, self.curve, strict=True)
        for count, (name, alone, value) in enumerate(steps, 1):
            lines.append(f"{count:>4}  {name:<16}{alone:>8.4f}  {value:.4f}")
        usable = self.maps - len(self.unusable)
        lines.append(f"{usable:>4}  {'all':<24}  {self.all_maps:.4f}")
        if self.unusable:
            lines.append(
                f"{len(self.unusable)} maps are constant or not finite: left out"
            )
        lines.append(f"in-sample, {self.images} images")
        return "\n".join(lines)
