"""Readers of the archives that data sets are published as."""
