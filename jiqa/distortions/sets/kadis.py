"""The plan of KADIS-700k: which distortion each pristine photograph gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jiqa.checks import expected
from jiqa.distortions.sets.kadid10k import KINDS

SOURCE = (
    "Lin, Hosu, Saupe: DeepFL-IQA: weak supervision for deep IQA feature learning. "
    "arXiv:2001.08113 (2020), and the authors' generate_kadis700k.m with its table "
    "kadis700k_ref_imgs.csv: 140,000 photographs, one type each, five levels."
)


class Planned(NamedTuple):
    """One distorted image: ``distort(image of name, kind, level, key)``."""

    name: str
    kind: str
    level: int


def kadis_recipe(
    names: Iterable[str],
    seed: int,
    *,
    types: Sequence[int] = tuple(range(1, len(KINDS) + 1)),
) -> Iterator[Planned]:
    """Every photograph with one random type of KADID-10k's at all five levels.

    The type is drawn uniformly and independently, name after name; in the authors'
    table each of the 25 stands for about 5,600 of the 140,000 photographs.

    Args:
        names: of the pristine photographs, in the order that fixes the draws.
        seed: of the draws (NumPy's PCG64).
        types: KADID-10k's numbers of the types to draw from. The authors' table says
            "7,8" in place of 8, and their script reads 7: for their mixture replace
            the 8 by another 7.

    Yields:
        Five rows a name, weakest level first.

    Raises:
        ValueError: no types, or a number that is not one of a type.
    """
    wrong = [t for t in types if not 1 <= t <= len(KINDS)]
    if wrong or not types:
        wanted = f"at least one of 1 to {len(KINDS)}"
        raise ValueError(expected("types", wanted, f"{list(types)}"))
    draw = np.random.default_rng(seed)
    return _rows(names, draw, [KINDS[t - 1] for t in types])


def _rows(names: Iterable[str], draw: np.random.Generator, kinds) -> Iterator[Planned]:
    for name in names:
        kind = kinds[int(draw.integers(len(kinds)))]
        for level in range(1, len(kind.levels) + 1):
            yield Planned(name, f"kadid10k/{kind.name}", level)
