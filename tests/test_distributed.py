"""Ranks and their order; tests/cli runs real processes that pass rows."""

from __future__ import annotations

import jax
import pytest

from jiqa import distributed
from jiqa.distributed import Rank, barrier, gather_rows, rank_zero_first


def test_rank_zero_is_first():
    assert Rank() == Rank(0, 1) and Rank().first
    assert Rank(0, 4).first and not Rank(3, 4).first


def test_one_process_keeps_its_rows_and_waits_for_nobody():
    rows = [{"image": "a", "ssim": 0.1}, {"image": "b", "ssim": float("inf")}]
    gathered = gather_rows(rows, Rank())
    assert gathered == rows and gathered is not rows
    barrier("nobody")


@pytest.mark.parametrize(
    ("index", "order"), [(0, ["block", "barrier"]), (1, ["barrier", "block"])]
)
def test_others_wait_until_rank_zero_is_through(monkeypatch, index, order):
    events = []
    monkeypatch.setattr(jax, "process_index", lambda: index)
    monkeypatch.setattr(distributed, "barrier", lambda name: events.append("barrier"))
    with rank_zero_first("preparing"):
        events.append("block")
    assert events == order
