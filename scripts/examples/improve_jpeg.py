"""A metric descended on the pixels of an image: artefacts of JPEG disappear.

    python scripts/examples/improve_jpeg.py

Compresses a part of the photograph that ships with jiqa, and changes the compressed
image by Adam (Optax) such that SSIMULACRA 2 rises. Prints what that metric, SSIM and
PSNR say before and after, and writes improve_jpeg.png: the photograph, its compressed
version and the improved one. What a metric does not see stays: the picture shows what
it asks for. Takes a quarter of a minute on two cores, most of it to compile the
gradient.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from PIL import Image

import jiqa
from jiqa.metrics import psnr, ssim, ssimulacra2

PHOTOGRAPH = Path(jiqa.__file__).parent / "sample" / "reference.png"
PICTURE = Path("improve_jpeg.png")
SIDE, QUALITY, STEPS = 160, 15, 60


def compressed(image: Image.Image) -> Image.Image:
    """The image after JPEG."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return Image.open(file).convert("RGB")


def as_array(image: Image.Image) -> jax.Array:
    """Pixels ``[H, W, 3]`` in [0, 1]."""
    return jnp.asarray(np.asarray(image, np.float32) / 255)


def improved(reference: jax.Array, image: jax.Array) -> jax.Array:
    """``image`` with a better score against ``reference``."""
    optimiser = optax.adam(optax.cosine_decay_schedule(4e-3, STEPS))

    @jax.jit
    def step(image: jax.Array, state: optax.OptState):
        score, slope = jax.value_and_grad(ssimulacra2, 1)(reference, image)
        # The optimiser descends, and a higher score is better.
        change, state = optimiser.update(-slope, state)
        moved: Any = optax.apply_updates(image, change)
        return jnp.clip(moved, 0, 1), state, score

    state = optimiser.init(image)
    for number in range(STEPS):
        image, state, score = step(image, state)
        if number % 15 == 0:
            print(f"  step {number}: SSIMULACRA 2 {float(score):.2f}")
    return image


def main() -> None:
    """Compress, improve, compare, write."""
    photograph = Image.open(PHOTOGRAPH).convert("RGB")
    left, top = ((n - SIDE) // 2 for n in photograph.size)
    photograph = photograph.crop((left, top, left + SIDE, top + SIDE))
    reference, start = as_array(photograph), as_array(compressed(photograph))
    images = {"JPEG": start, "improved": improved(reference, start)}
    print(f"{'':10}SSIMULACRA 2   SSIM   PSNR")
    for name, image in images.items():
        print(
            f"{name:10}{float(ssimulacra2(reference, image)):12.2f}  "
            f"{float(ssim(reference, image)):.4f}  "
            f"{float(psnr(reference, image)):.2f}"
        )
    row = np.concatenate([reference, *images.values()], axis=1)
    Image.fromarray(np.round(row * 255).astype(np.uint8)).save(PICTURE)
    print(f"photograph, JPEG and improved: {PICTURE}")


if __name__ == "__main__":
    main()
