"""Feature maps of a pretrained network, and what gradients say about them.

    pip install '.[pretrained]'
    python scripts/examples/tap_backbone.py

Takes AlexNet's first and last convolution of the photograph that ships with jiqa,
prints their shapes and the maps that answer most, and follows one map back to the
pixels. Then it compares images in those features with LPIPS, which needs the same
pass.
"""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jiqa
from jiqa.io.decode import read_image
from jiqa.nn import NETWORKS
from jiqa.nn.graph import run
from jiqa.nn.preprocessing import standardise

SAMPLE = Path(jiqa.__file__).parent / "sample"


def main() -> None:
    """Tap, explain, compare."""
    image = jnp.asarray(read_image(SAMPLE / "reference.png") / 255, jnp.float32)
    nodes = NETWORKS["alexnet"].layers()
    params = jiqa.weights.load("alexnet").params

    @jax.jit
    def maps(x: jax.Array) -> dict[str, jax.Array]:
        return run(nodes, params, standardise(x), ["relu1", "relu5"])

    found = maps(image)
    for name, values in found.items():
        means = np.asarray(values.mean((0, 1)))
        strongest = ", ".join(str(k) for k in np.argsort(-means)[:3])
        print(f"{name}: maps {values.shape}, the strongest are {strongest}")
    strongest = int(np.argmax(np.asarray(found["relu5"].mean((0, 1)))))
    slope = jax.grad(lambda x: maps(x)["relu5"][..., strongest].mean())(image)
    y, x = np.unravel_index(np.argmax(np.abs(slope).sum(-1)), slope.shape[:2])
    print(f"map {strongest} of relu5 hangs most on the pixel at row {y}, column {x}")

    lpips = jiqa.load("lpips")
    for name in ("blur_1.webp", "blur_2.webp", "blur_3.webp"):
        score = lpips(image, jnp.asarray(read_image(SAMPLE / name) / 255, jnp.float32))
        print(f"LPIPS of {name}: {float(score):.4f}")


if __name__ == "__main__":
    main()
