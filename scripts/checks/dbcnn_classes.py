"""Print the classes that DBCNN's S-CNN predicts for our distortions.

    python -m weights_convert scnn_matconvnet scnn.mat weights/
    python scripts/checks/dbcnn_classes.py kodak/ --weights weights/ --count 24

The authors trained that network to tell 39 classes of their generator apart. Each
photograph is distorted as each class says, shrunk to 256x256, cut to the middle 224x224
and classified. On Kodak's 24 photographs (a few minutes on a CPU):

    type            named  with its level
    gaussian_blur     97%    69%
    dither            97%    77%
    overexposure      92%    92%
    underexposure     92%    92%
    gaussian_noise   100%    86%
    jpeg              99%    87%
    jpeg2000          99%    56%
    contrast         100%   100%
    pink_noise        99%    98%
    all               98%    83%

So the numbers in the names of their classes are the types that ``jiqa.distortions``
takes them for, and neither Wu's palette nor OpenJPEG leads the network astray.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jiqa import weights
from jiqa.cli.common.parser import script_parser
from jiqa.distortions import distort
from jiqa.distortions.sets.dbcnn import class_table
from jiqa.io.decode import read_image
from jiqa.io.walk import walk_images
from jiqa.nn import NETWORKS

_NETWORK = "scnn_matconvnet"
_WHOLE, _SIDE = 256, 224


def main() -> None:
    """Print a line a type: how often the network names it, and its level."""
    parser = script_parser(__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--count", type=int, default=8)
    arguments = parser.parse_args()
    paths = walk_images(arguments.photographs).files[: arguments.count]
    photographs = [read_image(path) for path in paths]
    network = NETWORKS[_NETWORK]
    params = weights.load(_NETWORK, arguments.weights, whole=True).params

    @jax.jit
    def classify(images: jax.Array) -> jax.Array:
        return network.logits(params, network.preprocess(images)).argmax(-1)

    table = class_table()
    right: Counter[str] = Counter()
    named: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for index, (kind, level) in enumerate(table):
        images = [
            _fitted(distort(photo, f"dbcnn/{kind}", level, number))
            for number, photo in enumerate(photographs)
        ]
        answers = [int(a) for a in classify(jnp.asarray(np.stack(images)))]
        total[kind] += len(answers)
        named[kind] += sum(table[a][0] == kind for a in answers)
        right[kind] += answers.count(index)
    print("type            named  with its level")
    for kind in total:
        print(_line(kind, named[kind], right[kind], total[kind]))
    print(_line("all", named.total(), right.total(), total.total()))


def _fitted(image: jax.Array) -> np.ndarray:
    pixels = np.floor(np.asarray(image) * 255 + 0.5).astype(np.uint8)
    small = Image.fromarray(pixels).resize((_WHOLE, _WHOLE), Image.Resampling.BILINEAR)
    edge = (_WHOLE - _SIDE) // 2
    part = small.crop((edge, edge, edge + _SIDE, edge + _SIDE))
    return np.asarray(part, np.float32) / np.float32(255)


def _line(name: str, named: int, right: int, total: int) -> str:
    return f"{name:15s} {named / total:5.0%}  {right / total:5.0%}"


if __name__ == "__main__":
    main()
