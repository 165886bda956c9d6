"""Ladders: every image at every level of every kind, as files in a folder."""
