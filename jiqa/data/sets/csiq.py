"""CSIQ: 30 references, 6 types of distortion, 866 rated images."""

from __future__ import annotations

from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import enter
from jiqa.data.archives.label_files import number, read_sheet
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError

#: What the sheet calls a type: what it is, its folder, its word in file names.
_TYPES = {
    "noise": ("white noise", "awgn", "AWGN"),
    "jpeg": ("JPEG compression", "jpeg", "JPEG"),
    "jpeg 2000": ("JPEG2000 compression", "jpeg2000", "jpeg2000"),
    "fnoise": ("pink noise", "fnoise", "fnoise"),
    "blur": ("Gaussian blur", "blur", "BLUR"),
    "contrast": ("contrast decrements", "contrast", "contrast"),
}

_SHEET = "all_by_image"
_COLUMNS = ("image", "dst_type", "dst_lev", "dmos_std", "dmos")


class Csiq(QualityDataset):
    """CSIQ as its archives unpack, the two of images and the sheet side by side."""

    INFO = Info(
        title="CSIQ",
        kind="full-reference",
        layout="""\
csiq.DMOS.xlsx            sheet all_by_image: image, dst_type, dst_lev, dmos_std, dmos
src_imgs/1600.png         references
dst_imgs/awgn/1600.AWGN.1.png  likewise blur, contrast, fnoise, jpeg, jpeg2000""",
        citation=(
            "Larson, Chandler: Most apparent distortion: full-reference image quality "
            "assessment and the role of strategy. Journal of Electronic Imaging 19(1), "
            "2010. doi:10.1117/1.3267105"
        ),
        homepage="https://s2.smu.edu/~eclarson/csiq.html",
        scales={"": Scale("DMOS", "lower", 0.0, 1.0, deviation="ratings")},
        images=866,
        references=30,
        distortions=tuple(what for what, _, _ in _TYPES.values()),
    )

    def read(self, root: Path) -> Contents:
        """Find the images that the sheet names."""
        folder = enter(root, "csiq")
        sheet = folder.need("csiq.DMOS.xlsx")
        records = []
        references: dict[str, Path] = {}
        rows = read_sheet(sheet, _SHEET, _COLUMNS) if sheet.is_file() else []
        for row in rows:
            key, kind = row["image"].lower(), row["dst_type"].lower()
            if kind not in _TYPES:
                raise LayoutError(
                    expected(
                        f"{sheet}, dst_type",
                        f"one of {', '.join(_TYPES)}",
                        repr(row["dst_type"]),
                    )
                )
            what, place, word = _TYPES[kind]
            level = int(number(row["dst_lev"], f"{sheet}, dst_lev of {key}"))
            name = f"{key}.{word}.{level}.png"
            if key not in references:
                references[key] = folder.need(f"src_imgs/{key}.png")
            records.append(
                Record(
                    image=folder.need(f"dst_imgs/{place}/{name}", f"dst_imgs/{name}"),
                    name=name,
                    reference=key,
                    score=number(row["dmos"], f"{sheet}, dmos of {name}"),
                    deviation=number(row["dmos_std"], f"{sheet}, dmos_std of {name}"),
                    distortion=what,
                    level=level,
                )
            )
        folder.check(self.INFO.layout)
        return Contents(records, references)
