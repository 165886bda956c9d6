r"""Learn to rank distortions of BSDS500's photographs, and rank those of Kodak's.

    jiqa distort BSDS500/images --set rankiqa_live --output ladders/bsds
    jiqa distort kodak --set rankiqa_live --output ladders/kodak
    python scripts/recipes/train_ranks.py ladders/bsds ladders/kodak --workdir \
        runs/ranks

and the same with ``--set dbcnn`` and ``--set rankiqa_tid2013``. The model ``rank``
learns from all levels of each distortion of each photograph, the photograph itself
among them; its backbone stays as it was trained on ImageNet, and sees the middle of
every image once. With --whole the backbone learns as well, from crops. Then the
finished run scores every image of the second ladder whole, as ``jiqa score
run:runs/ranks`` does. Counted are pairs of levels of one distortion of one photograph:
the share whose stronger level has the lower score, by distortion and over all pairs.

Prints a table and writes scripts/results/train-ranks-SET.csv (--output).

Measured on two cores, Kodak's 24 photographs (github.com/MohamedBakrAli/
Kodak-Lossless-True-Color-Image-Suite) not used in training:

    network          set              pairs  in order  the worst kind
    alexnet          rankiqa_live     1,440    1.0000  1.0000
    alexnet          dbcnn            3,240    0.9988  .9944, underexposure
    alexnet          rankiqa_tid2013  4,560    0.9811  .8917, colour_saturation
    vgg16            rankiqa_tid2013  4,560    0.9930  .9500, darker
    vgg16, --whole   rankiqa_live     1,440    1.0000  1.0000

learned from all 500 photographs of BSDS500 (rankiqa_live), 200 of them (folder test for
dbcnn, folder train for VGG-16: --network vgg16 --whole --hidden 256 --dropout 0.5
--rate 3e-4 --epochs 1 --batch-size 4, 17 minutes), and for TID2013's kinds from the 100
of folder val in all of them and from the other 400 in the eight that are hardest:

    jiqa distort others --set rankiqa_tid2013 --output ladders/tid --kinds \
        brighter,darker,higher_contrast,colour_saturation,colour_blocks,non_eccentricity
    jiqa distort val --set rankiqa_tid2013 --output ladders/tid --resume
    jiqa distort others --set rankiqa_tid2013 --output ladders/tid --resume \
        --kinds lower_contrast,gaussian_blur
    python scripts/recipes/train_ranks.py ladders/tid ladders/kodak --workdir runs/tid \
        --network vgg16 --hidden 1024 --dropout 0 --crop 320 --epochs 5 \
        --output scripts/results/train-ranks-rankiqa_tid2013-vgg16.csv

(for AlexNet without --network and --output). How bright, how colourful or how rich in
contrast a photograph was meant to be is hard to know from it alone: with AlexNet and
some fifteen other settings Kodak's colour_saturation had .86 to .95, and none brought
all kinds to .90. Width and number of epochs were chosen on photographs held out of
BSDS500, where they matter less than the backbone and than kinds that only few
photographs have: with lower_contrast of 100 photographs it was the worst kind there.
VGG-16 takes most of an hour to see the 20,900 images once, and 25 minutes for Kodak's
1,848 whole ones.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from training_recipe import RESULTS, frozen, written

import jiqa
from jiqa.cli.common.allocator import keep_memory
from jiqa.cli.common.parser import script_parser
from jiqa.cli.common.progress import progress
from jiqa.data.index import Entry
from jiqa.data.splits import select
from jiqa.data.user_tables.resolve import resolved
from jiqa.io.decode import read_image
from jiqa.training import train_config


def main() -> None:
    """Train, unless the run is there, and count pairs."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("training", type=Path, help="ladder to learn from")
    add("test", type=Path, help="ladder of other photographs")
    add("--workdir", type=Path, required=True, help="folder of the run")
    add("--network", default="alexnet", help="%(default)s")
    add("--levels", default="multi", help="multi or last (%(default)s)")
    add("--pooling", default="mean-deviation", help="of maps (%(default)s)")
    add("--hidden", type=int, default=0, help="width before the score (%(default)s)")
    add("--pairs", default="logistic", help="loss of a pair (%(default)s)")
    add("--margin", type=float, default=1.0, help="%(default)s")
    add("--crop", type=int, default=224, help="side that it sees (%(default)s)")
    add("--resize", type=int, help="square that images are brought to first")
    add("--epochs", type=int, default=30, help="%(default)s")
    add("--batch-size", type=int, default=16, help="groups of levels (%(default)s)")
    add("--rate", type=float, default=1e-3, help="of Adam (%(default)s)")
    add("--whole", action="store_true", help="train the backbone too")
    add("--backbone-rate", type=float, default=1e-5, help="(%(default)s)")
    add("--dropout", type=float, default=0.2, help="%(default)s")
    add("--output", type=Path, help="where the rows are written")
    options = parser.parse_args()
    if not (options.workdir / "model.safetensors").is_file():
        config = frozen(
            model="rank",
            stage="ranks",
            model_config={
                "backbone": options.network,
                "levels": options.levels,
                "pooling": options.pooling,
                "hidden": options.hidden,
                "pairs": options.pairs,
                "margin": options.margin,
                "average": "pairs",
                "dropout": options.dropout,
                "crop": options.crop,
                "resize": options.resize,
            },
            data=str(options.training),
            frozen=not options.whole,
            head_rate=options.rate,
            backbone_rate=options.backbone_rate,
            epochs=options.epochs,
            batch_size=options.batch_size,
        )
        keep_memory()  # as jiqa train does
        train_config(config, options.workdir, progress=progress)
    rows = ordered(options.workdir, options.test)
    kinds = rows[0]["distortion"].partition("/")[0]
    written(rows, options.output or RESULTS / f"train-ranks-{kinds}.csv")
    table = Table("distortion", "pairs", "in order", "share")
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)


def ordered(run: Path, ladder: Path) -> list[dict[str, Any]]:
    """Of each distortion, and of all: pairs, and how many stand in order."""
    metric = jiqa.load(f"run:{run}")
    dataset, entries = select(resolved(str(ladder), None))
    scores: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)

    def score(entry: Entry) -> float:
        return float(metric(read_image(dataset.image(entry))))

    pristine = {
        name: score(entry) for name, entry in track(dataset.references.items(), "first")
    }
    for entry in track(entries, "scores"):
        place = entry.reference, entry.distortion
        scores[place].append((entry.level or 0, score(entry)))
    counts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(2, int))
    for (reference, kind), levels in scores.items():
        chain = [(0, pristine[reference]), *sorted(levels)]
        for (_, better), (_, worse) in itertools.combinations(chain, 2):
            counts[kind] += (1, better > worse)
    counts["all"] = np.sum(list(counts.values()), 0)
    return [
        {"distortion": kind, "pairs": n, "ordered": k, "share": round(k / n, 4)}
        for kind, (n, k) in ((kind, map(int, pair)) for kind, pair in counts.items())
    ]


if __name__ == "__main__":
    main()
