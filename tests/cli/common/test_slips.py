"""What was meant by words in the wrong order."""

from __future__ import annotations

import pytest

from jiqa.cli.common.slips import check_words
from jiqa.errors import UsageError


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("ssim psnr a.png", "jiqa score ssim,psnr a.png"),
        ("ssim, PSNR a.png b.png", "jiqa score ssim,PSNR a.png b.png"),
        ("ssim recommended", "jiqa score ssim,recommended IMAGES"),
        ("a.png", "jiqa score recommended a.png"),
        ("a.JPG ssim", "jiqa score ssim a.JPG"),
        ("folder", "jiqa score recommended folder"),
    ],
)
def test_the_command_that_was_meant(words, meant, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    first, *others = words.split()
    with pytest.raises(UsageError) as error:
        check_words("jiqa score", first, others)
    assert str(error.value).endswith(f": {meant}")
    with pytest.raises(UsageError) as error:
        check_words("jiqa score", first, others, "b c.png")
    assert str(error.value).endswith(f": {meant} --reference 'b c.png'")


def test_what_is_in_order(tmp_path, monkeypatch):
    (tmp_path / "psnr").touch()  # a file of that name is a file
    (tmp_path / "ssim").mkdir()
    monkeypatch.chdir(tmp_path)
    assert check_words("jiqa score", "ssim", ["psnr", "a.png"]) is None
    assert check_words("jiqa score", "selected:maps.json", ["a.png", "*.png"]) is None
