"""Waterloo Exploration: 4,744 photographs, 94,880 distorted images, none rated."""

from __future__ import annotations

from pathlib import Path

from jiqa.data.archives.folder import enter
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record

#: Folders of ``distorted_images``, in the order of the numbers in the file names.
DISTORTIONS = ("GBLUR", "AWGN", "JPEG", "JP2K")
LEVELS = 5


class Waterloo(QualityDataset):
    """The Waterloo Exploration database, for the D-, L- and P-tests and for gMAD.

    Every photograph has each of four distortions at five levels; a copy where some of
    them are missing is rejected: the L-test needs whole ladders. Names are those of
    the list that the authors' laboratory publishes; the archive was not available. It
    holds the photographs and the generator; what that writes goes beside them.
    """

    INFO = Info(
        title="Waterloo Exploration",
        kind="full-reference",
        layout=(
            "pristine_images/00001.bmp  photographs 00001 to 04744\n"
            "distorted_images/GBLUR/00001_1_1.png  photograph, type, level; likewise\n"
            "    AWGN/00001_2_1.png, JPEG/00001_3_1.png and JP2K/00001_4_1.png"
        ),
        citation=(
            "Ma, Duanmu, Wu, Wang, Yong, Li, Zhang: Waterloo Exploration Database: New "
            "challenges for image quality assessment models. IEEE Transactions on "
            "Image Processing 26(2), 2017. doi:10.1109/TIP.2016.2631888"
        ),
        homepage="https://ece.uwaterloo.ca/~k29ma/exploration/",
        images=94880,
        references=4744,
        distortions=DISTORTIONS,
    )

    def read(self, root: Path) -> Contents:
        """Every photograph with its ladder of each distortion."""
        folder = enter(root, "exploration_database_and_code")
        references = {
            path.stem: path
            for path in folder.images("pristine_images", (".bmp", ".png"))
        }
        if not references:
            folder.need("pristine_images/00001.bmp")
        records = []
        for number, kind in enumerate(DISTORTIONS, 1):
            if folder.find(f"distorted_images/{kind}") is None:
                folder.miss(f"distorted_images/{kind}")
                continue
            for key in references:
                for level in range(1, LEVELS + 1):
                    name = f"{kind}/{key}_{number}_{level}"
                    path = folder.need(
                        f"distorted_images/{name}.png", f"distorted_images/{name}.bmp"
                    )
                    records.append(
                        Record(
                            image=path,
                            name=f"{name}{path.suffix}",
                            reference=key,
                            distortion=kind,
                            level=level,
                        )
                    )
        folder.check(self.INFO.layout)
        return Contents(records, references)
