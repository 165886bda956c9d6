"""Traced programs kept between runs: found again, replaced when damaged, told apart."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from jiqa.registry import bound_metric, get_metric
from jiqa.scoring import compiled as programs

CHOICES = [bound_metric("mse"), bound_metric("gmsd")]


@pytest.fixture
def traces(monkeypatch) -> list[int]:
    """Grows by one for each program that is traced."""
    seen: list[int] = []
    scores = programs.MetricGroup.scores

    def counted(self, *arguments):
        seen.append(1)
        return scores(self, *arguments)

    monkeypatch.setattr(programs.MetricGroup, "scores", counted)
    return seen


def _pair(rng, dtype="uint8") -> tuple[np.ndarray, ...]:
    return tuple(rng.integers(0, 256, (2, 2, 12, 16, 3)).astype(dtype))


def _scores(folder: Path | None, pair, choices=CHOICES) -> np.ndarray:
    return np.stack(programs.Program(choices, folder)(*pair))


def test_a_kept_program_is_not_traced_again(tmp_path, rng, traces):
    pair = _pair(rng)
    first = _scores(tmp_path / "new", pair)
    assert len(traces) == 1
    np.testing.assert_array_equal(_scores(tmp_path / "new", pair), first)
    assert len(traces) == 1 and len(list(tmp_path.rglob("*.*"))) == 1
    np.testing.assert_allclose(_scores(None, pair), first, rtol=1e-6)
    for row, name in zip(first, ("mse", "gmsd"), strict=True):
        np.testing.assert_allclose(row, get_metric(name)(*pair), rtol=1e-5)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "a little cut", "flipped"])
def test_a_damaged_program_is_replaced(tmp_path, rng, traces, damage):
    pair = _pair(rng)
    want = _scores(tmp_path, pair)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "empty": b"",
            "text": b"garbage",
            "cut": whole[:middle],
            "a little cut": whole[:-9],
            "flipped": whole[:middle] + bytes(99) + whole[middle + 99 :],
        }[damage]
    )
    for _ in range(2):
        np.testing.assert_array_equal(_scores(tmp_path, pair), want)
        assert len(traces) == 2
    assert list(tmp_path.iterdir()) == [path] and path.stat().st_size > middle


def test_whatever_matters_gets_its_own_file(tmp_path, rng, traces):
    pair = _pair(rng)
    runs = [
        (pair, CHOICES),
        (pair, CHOICES[::-1]),
        (pair, [CHOICES[0], bound_metric("gmsd", {"luma": "matlab"})]),
        (_pair(rng, "uint16"), CHOICES),
        (tuple(x[:1] for x in pair), CHOICES),
    ]
    values = [_scores(tmp_path, *run) for run in runs]
    with jax.enable_x64(True):
        values.append(_scores(tmp_path, pair))
    assert len(list(tmp_path.iterdir())) == len(traces) == 6
    assert values[5].dtype == np.float64 and values[0].dtype == np.float32
    np.testing.assert_allclose(values[1], values[0][::-1], rtol=1e-6)
    np.testing.assert_allclose(values[5], values[0], rtol=1e-5)
    assert values[2][1, 0] != values[0][1, 0]


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path, rng, traces):
    pair = _pair(rng)
    (tmp_path / "file").write_text("not a folder")
    want = _scores(None, pair)
    for count in (2, 3):
        got = _scores(tmp_path / "file" / "programs", pair)
        np.testing.assert_allclose(got, want, rtol=1e-6)
        assert len(traces) == count
