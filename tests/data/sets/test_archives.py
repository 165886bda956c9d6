"""Each data set end to end on a miniature archive in its official layout."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from jiqa.data.sets import all_datasets, ava
from jiqa.data.store import builder
from jiqa.errors import LayoutError
from jiqa.io.decode import read_image
from tests.helpers.data_archives import picture, pictures, refused, through, write

# AVA ----------------------------------------------------------------------------------


def _ava(root: Path, images: int, gone: tuple[int, ...] = ()) -> None:
    lines = [
        # A line of the real file, then others like it.
        "1 953619 0 1 5 17 38 36 15 6 5 1 1 22 1396 ",
        *(
            f"{n + 1} {1000 + n} {n % 3} 0 0 0 9 1 0 0 0 {n % 2} 0 0 7"
            for n in range(1, images)
        ),
    ]
    write(root / "AVA.txt", "\r\n".join(lines) + "\r\n")
    names = [953619, *(1000 + n for n in range(1, images))]
    pictures(root, [f"images/{n}.jpg" for n in names if n not in gone])


def test_ava(tmp_path):
    root = tmp_path / "ava"
    _ava(root, 6, gone=(1002, 1005))
    write(root / "aesthetics_image_lists/generic_test.jpgl", "1001\n1003\n99\n")
    dataset = through("ava", root, tmp_path)
    assert sorted(dataset.splits) == ["test", "train"]
    assert [e.name for e in dataset.entries("test")] == ["1001.jpg", "1003.jpg"]
    first = dataset.entries("train")[0]
    votes = [0, 1, 5, 17, 38, 36, 15, 6, 5, 1]
    votes_cast = np.repeat(np.arange(1, 11), votes)
    assert first.name == "953619.jpg"
    assert first.score == pytest.approx(votes_cast.mean(), rel=1e-12)
    assert first.deviation == pytest.approx(votes_cast.std(), rel=1e-12)
    stored = dataset.records("train").read(first.position)
    assert list(stored["histogram"]) == votes
    assert dataset.info.histogram == tuple(map(float, range(1, 11)))
    assert dataset.notes == [
        "images of AVA.txt that are missing: 2 (1002.jpg, 1005.jpg)"
    ]


def test_ava_without_lists_or_under_another_folder_has_no_split(tmp_path):
    _ava(tmp_path, 3)
    (tmp_path / "images").rename(tmp_path / "inner")
    (tmp_path / "images").mkdir()
    (tmp_path / "inner").rename(tmp_path / "images/images")
    contents = builder("ava", tmp_path).contents(tmp_path)
    assert [r.split for r in contents.records] == ["", "", ""]
    assert contents.notes == []


def test_ava_that_lacks_more_than_the_site_has_lost(tmp_path, monkeypatch):
    _ava(tmp_path, 8, gone=tuple(range(1001, 1005)))
    monkeypatch.setattr(ava, "KNOWN_GONE", 3)
    message = refused("ava", tmp_path, "images/1001.jpg", "images/1004.jpg")
    assert "4 missing" in message


def test_ava_nothing_there_or_a_line_cut_off(tmp_path):
    refused("ava", tmp_path, "2 missing", "AVA.txt", "image/ or images/images/")
    _ava(tmp_path, 2)
    write(tmp_path / "AVA.txt", "1 953619 0 1 5 17 38 36 15 6 5 1 1 22\n")
    refused("ava", tmp_path, "line 1", "ten counts of votes")
    write(tmp_path / "AVA.txt", "1 953619 0 0 0 0 0 0 0 0 0 0 1 22 3\n")
    refused("ava", tmp_path, "line 1")


# Restoration, comparisons -------------------------------------------------------------


def _pipal(root: Path) -> None:
    rows = [(c, k, n) for c in (1, 248) for k in range(7) for n in (0, 11)]
    for c, k, n in rows:
        part = 1 + k % 4
        picture(root / f"Distortion_{part}/A{c:04d}_{k:02d}_{n:02d}.bmp", c + k + n)
    for c in (1, 248):
        picture(root / f"Train_Ref/A{c:04d}.bmp", c)
        text = "".join(
            f"A{c:04d}_{k:02d}_{n:02d}.bmp,{1500 - 10 * k - n}.25\n"
            for d, k, n in rows
            if d == c
        )
        write(root / f"Train_Label/A{c:04d}.txt", text)


def test_pipal(tmp_path):
    root = tmp_path / "pipal"
    _pipal(root)
    dataset = through("pipal", root, tmp_path)
    assert dataset.splits == ["train"]
    assert len(dataset.entries()) == 28
    entry = next(e for e in dataset.entries() if e.name == "A0248_04_11.bmp")
    assert (entry.score, entry.reference) == (1449.25, "A0248")
    assert entry.distortion == "GAN-based super-resolution"
    assert entry.level is None
    stored = read_image(dataset.image(entry))
    assert (stored == read_image(root / "Distortion_1/A0248_04_11.bmp")).all()


def test_pipal_one_part_not_unpacked(tmp_path):
    _pipal(tmp_path)
    for path in (tmp_path / "Distortion_2").iterdir():
        path.unlink()
    message = refused("pipal", tmp_path, "Distortion_1/A0001_01_00.bmp")
    assert "8 missing" in message
    write(tmp_path / "Train_Label/A0001.txt", "A0001_07_00.bmp,3\n")
    refused("pipal", tmp_path, "00 to 06")


def _pieapp(root: Path) -> None:
    for split, number in (("train", 1), ("val", 141), ("test", 161)):
        folder = f"distorted_images/{split}/ref_{number}"
        kind = "_inter" if split != "test" else ""
        names = [f"distort_{number}_motionBlur{kind}_{i}.png" for i in (1, 5)] + [
            f"distort_{number}_superRes_Zeyde{kind}_2.png"
        ]
        pictures(root, [f"{folder}/{name}" for name in names])
        picture(root / f"reference_images/{split}/ref_{number}.png")
        # Columns begin with a space in the archive.
        pairs = (
            "ref_image, distorted image A, distorted image B, raw preference for A, "
            "processed preference for A\n"
        )
        for a, b in ((0, 1), (0, 2), (1, 2)):
            pairs += f"ref_{number}.png, {names[a]}, {names[b]}, , 0.4\n"
        if split == "test":
            pairs += f"ref_{number}.png, ref_{number}.png, {names[0]}, 0.9, \n"
            scores = "ref_image, distorted image, score for distorted image\n"
            scores += f"ref_{number}.png, ref_{number}.png, 0\n"
            for n, name in enumerate(names):
                scores += f"ref_{number}.png, {name}, {1.5 + n}\n"
            write(root / f"labels/test/ref_{number}_per_image_score.csv", scores)
        write(root / f"labels/{split}/ref_{number}_pairwise_labels.csv", pairs)


def test_pieapp(tmp_path):
    root = tmp_path / "PieAPP_dataset_CVPR_2018"
    _pieapp(root)
    dataset = through("pieapp", tmp_path, tmp_path)
    assert dataset.splits == ["train", "val", "test"]
    assert [e.score for e in dataset.entries("train")] == [None] * 3
    assert [e.score for e in dataset.entries("test")] == [1.5, 2.5, 3.5]
    assert dataset.scale.direction == "lower"
    kinds = [e.distortion for e in dataset.entries("val")]
    assert kinds == ["motionBlur", "motionBlur", "superRes_Zeyde"]
    assert set(dataset.references) == {"ref_1", "ref_141", "ref_161"}


def test_pieapp_labels_of_a_split_missing(tmp_path):
    _pieapp(tmp_path)
    (tmp_path / "labels/test/ref_161_per_image_score.csv").unlink()
    (tmp_path / "reference_images/val/ref_141.png").unlink()
    refused(
        "pieapp",
        tmp_path,
        "labels/test/ref_<number>_per_image_score.csv",
        "reference_images/val/ref_141.png",
        "2 missing",
    )


# Photographs --------------------------------------------------------------------------


def _biq2021(root: Path) -> None:
    train = ["ss03 (3753).jpg", "ss02 (1014).jpg"]
    pictures(
        root, [f"Images/{n}" for n in (train[0], "ss02 (1014).JPG", "ss01 (4).jpg")]
    )
    rows = "".join(f"{name},0.{n + 1}471,,\n" for n, name in enumerate(train))
    write(root / "Train (Images and MOS).csv", "Image Name,MOS,,\n" + rows)
    write(root / "Test (Images and MOS).csv", "Image Name,MOS\nss01 (4).jpg,0.7321\n")


def test_biq2021(tmp_path):
    root = tmp_path / "BIQ2021"
    _biq2021(root)
    dataset = through("biq2021", root, tmp_path)
    assert [e.score for e in dataset.entries("train")] == [0.1471, 0.2471]
    assert [e.score for e in dataset.entries("test")] == [0.7321]
    # The label says .jpg, the file .JPG.
    entry = dataset.entries("train")[1]
    assert entry.name == "ss02 (1014).jpg" and entry.problem == ""
    (root / "Test (Images and MOS).csv").unlink()
    (root / "Images/ss03 (3753).jpg").unlink()
    refused("biq2021", root, "2 missing", "Test (Images", "ss03 (3753).jpg")


def _waterloo(root: Path, keys=("00001", "04744")) -> None:
    pictures(root, [f"pristine_images/{key}.bmp" for key in keys])
    pictures(
        root,
        [
            f"distorted_images/{kind}/{key}_{number}_{level}.png"
            for number, kind in enumerate(("GBLUR", "AWGN", "JPEG", "JP2K"), 1)
            for key in keys
            for level in range(1, 6)
        ],
    )


def test_waterloo(tmp_path):
    root = tmp_path / "exploration_database_and_code"
    _waterloo(root)
    dataset = through("waterloo", tmp_path, tmp_path)
    assert len(dataset.entries()) == 40
    assert dataset.scale is None
    entry = dataset.entries()[-1]
    assert (entry.name, entry.reference) == ("JP2K/04744_4_5.png", "04744")
    assert (entry.distortion, entry.level, entry.score) == ("JP2K", 5, None)


def test_waterloo_as_it_unpacks_before_the_generator_has_run(tmp_path):
    pictures(tmp_path, ["pristine_images/00001.bmp"])
    refused("waterloo", tmp_path, "distorted_images/GBLUR", "distorted_images/JP2K")
    _waterloo(tmp_path, ("00001",))
    (tmp_path / "distorted_images/JPEG/00001_3_4.png").unlink()
    message = refused("waterloo", tmp_path, "JPEG/00001_3_4.png")
    assert "1 missing" in message


@pytest.mark.parametrize(
    "place",
    ["", "VOC2012", "VOCdevkit/VOC2012", "VOCtrainval_11-May-2012/VOCdevkit/VOC2012"],
)
def test_voc(place, tmp_path):
    root = tmp_path / "voc"
    names = ["2007_000027.jpg", "2012_004331.jpg"]
    pictures(root / place, [f"JPEGImages/{name}" for name in names])
    write(root / place / "Annotations/2007_000027.xml", "<annotation/>")
    contents = builder("voc", tmp_path).contents(root)
    assert [r.name for r in contents.records] == names
    assert {r.level for r in contents.records} == {0}


def test_voc_end_to_end_and_empty(tmp_path):
    pictures(tmp_path / "voc", ["JPEGImages/2007_000027.jpg"])
    assert through("voc", tmp_path / "voc", tmp_path).info.kind == "pristine"
    (tmp_path / "voc/JPEGImages/2007_000027.jpg").unlink()
    refused("voc", tmp_path / "voc", "a .jpg file")
    (tmp_path / "voc/JPEGImages").rmdir()
    refused("voc", tmp_path / "voc", "VOCdevkit/VOC2012/JPEGImages")


def test_folder(tmp_path):
    root = tmp_path / "my photos"
    pictures(root, ["b.png", "deep/er/a.jpg", "deep/c.tif", ".hidden/x.png"])
    pictures(root, ["__MACOSX/b.png"])
    write(root / "readme.txt", "no image")
    (root / "loop").symlink_to(root)
    dataset = through("folder", root, tmp_path)
    assert dataset.name == "folder/my_photos"
    assert [e.name for e in dataset.entries()] == [
        "b.png",
        "deep/c.tif",
        "deep/er/a.jpg",
    ]
    write(root / "a torn.png", "not an image")
    torn = through("folder/with-torn", root, tmp_path)
    problems = {e.name: bool(e.problem) for e in torn.entries()}
    assert problems["a torn.png"] and not problems["b.png"]


def test_folder_without_images(tmp_path):
    refused("folder/none", tmp_path, "an image file")
    with pytest.raises(LayoutError, match="is not a folder"):
        builder("folder/none", tmp_path).contents(tmp_path / "absent")


def test_every_set_of_these_says_what_it_is():
    for name in (
        "ava biq2021 cid_gd folder kadis700k pieapp pipal scid siqad table voc waterloo"
    ).split():
        info = all_datasets()[name].INFO
        assert info.title and info.layout
        for scale in info.scales.values():
            assert math.isfinite(scale.low) and scale.low < scale.high
        if name not in ("table", "folder"):
            assert info.citation and info.homepage.startswith("http")
