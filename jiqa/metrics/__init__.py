"""The metrics, one (or one family) a file: ``from jiqa.metrics import ssim``.

The files of three folders (``full_reference``, ``deep``, ``no_reference``) are found by
themselves: ``all_metrics`` takes every function in them that has an ``info``. Functions
of sequences of frames, such as ``vmaf_frames``, are in ``jiqa.metrics.video``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jiqa.core.metric import Info, Metric
from jiqa.discovery import modules

#: The folders whose files are metrics.
FOLDERS = ("full_reference", "deep", "no_reference")


@functools.cache
def all_metrics() -> Mapping[str, Metric]:
    """Every metric found in ``jiqa.metrics``, by name, in alphabetical order."""
    found: dict[str, Metric] = {}
    for folder in FOLDERS:
        for _, module in modules(f"{__name__}.{folder}"):
            for value in vars(module).values():
                if isinstance(getattr(value, "info", None), Info):
                    found[value.info.name] = value
    return MappingProxyType(dict(sorted(found.items())))


def __getattr__(name: str) -> Any:
    if name == "__all__":  # found anew, as the metrics are
        return __dir__()
    if not name.startswith("_"):
        if name in all_metrics():
            return globals().setdefault(name, all_metrics()[name])
        import jiqa.metrics.video as video

        if name in video.__all__:
            return globals().setdefault(name, getattr(video, name))
    raise AttributeError(f"module 'jiqa.metrics' has no metric {name!r}")


def __dir__() -> list[str]:
    import jiqa.metrics.video as video

    return [*all_metrics(), *video.__all__, "all_metrics"]
