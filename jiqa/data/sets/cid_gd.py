"""CID:GD: geometric distortions, through a table that the user writes."""

from __future__ import annotations

from pathlib import Path

from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Scale
from jiqa.data.user_tables.layout import LAYOUT, read_user_table
from jiqa.data.user_tables.scale import SIDE


class CidGd(QualityDataset):
    """The Colourlab Image Database: Geometric Distortions, as a table.

    The layout of its archive is unknown: no public description or program gives it. So
    the layout is that of ``table``, under the name and citation of this set:
    write a table with the columns ``image``, ``reference``, ``score`` and, where they
    are known, ``distortion`` and ``level``. Scores are mean opinion scores, higher is
    better, unless the file beside the table says otherwise.
    """

    OPTIONS = SIDE
    INFO = Info(
        title="CID:GD",
        kind="full-reference",
        layout=LAYOUT,
        citation=(
            "Colourlab Image Database: Geometric Distortions. Color and Imaging "
            "Conference 29, 2021"
        ),
        homepage="https://www.ntnu.edu/web/colourlab/software",
        scales={"": Scale("MOS", "higher", 0.0, 9.0, note="the range is not known")},
    )

    def read(self, root: Path) -> Contents:
        """Read the table and find its images."""
        return read_user_table(root, self.options, self.INFO)
