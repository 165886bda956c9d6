"""Train a no-reference model on a table of scores, and score with it.

    python scripts/examples/train_on_table.py [FOLDER]

Makes 40 versions of the photograph that ships with jiqa with noise and blur of known
strength, writes a table of made-up scores beside them, trains CNNIQA on it for a minute
at most, and scores an unseen image. Your own table works the same way: a
column of file names and one of scores. FOLDER is where all that is written (a temporary
folder by default).
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

import jiqa
from jiqa.io.decode import read_image

PHOTOGRAPH = Path(jiqa.__file__).parent / "sample" / "reference.png"


def write_images(folder: Path) -> Path:
    """Versions of the photograph in ``folder``, and a table of their scores."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    photograph = Image.open(PHOTOGRAPH).convert("RGB")
    width, height = photograph.size
    rows = []
    for number in range(40):
        corner = int(rng.integers(0, width - 128)), int(rng.integers(0, height - 128))
        part = photograph.crop((*corner, corner[0] + 128, corner[1] + 128))
        strength = float(rng.random())
        blurred = np.asarray(part.filter(ImageFilter.GaussianBlur(3 * strength)))
        noisy = blurred + rng.normal(0, 30 * strength, blurred.shape)
        name = f"{number:02d}.png"
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / name)
        rows.append({"image": name, "mos": f"{5 - 4 * strength:.3f}"})
    with (folder / "scores.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["image", "mos"])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "scores.csv"


def main(folder: Path) -> None:
    """Write, train, score."""
    table = write_images(folder / "images")
    trained = jiqa.train(
        "cnniqa",
        table,
        workdir=folder / "run",
        data_dir=folder / "prepared",
        model_config={"patches": 8, "hidden": 64},
        epochs=12,
        batch_size=8,
        head_rate=1e-3,
        hold_out=0.2,
    )
    kept = ", ".join(f"{k} {v:.3f}" for k, v in trained.figures.items())
    print(f"kept the state of update {trained.best} of {trained.steps}: {kept}")
    score = trained.load()
    for name in ("noise_1.webp", "noise_3.webp"):
        value = float(score(read_image(PHOTOGRAPH.parent / name)))
        print(f"{name}: {value:.2f} on the table's scale, 1 to 5")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
