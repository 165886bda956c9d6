"""Synthetic distortions: the generators of published data sets.

Example:
    >>> import jax, numpy as np
    >>> from jiqa.distortions import distort
    >>> image = np.full((64, 64, 3), 128, np.uint8)
    >>> noisy = distort(image, "rankiqa_live/gaussian_noise", 2, jax.random.key(0))
    >>> noisy.shape
    (64, 64, 3)
"""

from jiqa.distortions.distort import distort as distort
from jiqa.distortions.kinds import Kind as Kind
from jiqa.distortions.registry import all_sets as all_sets
from jiqa.distortions.registry import get_kind as get_kind
from jiqa.distortions.registry import list_kinds as list_kinds

__all__ = ["Kind", "all_sets", "distort", "get_kind", "list_kinds"]
