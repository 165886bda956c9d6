"""What a run says about itself: programs that are compiled, and times."""

from __future__ import annotations

import contextlib

import numpy as np
from PIL import Image

from jiqa.scoring.choose_metrics import choose
from jiqa.scoring.jobs import find_jobs
from jiqa.scoring.runner import Runner


def test_each_size_is_compiled_within_its_context(tmp_path, rng):
    for index, side in enumerate((20, 24, 24, 28)):
        pixels = rng.integers(0, 256, (side, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    names = [str(tmp_path / f"{index}.png") for index in range(4)]
    jobs = find_jobs([*names, str(tmp_path / "gone.png")], None)
    pairs = [type(job)(job.image, job.image) for job in jobs]
    seen, open_now = [], []

    @contextlib.contextmanager
    def compiling(number, total):
        open_now.append(number)
        yield
        open_now.remove(number)
        seen.append((number, total))

    runner = Runner(choose("mse", [], have_reference=True))
    rows = {row["image"]: row for _, row in runner.run(pairs, compiling=compiling)}
    assert sorted(seen) == [(1, 3), (2, 3), (3, 3)] and not open_now
    # Nothing is compiled for what an earlier run has done.
    seen.clear()
    done = frozenset(job.key for job in pairs[:3])
    list(runner.run(pairs, done, compiling))
    assert seen == [(1, 1)]
    assert all(rows[name]["seconds"] > 0 for name in names)
    assert "seconds" not in rows[str(tmp_path / "gone.png")]
