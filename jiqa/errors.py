"""Errors that mean wrong usage or wrong files, not a fault of the program."""

from __future__ import annotations


class LayoutError(ValueError):
    """A folder that does not hold the data set; says what is missing, and where."""


class UsageError(ValueError):
    """A request that cannot be carried out as a whole; the command line exits 2."""
