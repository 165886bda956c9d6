"""Data sets that a user describes by a table or a folder."""
