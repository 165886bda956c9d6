"""LIVE release 2: 29 references, 5 types of distortion, 779 rated images.

Its folders also hold 203 hidden references: undistorted images, shown for rating among
the others, whose difference score is zero by definition. They are records of level 0
without a type of distortion (``Entry.hidden_reference``); ``jiqa.data.splits.select``,
and so what evaluates, leaves them out unless asked.

A copy with some of the folders only is taken for what it is; a folder that is there
has to be whole. Where ``refimgs`` is not there, the hidden references stand in for it.
Many references derive from Kodak's photographs, as TID2008's and TID2013's do.
"""

from __future__ import annotations

from pathlib import Path

from jiqa.data.archives.folder import Folder, enter
from jiqa.data.archives.live_labels import FOLDERS, TABLE, Label, read_labels
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale


class Live(QualityDataset):
    """LIVE release 2 as its archive unpacks, whole or by folders."""

    INFO = Info(
        title="LIVE release 2",
        kind="full-reference",
        layout=f"""\
refimgs/bikes.bmp         references
jp2k/img1.bmp             to 227; likewise jpeg/ (233), wn/, gblur/, fastfading/ (174)
refnames_all.mat          reference of each image; or jp2k/info.txt, ...
dmos_realigned.mat        dmos_new, dmos_std, orgs, for the configuration realigned
dmos.mat                  dmos, orgs, for the configuration original
{TABLE}                or, instead of the three: image, reference, hidden, dmos,
                          dmos_realigned, dmos_realigned_std""",
        citation=(
            "Sheikh, Sabir, Bovik: A statistical evaluation of recent full reference "
            "image quality assessment algorithms. IEEE Transactions on Image "
            "Processing 15(11), 2006. doi:10.1109/TIP.2006.881959"
        ),
        homepage="https://live.ece.utexas.edu/research/quality/subjective.htm",
        scales={
            "realigned": Scale(
                "DMOS",
                "lower",
                -3.0,
                112.0,
                deviation="mean",
                note="scores of all studies on one scale; range of the data",
            ),
            "original": Scale(
                "DMOS", "lower", 0.0, 100.0, note="as released first, by study"
            ),
        },
        images=779,
        references=29,
        distortions=tuple(what for _, what in FOLDERS.values()),
        licence="free to use with acknowledgement of LIVE, The University of Texas",
    )

    def read(self, root: Path) -> Contents:
        """Find the images that the labels name, in the folders that are there."""
        folder = enter(root, "databaserelease2")
        labels = read_labels(folder, self.config)
        there = {kind: folder.find(kind) is not None for kind in FOLDERS}
        if labels and not any(there[label.folder] for label in labels):
            folder.need(*(f"{kind}/" for kind in FOLDERS))
        notes = []
        for kind, (count, what) in FOLDERS.items():
            if not there[kind]:
                notes.append(
                    f"no folder {kind}: its {count} images ({what}) are left out"
                )
        labels = [label for label in labels if there[label.folder]]
        records = [_record(folder, label) for label in labels]
        references, borrowed = _references(folder, labels)
        if borrowed:
            notes.append(
                f"no folder refimgs: {borrowed} references are copies of hidden ones"
            )
        folder.check(self.INFO.layout)
        return Contents(records, references, tuple(notes))


def _record(folder: Folder, label: Label) -> Record:
    return Record(
        image=folder.need(label.image),
        name=label.image,
        reference=Path(label.reference).stem,
        score=label.score,
        deviation=label.deviation,
        distortion="" if label.hidden else FOLDERS[label.folder][1],
        level=0 if label.hidden else None,
    )


def _references(folder: Folder, labels: list[Label]) -> tuple[dict[str, Path], int]:
    """The references by key, and how many of them are taken from hidden ones."""
    hidden = {lab.reference.lower(): lab.image for lab in labels if lab.hidden}
    whole = folder.find("refimgs") is not None
    found: dict[str, Path] = {}
    for name in dict.fromkeys(label.reference for label in labels):
        places = [f"refimgs/{name}"]
        if not whole and name.lower() in hidden:
            places.append(hidden[name.lower()])
        found[Path(name).stem] = folder.need(*places)
    return found, 0 if whole else len(found)
