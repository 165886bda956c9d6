"""Scores tile by tile: the whole image's, in bounded memory."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa.catalogue import get_metric
from jiqa.nn import NETWORKS
from jiqa.nn.layers import run, shapes, until
from jiqa.nn.receptive import reaches
from jiqa.tiling import bytes_per_pixel, tile_side

MEMORY = 60_000_000

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "lpips": ("lpips", {}),
    "lpips_layers": ("lpips", {"output": "layers"}),
    "dfb_iqa": ("dfb_iqa", {"net": "alexnet"}),
    "content": ("content_loss", {"layers": ("relu2_2", "relu3_1")}),
    "dists": ("dists", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_tiles_give_the_whole_images_score(case, rng):
    name, options = CASES[case]
    metric = jiqa.load(name, **options)
    height, width = (437, 570) if name != "dists" else (330, 291)
    coarse = rng.random((height // 8 + 1, width // 8 + 1, 3))
    x = np.kron(coarse, np.ones((8, 8, 1)))[:height, :width].astype(np.float32)
    y = np.clip(x + rng.normal(0, 0.1, x.shape), 0, 1).astype(np.float32)
    memory = MEMORY * (10 if name == "dists" else 1)
    learned = get_metric(name).learned
    assert learned is not None
    assert tile_side(learned.wiring(**options), memory) < min(height, width) - 32
    np.testing.assert_allclose(
        metric.tiled(x, y, memory=memory), metric(x, y), rtol=2e-5
    )
    assert np.all(np.asarray(metric.tiled(x, x, memory=memory)) == 0)


@pytest.mark.parametrize(
    ("network", "taps"),
    [
        ("alexnet", ["conv1", "pool2", "relu5"]),
        ("vgg16", ["relu1_2", "pool3"]),
        ("squeezenet1_1", ["relu1", "fire3", "fire5"]),
        ("mobilenet_v1", ["relu1", "relu3_depthwise"]),
    ],
)
def test_reach_is_what_a_sample_depends_on(network, taps, rng):
    nodes = NETWORKS[network].layers()
    names = [node.name for node in nodes]
    taps = [tap for tap in taps if tap in names] or [names[8]]
    params = {
        key: jnp.asarray(rng.random(shape) * 0.1 + 0.01, jnp.float32)
        for key, shape in shapes(until(nodes, taps)).items()
    }
    features = jax.jit(lambda x: run(nodes, params, x, taps))
    image = rng.random((192, 192, 3)).astype(np.float32)
    before = features(image)
    for tap, reach in reaches(nodes, taps).items():
        place = 96 // reach.stride
        first, last = place * reach.stride - reach.before, place * reach.stride
        last += reach.after
        for shrunk, same in ((0, True), (max(1, (last - first) // 4), False)):
            # Everything changes but what the sample may depend on.
            other = 1 - image
            seen = slice(first + shrunk, last + 1 - shrunk)
            other[seen, seen] = image[seen, seen]
            after = features(other)
            found = np.allclose(
                after[tap][place, place], before[tap][place, place], rtol=1e-5
            )
            assert found == same


def test_the_estimate_covers_what_the_compiler_needs():
    learned = get_metric("lpips").learned
    assert learned is not None
    wiring = learned.wiring()
    params = {
        k: jax.ShapeDtypeStruct(shape, jnp.float32)
        for k, shape in wiring.shapes.items()
    }
    image = jax.ShapeDtypeStruct((512, 512, 3), jnp.float32)
    metric: Any = get_metric("lpips")
    analysis = metric.compiled.lower(params, image, image).compile().memory_analysis()
    assert analysis.temp_size_in_bytes < 1.5 * bytes_per_pixel(wiring) * 512**2


def test_refusals(rng):
    x = rng.random((64, 64, 3)).astype(np.float32)
    lpips = jiqa.load("lpips")
    with pytest.raises(ValueError, match="memory of 1000 bytes; the smallest tile"):
        lpips.tiled(x, x, memory=1000)
    with pytest.raises(ValueError, match="tiles need one pair"):
        lpips.tiled(x[None], x[None])
    with pytest.raises(ValueError, match="looks at whole feature maps"):
        jiqa.load("cnn_iqm").tiled(x, x)
    with pytest.raises(ValueError, match="looks at whole feature maps"):
        jiqa.load("lpips", output="map").tiled(x, x)
    with pytest.raises(TypeError, match="one metric on learned features"):
        jiqa.load("ssim").tiled(x, x)
