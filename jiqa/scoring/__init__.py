"""Scoring files: from names on a command line to rows in a table.

``inputs`` finds the pairs, ``runner`` decodes and computes, ``journal`` makes a run
resumable, ``output`` writes the rows.
"""
