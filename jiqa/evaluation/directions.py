"""The direction of a metric, by its name."""

from __future__ import annotations

import functools
import re
from typing import Literal

Direction = Literal["higher", "lower"]


def known_direction(metric: str) -> Direction | None:
    """Return whether higher or lower values are better; ``None`` for an unknown name.

    Options in brackets, capitals and punctuation do not matter: ``MS-SSIM`` and
    ``ms_ssim(sigma=2)`` are ``ms_ssim``.
    """
    return _directions().get(_plain(metric))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.split("(")[0].lower())


@functools.cache
def _directions() -> dict[str, Direction]:
    from jiqa.metrics import all_metrics

    return {_plain(n): m.info.direction for n, m in all_metrics().items()}
