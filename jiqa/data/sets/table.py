"""Any data set that a table describes: user ratings, a ladder of distortions."""

from __future__ import annotations

from pathlib import Path

from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info
from jiqa.data.user_tables.layout import LAYOUT, read_user_table
from jiqa.data.user_tables.scale import SIDE


class Table(QualityDataset):
    """A CSV, TSV or Excel table with a line an image, and the images.

    Prepared as ``table/NAME`` from a folder with one table, or from the table's own
    path; without a name it gets the folder's or the table's. Opened as ``table/NAME``
    or ``NAME``. The columns are recognised by their names (``jiqa.io.table_columns``),
    the direction of the scores by ``jiqa.data.user_tables.scale``: a column ``dmos`` is
    lower-better unless the file beside the table, or ``options``, says otherwise.
    Columns that mean nothing are ignored. ``manifest.csv`` of ``jiqa distort`` reads as
    a set without scores.
    """

    NAMED = True
    OPTIONS = SIDE
    INFO = Info(
        title="a table",
        kind="full-reference",
        layout=LAYOUT,
        citation="whoever made it",
        homepage="",
    )

    def read(self, root: Path) -> Contents:
        """Read the table and find its images."""
        base = Info(
            title=self.config,
            kind=self.INFO.kind,
            layout=LAYOUT,
            citation="",
            homepage="",
            licence="not stated",
        )
        return read_user_table(root, self.options, base)
