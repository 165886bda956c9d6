"""The version of jiqa, which tables and reports name."""

__version__ = "0.1.0"
