"""PieAPP: 200 references, 20,280 distorted images, compared in pairs."""

from __future__ import annotations

import re
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import Folder, enter
from jiqa.data.archives.label_files import number, read_csv
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError

_SPLITS = ("train", "val", "test")
_NAME = re.compile(r"distort_(\d+)_(.+?)(?:_(inter|intra))?_(\d+)\.png", re.IGNORECASE)


class Pieapp(QualityDataset):
    """PieAPP with the official split into training, validation and test.

    Only the test images have scores; those of the other two splits were compared in
    pairs, and are here without a score: the probabilities of preference stay in the
    archive's tables. The number at the end of a name distinguishes realisations of a
    type and is no strength: levels are unknown.
    """

    INFO = Info(
        title="PieAPP",
        kind="full-reference",
        layout=(
            "reference_images/train/ref_1.png     likewise val, test\n"
            "distorted_images/train/ref_1/distort_1_..._inter_5.png  likewise\n"
            "labels/train/ref_1_pairwise_labels.csv   likewise val\n"
            "labels/test/ref_161_per_image_score.csv  reference, image, score"
        ),
        citation=(
            "Prashnani, Cai, Mostofi, Sen: PieAPP: perceptual image-error assessment "
            "through pairwise preference. CVPR 2018. doi:10.1109/CVPR.2018.00194"
        ),
        homepage="https://github.com/prashnani/PerceptualImageError",
        scales={
            "": Scale(
                "DMOS",
                "lower",
                0.0,
                7.9,
                note=(
                    "how unlike its reference an image is, estimated from choices "
                    "between pairs; 0 is the reference itself, 7.9 the largest in the "
                    "data; test images only"
                ),
            )
        },
        images=20280,
        references=200,
        licence="for non-commercial and educational purposes only",
    )

    def read(self, root: Path) -> Contents:
        """Find the images that the tables in ``labels`` name."""
        folder = enter(root, "PieAPP_dataset_CVPR_2018")
        records: list[Record] = []
        references: dict[str, Path] = {}
        for split in _SPLITS:
            ending = "_per_image_score" if split == "test" else "_pairwise_labels"
            tables = [
                path
                for path in folder.images(f"labels/{split}", (".csv",))
                if path.stem.endswith(ending)
            ]
            if not tables:
                folder.miss(f"labels/{split}/ref_<number>{ending}.csv")
            for path in sorted(tables, key=lambda p: (len(p.name), p.name)):
                key = path.stem.removesuffix(ending)
                references[key] = folder.need(f"reference_images/{split}/{key}.png")
                records += _records(folder, split, key, _rows(path, split))
        folder.check(self.INFO.layout)
        return Contents(records, references)


def _rows(path: Path, split: str) -> dict[str, float | None]:
    """Images of a table in the order of their first line, with their scores.

    The archive's columns begin with a space (``" distorted image A"``), and the one
    of the test tables' images is called in two ways.
    """
    if split != "test":
        rows = read_csv(path, ("distorted image A", "distorted image B"))
        names = [row[f"distorted image {x}"] for row in rows for x in "AB"]
        return dict.fromkeys(names)
    found: dict[str, float | None] = {}
    for row in read_csv(path, ()):
        name = next((v for k, v in row.items() if k.startswith("distorted image")), "")
        score = next((v for k, v in row.items() if k.startswith("score")), "")
        if not name:
            wanted = "columns distorted image and score for distorted image"
            raise LayoutError(expected(f"{path}", wanted, f"{', '.join(row)}"))
        found[name] = number(score, f"{path}, {name}")
    return found


def _records(
    folder: Folder, split: str, key: str, rows: dict[str, float | None]
) -> list[Record]:
    records = []
    for name, score in rows.items():
        if name.lower() == f"{key}.png".lower():
            continue  # the reference was compared with its distorted versions too
        match = _NAME.fullmatch(name)
        if match is None:
            raise LayoutError(
                expected(
                    f"{folder.root}, labels of {key}",
                    "a name such as distort_1_motionBlur_inter_5.png",
                    repr(name),
                )
            )
        records.append(
            Record(
                image=folder.need(f"distorted_images/{split}/{key}/{name}"),
                name=name,
                reference=key,
                score=score,
                distortion=match[2],
                split=split,
            )
        )
    return records
