"""Rows to something to look at: plots and one self-contained HTML page."""
