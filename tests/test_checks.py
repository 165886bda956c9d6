"""Messages about wrong arguments, and what they leave alone."""

from __future__ import annotations

import pytest

from jiqa.checks import alternatives, did_you_mean, expected, hashable, one_of, unknown


def test_what_was_expected_and_what_came():
    assert expected("k", "0 or more", "-1") == "k: expected 0 or more, got -1"
    message = expected("image", "3 channels", "shape (3, 4)", "drop alpha")
    assert message == "image: expected 3 channels, got shape (3, 4) (drop alpha)"


def test_an_option_has_one_of_its_values():
    one_of("mapping", None, 5, 4, None)
    message = r"^net: expected 'alex', 'vgg' or 'squeeze', got 'alexnet'$"
    with pytest.raises(ValueError, match=message):
        one_of("net", "alexnet", "alex", "vgg", "squeeze")
    with pytest.raises(ValueError, match=r"^net: expected 'alex', got 1$"):
        one_of("net", 1, "alex")
    assert alternatives([5, None]) == "5 or None"


def test_unknown_names_come_with_those_that_are_close():
    known = ["ssim", "ms_ssim", "psnr"]
    assert unknown("metric", "zzz", known) == "unknown metric 'zzz'"
    message = unknown("metric", "MS-SIM", known, "jiqa metrics lists them all")
    assert message.startswith("unknown metric 'MS-SIM'; did you mean ms_ssim")
    assert message.endswith("? (jiqa metrics lists them all)")
    assert did_you_mean("pnsr", known, 1) == "; did you mean psnr?"
    # Dashes stay where names are those of options.
    assert did_you_mean("--data-dr", ["--data-dir"]) == "; did you mean --data-dir?"


def test_lists_become_tuples_at_every_depth():
    assert hashable([1, [2, "a"]]) == (1, (2, "a"))
    assert hashable("ab") == "ab"
