"""Maps of metrics in the report of scores: where images are unlike their reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jiqa.core.metric import Info
from jiqa.report.pictures import heat_map, thumbnail
from jiqa.scoring.score_maps import Mapped

#: Of the values of a metric's maps, what lies beyond is drawn like these percentiles.
_ALL_BUT = (0.5, 99.9)
#: The longer side of a distorted image in pixels.
_SIDE = 384


def maps_section(
    images: Sequence[Mapped], infos: Mapping[str, Info], which: str = ""
) -> dict[str, Any]:
    """Draw maps for ``jiqa.report.scores.write_report``.

    All maps of a metric have one scale, from the least to the largest value of these
    images but for outliers, bright where the images are alike; metrics whose authors
    have a scale of their own (``Info.map_range``) are drawn by that.

    Args:
        images: images with their maps.
        infos: of each label of the maps.
        which: says which images these are; put before the explanation.
    """
    scales = {
        label: _scale(info, [image.maps[label] for image in images])
        for label, info in infos.items()
    }
    groups = []
    for image in images:
        figures = []
        if image.pixels is not None:
            address = thumbnail(image.pixels, _SIDE)
            figures.append({"address": address, "name": "distorted", "note": ""})
        for label, (low, high, colours, note) in scales.items():
            address = heat_map(image.maps[label], low, high, colours)
            figures.append({"address": address, "name": label, "note": note})
        groups.append({"title": image.name, "pictures": figures})
    return {
        "title": "Where the metrics see the difference",
        "text": f"{which} Maps of the metrics, dark where the images differ unless the "
        "scale below a map says otherwise. The score is the mean of the map, or "
        "another pooling. A map has the resolution at which its metric works.".strip(),
        "figures": groups,
    }


def _scale(info: Info, maps: Sequence[np.ndarray]) -> tuple[float, float, str, str]:
    """The values at both ends of a colour scale, its name, and what is said of it."""
    if info.map_range is not None:
        low, high = info.map_range
        return low, high, "magma", f"{low:.3g} (dark, alike) to {high:.3g} (bright)"
    low, high = (
        float(v)
        for v in np.percentile(np.concatenate([*map(np.ravel, maps)]), _ALL_BUT)
    )
    if info.maps == "similarity":
        return low, high, "magma", f"{high:.3g} (bright, alike) to {low:.3g} (dark)"
    return low, high, "magma_r", f"{low:.3g} (bright, alike) to {high:.3g} (dark)"
