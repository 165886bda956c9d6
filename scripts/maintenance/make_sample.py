"""Make the bundled sample: one photograph and nine distorted versions.

    python scripts/maintenance/make_sample.py \
        tests/golden/open/images/chelsea_ref.png jiqa/sample

Writes reference.png (384x256, cut from Chelsea by Stefan van der Walt, CC0) and, at
three strengths each, Gaussian noise (seeded), Gaussian blur and JPEG, and prints the
size of each file. The files in the repository are what this prints and writes today.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from jiqa.cli.common.parser import script_parser


def main() -> None:
    """Write the files."""
    parser = script_parser(__doc__)
    parser.add_argument("photograph", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    photo = Image.open(arguments.photograph).crop((40, 20, 424, 276))
    photo.save(folder / "reference.png", optimize=True)
    pixels = np.asarray(photo, np.float64)
    rng = np.random.default_rng(2004)
    for level, sigma in enumerate((6, 15, 36), start=1):
        noisy = pixels + sigma * rng.standard_normal(pixels.shape)
        image = Image.fromarray(np.clip(np.round(noisy), 0, 255).astype(np.uint8))
        image.save(folder / f"noise_{level}.webp", lossless=True, quality=100)
    for level, sigma in enumerate((0.7, 1.5, 3.2), start=1):
        blurred = gaussian_filter(pixels, (sigma, sigma, 0))
        image = Image.fromarray(np.round(blurred).astype(np.uint8))
        image.save(folder / f"blur_{level}.webp", lossless=True, quality=100)
    for level, quality in enumerate((40, 12, 4), start=1):
        photo.save(folder / f"jpeg_{level}.jpg", quality=quality)
    for path in sorted(folder.iterdir()):
        print(f"{path.name:16} {path.stat().st_size:8} bytes")


if __name__ == "__main__":
    main()
