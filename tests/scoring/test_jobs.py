"""Which files are scored, and the reference of each."""

from __future__ import annotations

import unicodedata

import pytest

from jiqa.errors import UsageError
from jiqa.scoring.jobs import find_jobs, read_pairs


def _touch(root, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def _references(root) -> dict[str, str]:
    jobs = find_jobs([str(root / "in")], str(root / "ref"))
    return {
        job.image.name: getattr(job.reference, "name", job.problem)  # pyright: ignore
        for job in jobs
    }


def test_references_match_by_stem_whatever_the_case(tmp_path):
    _touch(tmp_path, "in/I01.BMP", "in/i02_x.png", "in/I03.png", "in/i03.png")
    _touch(tmp_path, "ref/i01.png", "ref/deep/I02_X.tif", "ref/I03.bmp", "ref/i03.jpg")
    assert _references(tmp_path) == {
        "I01.BMP": "i01.png",
        "i02_x.png": "I02_X.tif",
        "I03.png": "I03.bmp",
        "i03.png": "i03.jpg",
    }


def test_several_references_are_still_too_many(tmp_path):
    _touch(tmp_path, "in/x.bmp", "ref/a/X.png", "ref/b/X.png")
    assert "several references match" in _references(tmp_path)["x.bmp"]


def test_references_match_in_whatever_unicode_form(tmp_path):
    name = "\N{LATIN SMALL LETTER E WITH ACUTE}"
    other = unicodedata.normalize("NFD", name)
    _touch(tmp_path, f"in/{name}.png", f"ref/{other}.png", f"in/{other}2.png")
    _touch(tmp_path, f"ref/{name}2.jpg")
    assert _references(tmp_path) == {
        f"{name}.png": f"{other}.png",
        f"{other}2.png": f"{name}2.jpg",
    }


def test_what_is_passed_over_is_said(tmp_path):
    _touch(tmp_path, "in/a.png", "in/._a.png", "in/b.txt", "in/__MACOSX/a.png")
    said: list[str] = []
    (job,) = find_jobs([str(tmp_path / "in")], None, said.append)
    assert job.image == tmp_path / "in/a.png"
    assert "hidden files (1)" in said[0] and ".txt" in said[0]
    (job,) = find_jobs([str(tmp_path / "in/**/*.png")], None, said.append)
    assert job.image == tmp_path / "in/a.png"
    assert said[1].endswith("passed over system files (1)")
    _touch(tmp_path, "empty/.a.png")
    with pytest.raises(UsageError, match="no images in"):
        find_jobs([str(tmp_path / "empty")], None, said.append)
    assert said[2].endswith("empty: passed over hidden files (1)")


def test_pairs_in_other_forms_of_their_names(tmp_path):
    name = "\N{LATIN SMALL LETTER E WITH ACUTE}.png"
    _touch(tmp_path, f"d/{unicodedata.normalize('NFD', name)}", "d/r.png")
    path = tmp_path / "pairs.csv"
    text = f"ref_img,id,dist_name\nd\\r.png,7,d\\{name}\n"
    path.write_bytes(text.encode("cp1252"))
    said: list[str] = []
    (job,) = read_pairs(str(path), said.append)
    assert said == [
        "pairs.csv: columns reference = ref_img; distorted = dist_name; not used: id"
    ]
    assert str(job.reference) == str(tmp_path / "d/r.png")
    assert str(job.image) == str(tmp_path / "d" / unicodedata.normalize("NFD", name))
