"""PASCAL VOC 2012: 17,125 photographs, treated as undistorted, not rated."""

from __future__ import annotations

from pathlib import Path

from jiqa.data.archives.folder import Folder
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record
from jiqa.io.walk import walk_images

_PLACES = (
    "JPEGImages",
    "VOC2012/JPEGImages",
    "VOCdevkit/VOC2012/JPEGImages",
    "VOCtrainval_11-May-2012/VOCdevkit/VOC2012/JPEGImages",
)


class Voc(QualityDataset):
    """The photographs of PASCAL VOC 2012, material for ranking.

    They are camera JPEGs from Flickr: pristine only as far as DBCNN and RankIQA take
    them for it. The annotations are not read.
    """

    INFO = Info(
        title="PASCAL VOC 2012",
        kind="pristine",
        layout=(
            "VOCdevkit/VOC2012/JPEGImages/2007_000027.jpg  the photographs; the "
            "folders\n"
            "    around JPEGImages may be missing"
        ),
        citation=(
            "Everingham, Van Gool, Williams, Winn, Zisserman: The PASCAL visual object "
            "classes (VOC) challenge. International Journal of Computer Vision 88, "
            "2010. doi:10.1007/s11263-009-0275-4"
        ),
        homepage="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
        images=17125,
        licence="photographs from Flickr, under Flickr's terms of use",
    )

    def read(self, root: Path) -> Contents:
        """Every JPEG file in ``JPEGImages``."""
        folder = Folder(root)
        place = folder.need(*_PLACES)
        images = walk_images(place, (".jpg", ".jpeg")).files
        if place.is_dir() and not images:
            folder.miss("a .jpg file in JPEGImages")
        folder.check(self.INFO.layout)
        return Contents([Record(path, name=path.name, level=0) for path in images])
