"""A metric as the loss of a Flax model that Optax trains: removing noise.

    python scripts/examples/metric_as_loss.py

Trains a small network to clean noisy crops of the photograph that ships with jiqa, once
by the mean squared error alone and once with SSIM beside it, and prints what each
network makes of a part that it has not seen. SSIM looks at luma: the squared error
keeps the colours. Takes a quarter of a minute on two cores.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from PIL import Image

import jiqa
from jiqa.metrics import ms_gmsd, mse, psnr, ssim

PHOTOGRAPH = Path(jiqa.__file__).parent / "sample" / "reference.png"
NOISE, CROP, STEPS = 0.1, 48, 60


class Cleaner(nnx.Module):
    """Three convolutions that estimate the noise."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        """Draw the kernels."""
        widths = (3, 24, 24, 3)
        self.layers = nnx.List(
            [nnx.Conv(a, b, (3, 3), rngs=rngs) for a, b in itertools.pairwise(widths)]
        )

    def __call__(self, noisy: jax.Array) -> jax.Array:
        """Images ``[B, H, W, 3]`` without their noise, clipped to [0, 1]."""
        x = noisy
        for layer in self.layers[:-1]:
            x = nnx.relu(layer(x))
        return jnp.clip(noisy - self.layers[-1](x), 0, 1)


def batches(photograph: np.ndarray, seed: int):
    """Crops of the upper half, with and without noise, without end."""
    rng = np.random.default_rng(seed)
    height, width = photograph.shape[0] // 2 - CROP, photograph.shape[1] - CROP
    while True:
        corners = zip(
            rng.integers(0, height, 8), rng.integers(0, width, 8), strict=True
        )
        clean = np.stack([photograph[y : y + CROP, x : x + CROP] for y, x in corners])
        noise = rng.normal(0, NOISE, clean.shape)
        yield clean, np.clip(clean + noise, 0, 1).astype(np.float32)


def trained(loss: Callable, photograph: np.ndarray) -> Cleaner:
    """A network that was trained by ``loss(clean, cleaned)``."""
    model = Cleaner(nnx.Rngs(0))
    optimiser = nnx.Optimizer(model, optax.adam(3e-3), wrt=nnx.Param)

    @nnx.jit
    def step(model: Cleaner, optimiser: nnx.Optimizer, clean, noisy):
        value, slopes = nnx.value_and_grad(lambda m: loss(clean, m(noisy)).mean())(
            model
        )
        optimiser.update(model, slopes)
        return value

    for number, (clean, noisy) in zip(
        range(STEPS), batches(photograph, 1), strict=False
    ):
        value = step(model, optimiser, clean, noisy)
        if number % 20 == 19:
            print(f"  step {number + 1}: loss {float(value):.4f}")
    return model


def main() -> None:
    """Train twice, and compare on the lower half."""
    pixels = np.asarray(Image.open(PHOTOGRAPH).convert("RGB"))
    photograph = pixels.astype(np.float32) / 255
    losses = {
        "mse": mse,
        "mse and ssim": lambda x, y: mse(x, y) + 0.05 * (1 - ssim(x, y)),
    }
    unseen = photograph[photograph.shape[0] // 2 :]
    noise = np.random.default_rng(2).normal(0, NOISE, unseen.shape)
    noisy = np.clip(unseen + noise, 0, 1).astype(np.float32)
    results = {"noisy": noisy}
    for name, loss in losses.items():
        print(f"trained by {name}")
        results[name] = np.asarray(
            trained(loss, photograph)(jnp.asarray(noisy[None]))[0]
        )
    print(f"{'':12}  PSNR    SSIM    MS-GMSD (lower is better)")
    for name, image in results.items():
        print(
            f"{name:12}  {float(psnr(unseen, image)):.2f}   "
            f"{float(ssim(unseen, image)):.4f}  {float(ms_gmsd(unseen, image)):.4f}"
        )


if __name__ == "__main__":
    main()
