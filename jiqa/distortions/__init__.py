"""Synthetic distortions: the generators of published data sets."""
