"""The examples beside the public names of analysis."""

from __future__ import annotations

import doctest
import sys

from jiqa import analysis


def test_the_examples_give_what_they_say():
    homes = {getattr(analysis, name).__module__ for name in analysis.__all__}
    found = [
        doctest.testmod(sys.modules[name])
        for name in sorted({analysis.__name__, *homes})
    ]
    assert sum(r.failed for r in found) == 0
    assert sum(r.attempted for r in found) >= 15
