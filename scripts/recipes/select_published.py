r"""The published selections of feature maps again: tables 1 and 2.

    jiqa data prepare csiq --manual-dir ~/archives/csiq      (and so on)
    python scripts/recipes/select_published.py --output tables
    python scripts/recipes/select_published.py --data tid2013 --networks alexnet \
        --output tables
    python scripts/recipes/select_published.py --data live/original --output tables \
        --options '{"against": ["ssim"], "folds": null}'

T. D. T. Nguyen and S. A. Amirshahi chose feature maps of AlexNet (table 1) and VGG-16
(table 2) on CID:IQ at both distances, CSIQ, TID2013 and CID:GD. For each of these data
sets that is prepared, this runs ``jiqa.analysis.select_maps`` and prints how many maps
were chosen and their correlation after the logistic, beside that of all maps:
published, in the same way in-sample, and held out. --options are passed on to it. A
data set that is not among theirs has no published columns.

Measured on LIVE's JPEG images (live/realigned, 175 pairs, mean of the maps' SSIM; held
out: five parts of the references; scripts/results/select-live-NETWORK.csv):

    network  scores          maps  in-sample  held out  SRCC   SRCC held out
    alexnet  chosen maps        9     0.9898    0.9766  0.9864        0.9731
    alexnet  all maps        1152     0.9699    0.9680  0.9684        0.9652
    vgg16    chosen maps       23     0.9908    0.9775  0.9881        0.9756
    vgg16    all maps        4224     0.9638    0.9591  0.9614        0.9556
             SSIM                     0.9508    0.9429  0.9447        0.9329

VGG-16's took 27 minutes on two cores that also did other work, most of it for the 26
selections of the five parts and twenty resamples. The other sets were not available,
and their published figures were not reproduced.

The paper's figures are in-sample; it does not say how maps' scores are combined (the
mean, here), nor with which logistic it maps them (five parameters, here).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jiqa.analysis import select_maps
from jiqa.analysis.map_selection.study import Figures
from jiqa.cli.analyse.select import show_study
from jiqa.cli.common.parser import script_parser
from jiqa.cli.common.progress import progress
from jiqa.data.store import open_dataset
from jiqa.io.atomic import write_text


class Published(NamedTuple):
    """Maps that were kept, the correlation with them and with all maps."""

    maps: int
    chosen: float
    every: float


#: Tables 1 and 2. "080", printed for all of VGG-16's maps on CID:IQ at 50 cm, is .80.
PUBLISHED = {
    ("alexnet", "cid_iq/100cm"): Published(2, 0.89, 0.80),
    ("alexnet", "cid_iq/50cm"): Published(12, 0.87, 0.68),
    ("alexnet", "csiq"): Published(16, 0.90, 0.87),
    ("alexnet", "tid2013"): Published(9, 0.95, 0.91),
    ("alexnet", "cid_gd"): Published(13, 0.75, 0.61),
    ("vgg16", "cid_iq/100cm"): Published(35, 0.93, 0.85),
    ("vgg16", "cid_iq/50cm"): Published(28, 0.92, 0.80),
    ("vgg16", "csiq"): Published(25, 0.91, 0.83),
    ("vgg16", "tid2013"): Published(24, 0.90, 0.88),
    ("vgg16", "cid_gd"): Published(5, 0.71, 0.62),
}
DATA = tuple(dict.fromkeys(name for _, name in PUBLISHED))

HEAD = (
    "network",
    "data set",
    "maps",
    "chosen",
    "all",
    "maps",
    "chosen",
    "all",
    "chosen, held out",
    "all, held out",
)


def main(argv: list[str] | None = None) -> int:
    """Run what is prepared; print the table."""
    parser = script_parser(__doc__)
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--data-dir")
    parser.add_argument("--networks", nargs="+", default=("alexnet", "vgg16"))
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument(
        "--options",
        type=json.loads,
        default={},
        metavar="JSON",
        help="arguments of jiqa.analysis.select_maps by name",
    )
    arguments = parser.parse_args(argv)
    rows = []
    for network in arguments.networks:
        for data in arguments.data:
            try:
                open_dataset(data.partition(":")[0], arguments.data_dir)
            except FileNotFoundError as error:
                print(f"skipped: {error}", file=sys.stderr)
                continue
            folder = arguments.output / network / data.replace("/", "-")
            found = select_maps(
                data,
                data_dir=arguments.data_dir,
                network=network,
                output=folder,
                progress=progress,
                **arguments.options,
            )
            show_study(found.study)
            for index, why in found.errors.items():
                print(f"failed: {found.pairs.names[index]}: {why}", file=sys.stderr)
            rows.append(line(network, data, found.study.figures))
    if not rows:
        return 1
    table = "\n".join(
        "| " + " | ".join(cells) + " |" for cells in [HEAD, ["---"] * len(HEAD), *rows]
    )
    write_text(arguments.output / "table.md", table + "\n")
    print("the first three figures are published, the others in-sample here")
    print(table)
    return 0


def line(network: str, data: str, figures: Sequence[Figures]) -> list[str]:
    """One row of the table, in the order of ``HEAD``."""
    named = {figure.name: figure for figure in figures}
    chosen, every = named["chosen maps"], named["all maps"]
    known = PUBLISHED.get((network, data))
    cells = ["–"] * 3
    if known:
        cells = [str(known.maps), f"{known.chosen:.2f}", f"{known.every:.2f}"]
    measured = [chosen.in_sample, every.in_sample]
    held = [chosen.held_out, every.held_out]
    return [
        network,
        data,
        *cells,
        str(chosen.maps),
        *("–" if math.isnan(v) else f"{v:.3f}" for v in (*measured, *held)),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
