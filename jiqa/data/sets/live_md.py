"""LIVE multiply distorted: 15 references, 450 images rated in two studies.

Part 1 is blur followed by JPEG, part 2 blur followed by noise; each strength from 0 to
3, so that a part also holds images with only one of the two. The images with blur
alone are in both parts, and were rated twice.
"""

from __future__ import annotations

from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import Folder, enter
from jiqa.data.archives.label_files import numbers, read_matlab, texts
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError

#: Part, its folder of images, what was done to them.
_PARTS = (
    (1, "blurjpeg", "blur and JPEG compression"),
    (2, "blurnoise", "blur and noise"),
)


class LiveMd(QualityDataset):
    """The LIVE multiply distorted database as its archive unpacks."""

    INFO = Info(
        title="LIVE Multiply Distorted",
        kind="full-reference",
        layout="""\
Part 1/blurjpeg/babygirl_blur1_jpeg2.bmp  and babygirl.bmp, its reference
Part 1/Imagelists.mat     refimgs, distimgs, ref4dist
Part 1/Scores.mat         DMOSscores
Part 2/blurnoise/, Imagelists.mat, Scores.mat  likewise""",
        citation=(
            "Jayaraman, Mittal, Moorthy, Bovik: Objective quality assessment of "
            "multiply distorted images. Asilomar Conference on Signals, Systems and "
            "Computers 2012. doi:10.1109/ACSSC.2012.6489321"
        ),
        homepage="https://live.ece.utexas.edu/research/Quality/live_multidistortedimage.html",
        scales={
            "": Scale(
                "DMOS",
                "lower",
                0.0,
                100.0,
                note="the two parts are two studies; level is not given, since an "
                "image has two, in its name",
            )
        },
        images=450,
        references=15,
        distortions=tuple(what for _, _, what in _PARTS),
    )

    def read(self, root: Path) -> Contents:
        """Find the images that the two parts' lists name."""
        folder = enter(root, "LIVEmultidistortiondatabase", "To_Release")
        records: list[Record] = []
        references: dict[str, Path] = {}
        for part, place, what in _PARTS:
            for name, key, score in _rows(folder, part):
                at = [f"Part {part}/{place}", f"Part_{part}/{place}"]
                at.append(f"Part{part}/{place}")
                if key not in references:
                    choices = [*(f"{x}/{key}.bmp" for x in at), f"Ref_Images/{key}.bmp"]
                    references[key] = folder.need(*choices)
                records.append(
                    Record(
                        image=folder.need(*(f"{x}/{name}" for x in at)),
                        name=f"{place}/{name}",
                        reference=key,
                        score=score,
                        distortion=what,
                    )
                )
        folder.check(self.INFO.layout)
        return Contents(records, references)


def _rows(folder: Folder, part: int) -> list[tuple[str, str, float]]:
    """File name, reference's key and score of each image of a part."""
    places = [f"Part {part}", f"Part_{part}", f"Part{part}"]
    lists = folder.need(*(f"{place}/Imagelists.mat" for place in places))
    scores = folder.need(*(f"{place}/Scores.mat" for place in places))
    if not lists.is_file() or not scores.is_file():
        return []
    cells = read_matlab(lists, "refimgs", "distimgs", "ref4dist")
    keys = [Path(name).stem for name in texts(cells[0])]
    names, which = texts(cells[1]), [int(n) for n in numbers(cells[2])]
    values = numbers(*read_matlab(scores, "DMOSscores"))
    if not len(names) == len(which) == len(values):
        raise LayoutError(
            expected(
                f"{lists.parent}",
                "as many numbers of references and scores as images",
                f"{len(names)} images, {len(which)} numbers of references and "
                f"{len(values)} scores",
            )
        )
    if which and not 1 <= min(which) <= max(which) <= len(keys):
        raise LayoutError(f"{lists}: ref4dist exceeds the {len(keys)} references")
    return [
        (name, keys[n - 1], value)
        for name, n, value in zip(names, which, values, strict=True)
    ]
