"""Cells of an evaluation's tables."""

from __future__ import annotations

from jiqa.report.evaluation.tables import note_cells


def test_a_note_of_many_rows_is_said_once_below():
    many, few = "rough intervals: only 2 references", "no fit"
    cells, below = note_cells([many, f"{few}; {many}", "", many, few])
    assert [cell["text"] for cell in cells] == ["[1]", f"{few}; [1]", "", "[1]", few]
    assert below == [f"[1] {many}"]
    assert note_cells([few, few]) == ([{"text": few, "wide": True}] * 2, [])
