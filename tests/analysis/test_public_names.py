"""The public names of analysis and of selectors, and the examples beside them."""

from __future__ import annotations

import doctest
import inspect
import sys
from types import ModuleType

import pytest

from jiqa import analysis


def examples(package: ModuleType) -> doctest.TestResults:
    """Run the examples of a package and of the modules of its public names."""
    homes = {package.__name__}
    homes |= {getattr(package, name).__module__ for name in package.__all__}
    found = [doctest.testmod(sys.modules[name]) for name in sorted(homes)]
    return doctest.TestResults(
        sum(r.failed for r in found), sum(r.attempted for r in found)
    )


def test_every_name_is_there_and_documented():
    for name in analysis.__all__:
        value = getattr(analysis, name)
        assert inspect.getdoc(value), name
    assert dir(analysis) == sorted(analysis.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'selekt'"):
        analysis.selekt  # noqa: B018


def test_the_examples_give_what_they_say():
    failed, attempted = examples(analysis)
    assert failed == 0 and attempted >= 15
