"""Preparing on Apache Beam's direct runner; slow, and needs ``jiqa[beam]``."""

from __future__ import annotations

import pytest

from jiqa.data.store import prepare
from tests.helpers.data_archives import pictures, write


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Beam's and its packages' own
def test_beam_prepares_the_same(tmp_path):
    root = tmp_path / "mine"
    pictures(root, [f"{n:03d}.png" for n in range(150)])
    rows = "".join(
        f"{n:03d}.png,{n / 10},000.png,{'test' if n % 5 else 'train'}\n"
        for n in range(150)
    )
    write(root / "scores.csv", f"image,score,reference,split\n{rows}")
    here = prepare("table/here", root, tmp_path / "prepared")
    flags = ["--runner=DirectRunner", "--direct_num_workers=2"]
    there = prepare("table/there", root, tmp_path / "prepared", beam=flags)
    assert there.entries() == here.entries()
    assert there.references == here.references
    for entry in here.entries():
        assert there.image(entry).read_bytes() == here.image(entry).read_bytes()
