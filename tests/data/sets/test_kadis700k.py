"""KADIS-700k: a plan, the authors' images where they are, others made on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jiqa.cli import main
from jiqa.data.archives.computed_images import Distorted
from jiqa.data.store import builder, prepare
from jiqa.distortions import distort
from jiqa.distortions.sets.kadis import kadis_recipe
from jiqa.io.decode import DecodeError, read_image
from tests.helpers.data_archives import picture, pictures, refused, through, write


def _archive(root: Path, table: str | None) -> Path:
    for n, name in enumerate(("a.png", "b.png")):
        picture(root / f"ref_imgs/{name}", n, (48, 64))
    if table is not None:
        write(root / "kadis700k_ref_imgs.csv", f"ref_im,dist_type_1\n{table}")
    return root


def test_images_are_made_the_same_in_any_process(tmp_path):
    # JPEG, which runs on the host, and noise, which depends on chance.
    root = _archive(tmp_path / "kadis700k", "a.png,10\nb.png,11\n")
    one = through("kadis700k", tmp_path, tmp_path)
    assert one.notes == ["10 distorted images are made by jiqa, with seed 0"]
    names = [e.name for e in one.entries()]
    assert names == [f"{k}_0{n}.png" for k in ("a_10", "b_11") for n in range(1, 6)]
    entry = one.entries()[2]
    assert (entry.distortion, entry.level) == ("JPEG compression", 3)
    expected = distort(read_image(root / "ref_imgs/a.png"), "kadid10k/jpeg", 3, 0)
    stored = read_image(one.image(entry))
    assert np.abs(stored / 255 - np.asarray(expected)).max() <= 0.5 / 255 + 1e-6
    assert read_image(one.reference(entry)).shape == stored.shape

    def digests(**settings) -> list[str]:
        folder = tmp_path / "-".join(settings)
        return [
            e.digest for e in prepare("kadis700k", root, folder, **settings).entries()
        ]

    before = [e.digest for e in one.entries()]
    seeded = digests(options={"seed": "1"})
    assert seeded[:5] == before[:5] and not set(seeded[5:]) & set(before)
    _archive(root, "b.png,11\n")
    assert digests(workers=2) == before[5:]


def test_levels_are_the_weakest_first_whatever_the_authors_number(tmp_path):
    _archive(tmp_path, "a.png,18\n")
    records = builder("kadis700k", tmp_path).contents(tmp_path).records
    found = {record.level: record.name for record in records}
    # The middle of the authors' five is the weakest.
    assert found[1] == "a_18_03.png"
    assert sorted(found.values()) == [f"a_18_0{n}.png" for n in range(1, 6)]


def test_the_authors_images_are_taken_as_they_are(tmp_path):
    _archive(tmp_path, "a.png,10\n")
    pictures(tmp_path, [f"dist_imgs/a_10_0{n}.bmp" for n in (1, 2)])
    contents = builder("kadis700k", tmp_path).contents(tmp_path)
    kinds = [type(record.image) for record in contents.records]
    assert kinds[2:] == [Distorted] * 3
    assert contents.records[0].image == tmp_path / "dist_imgs/a_10_01.bmp"
    assert contents.notes == [
        "3 distorted images are made by jiqa, with seed 0",
        "2 distorted images are those in dist_imgs",
    ]


@pytest.mark.parametrize("row", ["a.png,7,8", 'a.png,"7,8"', "a.png,7"])
def test_seven_and_eight_are_seven(row, tmp_path):
    _archive(tmp_path, f"{row}\n")
    records = builder("kadis700k", tmp_path).contents(tmp_path).records
    assert {r.distortion for r in records} == {"colour saturation in HSV"}


def test_without_a_table_types_are_drawn(tmp_path):
    _archive(tmp_path, None)
    made = builder("kadis700k", tmp_path)
    made.options["seed"] = "5"
    records = made.contents(tmp_path).records
    plan = list(kadis_recipe(["a.png", "b.png"], 5))
    assert [(r.reference, r.level) for r in records] == [
        (p.name, p.level) for p in plan
    ]
    assert [r.image.kind for r in records] == [p.kind for p in plan]  # pyright: ignore


def test_what_is_not_there(tmp_path):
    refused("kadis700k", tmp_path, "ref_imgs")
    _archive(tmp_path, "a.png,10\nc.png,1\n")
    refused("kadis700k", tmp_path, "1 missing", "ref_imgs/c.png")
    _archive(tmp_path, "a.png,26\n")
    refused("kadis700k", tmp_path, "line 2", "a.png,26", "type from 1 to 25")
    with pytest.raises(ValueError, match="seed: expected a whole number, got 'x'"):
        prepare("kadis700k", tmp_path, tmp_path / "out", options={"seed": "x"})


def test_a_photograph_that_cannot_be_distorted(tmp_path):
    path = tmp_path / "torn.png"
    path.write_bytes(b"not an image")
    with pytest.raises(DecodeError, match=r"torn\.png"):
        Distorted("d", path, "kadid10k/jpeg", 1, 0).read_bytes()
    with pytest.raises(DecodeError, match=r"d: cannot be made: level of jpeg: .*got 9"):
        Distorted("d", picture(tmp_path / "a.png"), "kadid10k/jpeg", 9, 0).read_bytes()
    grey = tmp_path / "grey.png"
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(grey)
    made = Distorted("d", grey, "kadid10k/jpeg", 1, 0)
    assert made.read_bytes()[:4] == b"\x89PNG"


def test_what_jiqa_distort_writes_is_a_data_set(tmp_path):
    picture(tmp_path / "photos/cat.png", 1, (64, 64))
    words = ["distort", tmp_path / "photos", "--set", "dbcnn", "--kinds", "jpeg"]
    words += ["--levels", "1,2", "--output", tmp_path / "ladder", "--no-cache"]
    assert main([str(word) for word in words]) == 0
    dataset = through("table", tmp_path / "ladder", tmp_path)
    assert dataset.name == "table/ladder" and dataset.scale is None
    rows = [(e.name, e.distortion, e.level, e.reference) for e in dataset.entries()]
    assert rows == [
        ("cat/pristine.png", "", 0, "cat/pristine.png"),
        ("cat/jpeg/1.png", "dbcnn/jpeg", 1, "cat/pristine.png"),
        ("cat/jpeg/2.png", "dbcnn/jpeg", 2, "cat/pristine.png"),
    ]
