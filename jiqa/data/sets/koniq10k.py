"""KonIQ-10k: 10,073 photographs as they are found, each rated by about 120 people.

Its two tables disagree about ``MOS``: in ``koniq10k_scores_and_distributions.csv`` it
is the mean of the votes from 1 to 5, and ``MOS_zscore`` the other scale of 0 to 100; in
``koniq10k_distributions_sets.csv``, which also has the official division, ``MOS`` is
that other scale. Either table is enough: the mean of the votes follows from their
shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import Folder, enter
from jiqa.data.archives.label_files import number, read_csv
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError

_SCORES = "koniq10k_scores_and_distributions.csv"
_SETS = "koniq10k_distributions_sets.csv"
_BINS = ("c1", "c2", "c3", "c4", "c5")

#: The table's word for a set of the official division, and ours.
_SPLITS = {"training": "train", "validation": "validation", "test": "test"}


class Koniq10k(QualityDataset):
    """KonIQ-10k at 1024x768, as its archives unpack side by side."""

    INFO = Info(
        title="KonIQ-10k",
        kind="authentic",
        layout=f"""\
1024x768/10004473376.jpg  photographs
{_SETS}  image_name, c1 to c5, SD, MOS, set
{_SCORES}  or this: MOS_zscore, no set""",
        citation=(
            "Hosu, Lin, Sziranyi, Saupe: KonIQ-10k: an ecologically valid database for "
            "deep learning of blind image quality assessment. IEEE Transactions on "
            "Image Processing 29, 2020. doi:10.1109/TIP.2020.2967829"
        ),
        homepage="https://database.mmsp-kn.de/koniq-10k-database.html",
        scales={
            "mos": Scale(
                "MOS",
                "higher",
                1.0,
                5.0,
                deviation="ratings",
                note="mean of the votes from 1 to 5",
            ),
            "zscore": Scale(
                "MOS",
                "higher",
                0.0,
                100.0,
                note="from each rater's z-scores, scaled to 0 to 100",
            ),
        },
        images=10073,
        histogram=(1.0, 2.0, 3.0, 4.0, 5.0),
    )

    def read(self, root: Path) -> Contents:
        """Find the images that the table names."""
        folder = enter(root, "koniq10k")
        labels = folder.find(_SETS) or folder.need(_SCORES)
        rows = read_csv(labels, ("image_name", *_BINS)) if labels.is_file() else []
        records = [self._record(folder, labels, row) for row in rows]
        folder.check(self.INFO.layout)
        note = f"no {_SETS}: no official split into train, validation and test"
        divided = any(record.split for record in records)
        return Contents(records, notes=() if divided else (note,))

    def _record(self, folder: Folder, labels: Path, row: Mapping[str, str]) -> Record:
        name = row["image_name"]
        votes = [number(row[c], f"{labels}, {c} of {name}") for c in _BINS]
        if sum(votes) <= 0:
            raise LayoutError(f"{labels}: {name} has no votes")
        spread = row.get("SD") if self.config == "mos" else None
        group = row.get("set", "")
        if group and group not in _SPLITS:
            raise LayoutError(
                expected(
                    f"{labels}, set of {name}",
                    f"one of {', '.join(_SPLITS)}",
                    repr(group),
                )
            )
        return Record(
            image=folder.need(f"1024x768/{name}"),
            name=name,
            score=_score(row, votes, self.config, f"{labels}, MOS of {name}"),
            deviation=number(spread, f"{labels}, SD of {name}") if spread else None,
            histogram=votes,
            split=_SPLITS.get(group, ""),
        )


def _score(
    row: Mapping[str, str], votes: list[float], config: str, where: str
) -> float:
    if config == "mos":
        return sum(v * n for v, n in enumerate(votes, 1)) / sum(votes)
    return number(row.get("MOS_zscore") or row.get("MOS"), where)
