"""Any folder of undistorted photographs: material for ranking and for calibration."""

from __future__ import annotations

from pathlib import Path

from jiqa.data.archives.folder import Folder as Found
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record
from jiqa.io.names import as_text
from jiqa.io.walk import walk_images


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
        """Every image file; see ``jiqa.io.walk`` for what is passed over."""
        found = Found(root)
        walk = walk_images(found.root)
        if not walk.files:
            found.miss("an image file")
        found.check(self.INFO.layout)
        return Contents(
            [
                Record(
                    path, name=as_text(path.relative_to(found.root).as_posix()), level=0
                )
                for path in walk.files
            ],
            notes=[walk.note()] if walk.passed_over else [],
        )
