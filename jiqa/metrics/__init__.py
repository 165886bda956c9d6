"""The metrics, one (or one family) a file: ``from jiqa.metrics import ssim``.

A file takes part by being here: ``jiqa.catalogue`` finds every function in it that
``full_reference`` or ``no_reference`` has decorated. Files carry the long name so that
the short one stays free for the function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jiqa.contract import Metric


def __getattr__(name: str) -> Metric:
    from jiqa.catalogue import all_metrics

    if not name.startswith("_") and name in all_metrics():
        return all_metrics()[name]
    raise AttributeError(f"module 'jiqa.metrics' has no metric {name!r}")


def __dir__() -> list[str]:
    from jiqa.catalogue import all_metrics

    return list(all_metrics())
