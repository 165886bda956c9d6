"""The rated pairs of a user's table, opened by its path."""

from __future__ import annotations

from jiqa.analysis.map_selection.rated_pairs import open_rated_pairs
from tests.helpers.data_archives import pictures, write


def test_a_table_by_its_path(tmp_path):
    pictures(tmp_path, ["a.png", "b.png", "r.png"])
    path = write(
        tmp_path / "mine.csv",
        "dist_img,ref_img,dmos\na.png,r.png,3\nb.png,r.png,2\ngone.png,r.png,1\n",
    )
    pairs = open_rated_pairs(str(path), str(tmp_path / "prepared"))
    assert (pairs.spec, pairs.better) == ("table/mine", "lower")
    assert (list(pairs.names), list(pairs.scores)) == (["a.png", "b.png"], [3, 2])
    assert pairs.left_out == ["gone.png"]
    assert pairs.notes[0] == (
        "mine.csv: columns image = dist_img; reference = ref_img; score = dmos"
    )
