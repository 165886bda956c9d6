"""A process keeps the memory that it frees."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jiqa.cli.common import allocator as _memory

_PROGRAM = """
import resource
import sys
import numpy as np
from jiqa.cli.common.allocator import keep_memory
if sys.argv[1] == "keep":
    assert keep_memory() and keep_memory()
faults = []
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**24)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(faults[-1])
"""


def _faults(how):
    words = [sys.executable, "-c", _PROGRAM, how]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_pages_are_taken_once():
    # Where the system gives out huge pages by itself both are few.
    assert _faults("keep") <= min(100, _faults("leave"))


def test_elsewhere_nothing_happens(monkeypatch):
    _memory.keep_memory.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not _memory.keep_memory()
    _memory.keep_memory.cache_clear()
