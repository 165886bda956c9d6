"""LIVE in the Wild Image Quality Challenge: 1,162 photographs, rated by crowds.

Seven more, t1 to t7, only trained the raters; they head the label files and are left
out.
"""

from __future__ import annotations

import re
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import enter
from jiqa.data.archives.label_files import numbers, read_matlab, texts
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError

_TRAINING = re.compile(r"t\d+\.\w+", re.IGNORECASE)
_FILES = ("AllImages_release", "AllMOS_release", "AllStdDev_release")


class LiveChallenge(QualityDataset):
    """The LIVE Challenge database as its archive unpacks."""

    INFO = Info(
        title="LIVE in the Wild Image Quality Challenge",
        kind="authentic",
        layout="""\
Images/1.bmp              photographs, some .JPG
Data/AllImages_release.mat  their names, the first seven only for training raters
Data/AllMOS_release.mat   scores in the same order
Data/AllStdDev_release.mat  deviations likewise""",
        citation=(
            "Ghadiyaram, Bovik: Massive online crowdsourced study of subjective and "
            "objective picture quality. IEEE Transactions on Image Processing 25(1), "
            "2016. doi:10.1109/TIP.2015.2500021"
        ),
        homepage="https://live.ece.utexas.edu/research/ChallengeDB/index.html",
        scales={"": Scale("MOS", "higher", 0.0, 100.0, deviation="ratings")},
        images=1162,
        licence="free to use with acknowledgement of LIVE, The University of Texas",
    )

    def read(self, root: Path) -> Contents:
        """Find the images that the label files name."""
        folder = enter(root, "ChallengeDB_release")
        files = {name: folder.need(f"Data/{name}.mat") for name in _FILES}
        if any(not path.is_file() for path in files.values()):
            folder.check(self.INFO.layout)
        columns = [read_matlab(path, name)[0] for name, path in files.items()]
        names, scores = texts(columns[0]), numbers(columns[1])
        spreads = numbers(columns[2])
        if not len(names) == len(scores) == len(spreads):
            raise LayoutError(
                expected(
                    f"{folder.root}/Data",
                    "as many scores and deviations as names",
                    f"{len(names)} names, {len(scores)} scores and {len(spreads)} "
                    "deviations",
                )
            )
        records = [
            Record(
                image=folder.need(f"Images/{name}"),
                name=name,
                score=score,
                deviation=spread,
            )
            for name, score, spread in zip(names, scores, spreads, strict=True)
            if not _TRAINING.fullmatch(name)
        ]
        folder.check(self.INFO.layout)
        return Contents(records)
