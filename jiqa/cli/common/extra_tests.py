"""The flags of extra tests: what ``jiqa evaluate`` does beside correlations."""

from __future__ import annotations

import argparse
from typing import Any


def add_extra_test_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    group = parser.add_argument_group("extra tests")
    add = group.add_argument
    add(
        "--splits",
        metavar="N",
        help="median and spread over the test parts (a fifth each) of N splits that "
        "share no reference; 'own': over the splits that the rows or data sets name",
    )
    add(
        "--waterloo",
        action="store_true",
        help="D-, L- and P-test, which need no subjective scores; references are "
        "scored "
        "as pristine images",
    )
    add(
        "--experts",
        default="ms_ssim,vif,gmsd",
        metavar="METRICS",
        help="metrics whose agreement the P-test relies on (%(default)s)",
    )
    add(
        "--margin",
        type=float,
        default=40.0,
        help="difference of a pair for each expert, on a scale of 100 (%(default)s)",
    )
    add(
        "--gmad",
        type=int,
        metavar="LEVELS",
        help="find pairs that one metric calls equal and another most different (gMAD)",
    )


def splits_of(text: str | None) -> Any:
    """Return ``--splits`` for ``jiqa.evaluate``: a number, ``"own"`` or ``None``."""
    return int(text) if text and text.isdecimal() else text
