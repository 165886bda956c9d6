"""Any folder of undistorted photographs: material for ranking and for calibration."""

from __future__ import annotations

from pathlib import Path

from jiqa.data.archives.folder import Folder as Found
from jiqa.data.archives.photographs import photographs
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record


class Folder(QualityDataset):
    """The image files in a folder and below it, named by their path in it.

    Prepared as ``folder/NAME``; without a name it gets the folder's.
    """

    NAMED = True
    INFO = Info(
        title="a folder of photographs",
        kind="pristine",
        layout="any/where/photograph.png  image files, in folders of any depth",
        citation="whoever took them",
        homepage="",
    )

    def read(self, root: Path) -> Contents:
        """Every file whose ending is that of an image."""
        found = Found(root)
        images = photographs(found.root)
        if not images:
            found.miss("an image file")
        found.check(self.INFO.layout)
        return Contents(
            [
                Record(path, name=path.relative_to(found.root).as_posix(), level=0)
                for path in images
            ]
        )
