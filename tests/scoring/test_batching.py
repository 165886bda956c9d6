"""Which jobs share a batch, and how large batches are."""

from dataclasses import replace
from pathlib import Path

import pytest

from jiqa.scoring.batching import Layout, batch_size, batches_of, groups_of
from jiqa.scoring.jobs import Job

LAYOUT = Layout(384, 512, 3, "uint8", "uint8")


@pytest.mark.parametrize(
    ("counts", "devices", "size"),
    [
        ([1], 1, 1),
        ([8], 1, 8),
        ([9], 1, 5),  # 5 + 4
        ([17], 1, 6),  # 6 + 6 + 5
        ([3000], 1, 8),
        ([120] * 25, 1, 8),  # TID2013
        ([27] * 29, 1, 7),  # LIVE: 28 passes a reference, not 32
        ([3000], 8, 64),
        ([3], 8, 8),
    ],
)
def test_size(counts, devices, size):
    assert batch_size(LAYOUT, counts, devices=devices) == size


def test_large_images_make_small_batches():
    assert batch_size(replace(LAYOUT, height=4000, width=6000), [100]) == 1


def test_another_limit():
    assert batch_size(LAYOUT, [120] * 25, 3) == 3
    assert batch_size(LAYOUT, [3000], 0) == 1


def test_every_job_once_and_references_apart():
    jobs = [Job(Path(f"{n}.png"), Path(f"r{n % 3}.png")) for n in range(20)]
    jobs += [Job(Path(f"x{n}.png"), Path(f"y{n}.png")) for n in range(3)]
    batches = batches_of(groups_of(jobs, by_reference=True), 4)
    found = [job for _, batch in batches for job in batch]
    assert sorted(found, key=str) == sorted(jobs, key=str)
    assert all(len(batch) <= 4 for _, batch in batches)
    assert [one for one, _ in batches] == [True] * 6 + [False]
    for one, batch in batches:
        assert len({job.reference for job in batch}) == (1 if one else len(batch))


def test_any_references_share_a_batch_where_nothing_is_shared():
    jobs = [Job(Path(f"{n}.png"), Path(f"r{n}.png")) for n in range(10)]
    jobs += [Job(Path("more.png"), Path("r0.png"))]
    batches = batches_of(groups_of(jobs, by_reference=False), 6)
    assert batches == [(False, jobs[:6]), (False, jobs[6:])]
