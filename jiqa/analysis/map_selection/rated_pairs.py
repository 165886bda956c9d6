"""The rated pairs of a prepared data set, as a selection of maps needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from jiqa.analysis.map_selection.pair_stream import Pair
from jiqa.data.user_tables.resolve import notes_of_users, resolved
from jiqa.errors import UsageError
from jiqa.evaluation.score_dataset import fingerprint
from jiqa.evaluation.score_datasets import open_parts


@dataclass(frozen=True)
class RatedPairs:
    """Pairs of images with their subjective scores.

    Attributes:
        spec: the part of a data set that they are, as it was asked for.
        pairs: ``(reference, distorted)`` of each.
        names: of the distorted images.
        references: of each pair the reference's key.
        scores: subjective scores ``[pairs]``.
        better: whether ``"higher"`` or ``"lower"`` scores are better.
        left_out: images that have no score, no reference, or cannot be read.
        fingerprint: digest of images and scores.
        notes: how a table of the user was read.
    """

    spec: str
    pairs: Sequence[Pair]
    names: Sequence[str]
    references: Sequence[str]
    scores: np.ndarray
    better: Literal["higher", "lower"]
    left_out: Sequence[str]
    fingerprint: str
    notes: Sequence[str] = ()


def open_rated_pairs(spec: str, data_dir: str | None = None) -> RatedPairs:
    """The rated pairs of a prepared set, or of a table.

    Args:
        spec: ``NAME``, ``NAME/CONFIG:SPLIT`` and so on, see ``jiqa.data.splits``; or
            the path of a table, which is prepared if it is not yet.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.

    Raises:
        UsageError: no such set, one that is not prepared, or none with scores and
            references.
    """
    try:
        spec = resolved(spec, data_dir)
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    (part,) = open_parts([spec], data_dir)
    dataset = part.dataset
    fit, left_out = [], []
    for entry in part.entries:
        usable = entry.reference and entry.score is not None and entry.shape
        (fit if usable else left_out).append(entry)
    if not fit:
        raise UsageError(
            f"{spec}: none of {len(part.entries)} images has a score, a reference and "
            "readable pixels"
        )
    assert dataset.scale is not None
    pairs = []
    for entry in fit:
        reference = dataset.reference(entry)
        assert reference is not None
        pairs.append((reference, dataset.image(entry)))
    return RatedPairs(
        spec=spec,
        pairs=pairs,
        names=[e.name for e in fit],
        references=[e.reference for e in fit],
        scores=np.array([e.score for e in fit], np.float64),
        better=dataset.scale.direction,
        left_out=[e.name for e in left_out],
        fingerprint=fingerprint(part),
        notes=notes_of_users([dataset]),
    )
