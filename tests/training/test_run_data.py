"""What a run says of images that it cannot use."""

from __future__ import annotations

from pathlib import Path

import pytest

from jiqa.data.store import prepare
from jiqa.training.config import TrainingConfig
from jiqa.training.run_data import open_sources
from tests.helpers.data_archives import picture, write


def _open(folder: Path, **fields):
    data = str(folder / "t.csv")
    config = TrainingConfig(model="cnniqa", data=data, stage="scores", **fields)
    return open_sources(config, folder / "prepared")


def test_images_that_are_too_small_have_scores_all_the_same(tmp_path):
    for n in range(3):
        picture(tmp_path / f"{n}.png", n, (16, 20))
    write(tmp_path / "t.csv", "image,mos\n0.png,1\n1.png,2\n2.png,3\n")
    with pytest.raises(ValueError) as none:
        _open(tmp_path)
    assert str(none.value) == (
        "table/t: none of the 3 images with scores can be used: 0.png: expected sides "
        "of at least 32 pixels, got 20x16"
    )
    write(tmp_path / "t.csv", "image\n0.png\n1.png\n2.png\n")
    with pytest.raises(ValueError, match="none of 3 images has scores"):
        _open(tmp_path)


def test_how_a_table_was_read_is_said_and_a_missing_image_is_left_out(tmp_path, caplog):
    names = [f"{n}.png" for n in range(4)]
    for n, name in enumerate(names):
        picture(tmp_path / name, n, (40, 40))
    rows = [f"{name},{n},60" for n, name in enumerate([*names, "gone.png"])]
    write(tmp_path / "t.csv", "\n".join(["name,mos,votes", *rows, ""]))
    sources = _open(tmp_path, hold_out=0.25)
    assert len(sources.training.entries) + len(sources.validation.entries) == 4
    assert list(sources.training.unread) == ["gone.png"]
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "t.csv: columns image = name; score = mos; not used: votes"
    assert said[1] == "images that are not there: 1 (gone.png)"
    assert said[2] == "skipped: gone.png: No such file or directory"
    assert (
        prepare("table/t", tmp_path / "t.csv", tmp_path / "prepared").notes == said[:2]
    )
