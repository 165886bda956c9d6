r"""BIQ2021, official split: heads on VGG-16, from several levels and from the last.

    git clone https://github.com/nisarahmedrana/BIQ2021
    jiqa data prepare biq2021 --manual-dir BIQ2021
    python scripts/recipes/train_biq2021.py
    python scripts/recipes/train_biq2021.py --trunk runs/ranks --output with-ranks.csv

10,000 photographs train a head on their MOS (a tenth of them says when to stop), the
2,000 of the test split are predicted: SRCC, and PLCC after the logistic mapping. Each
head is trained from --seeds seeds. VGG-16, trained on ImageNet, sees every photograph
once, brought to a square of --resize; what it says of them is kept in jiqa's cache.
With --trunk the backbone of every head begins as a run of
scripts/recipes/train_ranks.py left it; with --ranks the head of ``rank`` does, for the
levels that this run has.

Prints a line a head, then the medians, and writes scripts/results/train-biq2021.csv
(--output). The test split decides nothing.

Measured with VGG-16 on two cores, medians of five seeds: the photographs took VGG-16 an
hour on a busy machine, a head one to three minutes.

    head           begins with      SRCC              PLCC
    rank multi     imagenet         0.839 (.833-.840) 0.853
    rank last      imagenet         0.769 (.764-.771) 0.785
    nima multi     imagenet         0.815 (.813-.816) 0.832
    nima last      imagenet         0.737 (.734-.740) 0.760
    dbcnn          imagenet         0.781 (.778-.784) 0.817
    rank multi     ranked backbone  0.832 (.832-.834) 0.849
    rank last      ranked backbone  0.774 (.770-.776) 0.787
    nima multi     ranked backbone  0.809 (.800-.812) 0.828
    nima last      ranked backbone  0.741 (.739-.742) 0.762
    dbcnn          ranked backbone  0.776 (.772-.779) 0.815
    rank multi     ranks            0.814 (.813-.815) 0.839
    rank last      ranks            0.685 (.682-.688) 0.711

``ranked backbone`` (--trunk) is VGG-16 that was trained as a whole on the ranks of
RankIQA's four kinds of 200 photographs of BSDS500, each group of levels once
(scripts/recipes/train_ranks.py --network vgg16 --whole --hidden 256 --dropout 0.5
--rate 3e-4 --epochs 1 --batch-size 4; 17 minutes), with heads that begin anew: the last
layer gained .005 and .004, several layers lost .007 and .006, DBCNN lost .005. The rows
are in results/train-biq2021-trunk.csv. ``rank multi`` that began with the head of that
run as well was .797 (one seed).

``ranks`` (--ranks) are runs of train_ranks.py on a backbone that stays as it is (100
photographs; the same settings without --whole, once for each of the two kinds of
levels), in results/train-biq2021-ranks.csv: the head begins with what it learned from
ranks, which did harm. Alone these ranks predict the MOS with SRCC .52 and .53,
their numbers spread ten to thirty times as wide as the MOS, and the heads were
still improving when their training ended.

The page of the data set prints .600 for VGG-16, .647 for ResNet-50 and .673 for
NASNet-Large. With a single layer (--hidden 0 --rate 1e-3), and a head that began at
random, ``rank multi`` was .798 and .792 (two seeds). The heads of NIMA are in
results/train-biq2021-nima.csv, that of DBCNN in results/train-biq2021-dbcnn.csv: its
S-CNN is the authors' (``jiqa weights convert scnn scnn.pkl``), both networks stay as
they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from training_recipe import RESULTS, frozen, show_medians, tested, written

from jiqa.cli.common.parser import script_parser

TEST = "biq2021:test"

#: What is trained: the model and its options.
HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "rank multi": ("rank", {"levels": "multi"}),
    "rank last": ("rank", {"levels": "last"}),
    "nima multi": ("nima", {"levels": "multi"}),
    "nima last": ("nima", {"levels": "last"}),
    "dbcnn": ("dbcnn", {}),
}


def main() -> None:
    """Train each head from each seed."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("--network", default="vgg16", help="%(default)s")
    add("--resize", type=int, default=224, help="side that it sees (%(default)s)")
    add("--seeds", type=int, default=5, help="%(default)s")
    kinds = ", ".join(HEADS)
    add("--heads", default="rank multi,rank last", help=f"of {kinds} (%(default)s)")
    add("--pooling", default="mean-deviation", help="of maps (%(default)s)")
    add("--hidden", type=int, default=256, help="width before the score (%(default)s)")
    add("--epochs", type=int, default=30, help="%(default)s")
    add("--rate", type=float, default=3e-4, help="of Adam (%(default)s)")
    add("--dropout", type=float, default=0.5, help="%(default)s")
    add("--batch-size", type=int, default=64, help="%(default)s")
    either = parser.add_mutually_exclusive_group().add_argument
    either("--ranks", type=Path, help="a run whose head of rank is begun with")
    either("--trunk", type=Path, help="a run whose backbone alone is begun with")
    add("--output", type=Path, help="where the rows are written")
    options = parser.parse_args()
    rows = []
    for name in options.heads.split(","):
        for seed in range(options.seeds):
            rows.append(one(options, name, seed))
            print(rows[-1], flush=True)
    written(rows, options.output or RESULTS / "train-biq2021.csv")
    show_medians(rows, "head", "seeds")


def one(options: argparse.Namespace, name: str, seed: int) -> dict[str, Any]:
    """Train one head; the figures on the test split."""
    model, kind = HEADS[name]
    own = {"backbone": options.network, "crop": options.resize, **kind}
    if model != "dbcnn":
        own |= {
            "pooling": options.pooling,
            "normalise": "batch",
            "dropout": options.dropout,
        }
    if model == "nima":
        own |= {"target": "mean"}
    else:
        own |= {"resize": options.resize}
    if model == "rank":
        own |= {"hidden": options.hidden}
    begin, weights = "imagenet", "imagenet"
    if options.ranks:
        begin, weights = "ranks", f"imagenet,run:{options.ranks}"
    if options.trunk:
        begin, weights = "ranked backbone", f"imagenet,backbone:{options.trunk}"
    config = frozen(
        model=model,
        model_config=own,
        data="biq2021:train",
        weights=weights,
        head_rate=options.rate,
        epochs=options.epochs,
        batch_size=options.batch_size,
        seed=seed,
    )
    return {
        "head": name,
        "network": options.network,
        "resize": options.resize,
        "begin": begin,
        "seed": seed,
        **tested(config, TEST),
    }


if __name__ == "__main__":
    main()
