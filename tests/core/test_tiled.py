"""Scores tile by tile: the whole image's, in bounded memory."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa.core.feature_spec import DeepSteps
from jiqa.core.tile_plan import bytes_needed, tile_side, tile_spans
from jiqa.nn import NETWORKS
from jiqa.nn.graph import run, shapes, until
from jiqa.nn.receptive_field import reaches
from jiqa.registry import get_metric

#: Layers that see little around a place, so that small images make several tiles.
ALEX: dict[str, Any] = {"net": "alexnet", "layers": ("conv1", "pool1")}
VGG: dict[str, Any] = {"layers": ("relu1_1", "pool1")}

#: metric, options, and height and width of the image.
CASES: dict[str, tuple[str, dict[str, Any], tuple[int, int]]] = {
    "cnn_histogram": ("cnn_histogram", {}, (437, 570)),
    "cnn_histogram_layers": (
        "cnn_histogram",
        {"levels": (0, 5), "output": "layers", **ALEX},
        (203, 250),
    ),
    "cnn_iqm": ("cnn_iqm", ALEX, (230, 291)),
    "cnn_iqm_mae": (
        "cnn_iqm",
        {"metric": "mae", "pool_layer": "mean", **ALEX},
        (203, 250),
    ),
    "cnn_iqm_maps": (
        "cnn_iqm",
        {"per_map": True, "border": "symmetric", **ALEX},
        (230, 291),
    ),
    "cnn_iqm_peak": ("cnn_iqm", {"peak": 1.0, "border": "zero", **ALEX}, (230, 291)),
    "cnn_iqm_psnr": ("cnn_iqm", {"metric": "psnr", **ALEX}, (203, 250)),
    "content_loss": ("content_loss", {"layers": ("relu2_2",)}, (150, 163)),
    "content_loss_maps": ("content_loss", {"output": "maps", **ALEX}, (203, 250)),
    "deepsim": ("deepsim", VGG, (150, 163)),
    "deepsim_demo": ("deepsim", {"preset": "official_demo", **VGG}, (150, 163)),
    "deepsim_fd": (
        "deepsim",
        {"pool_map": "fd", "output": "maps", **VGG},
        (150, 163),
    ),
    "dfb_iqa": ("dfb_iqa", {"net": "alexnet"}, (437, 570)),
    "dfb_iqa_layer": ("dfb_iqa", {"cosine": "layer", **ALEX}, (203, 250)),
    "dfb_iqa_maps": (
        "dfb_iqa",
        {"cosine": "map", "output": "maps", **ALEX},
        (203, 250),
    ),
    "dists": ("dists", {}, (330, 341)),
    "lpips": ("lpips", {}, (437, 570)),
    "lpips_layers": ("lpips", {"output": "layers"}, (437, 570)),
    "lpips_maps": ("lpips", {"output": "maps"}, (437, 570)),
    "stlpips": ("stlpips", {}, (330, 341)),
    "style_loss": ("style_loss", ALEX, (203, 250)),
}
#: Relatives of others.
SLOW = (
    "cnn_histogram",
    "cnn_iqm_peak",
    "deepsim_demo",
    "dists",
    "lpips_layers",
    "lpips_maps",
    "stlpips",
)


def _memory(deep: DeepSteps, options: Any, side: int) -> int:
    """What tiles of that side need."""
    for memory in (int(2**20 * 1.05**k) for k in itertools.count()):
        with contextlib.suppress(ValueError):
            if (
                tile_side(deep.spec(options), deep.tile_reduction(options), memory)
                >= side
            ):
                return memory
    raise AssertionError


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.slow] if case in SLOW else [])
        for case in CASES
    ],
)
def test_tiles_give_the_whole_images_score(case, rng):
    name, options, (height, width) = CASES[case]
    metric = jiqa.load(name, **options)
    coarse = rng.random((height // 8 + 1, width // 8 + 1, 3))
    x = np.kron(coarse, np.ones((8, 8, 1)))[:height, :width].astype(np.float32)
    y = np.clip(x + rng.normal(0, 0.1, x.shape), 0, 1).astype(np.float32)
    deep = get_metric(name).deep
    assert deep is not None
    chosen = deep.with_defaults(options)
    memory = _memory(deep, chosen, 64)
    spec, tiles = deep.spec(chosen), deep.tile_reduction(chosen)
    spans = tile_spans(spec, tiles, memory, (height, width))
    assert min(map(len, spans)) > 1
    found = metric.tiled(x, y, memory=memory)
    np.testing.assert_allclose(found, metric(x, y), rtol=2e-5)
    same = np.asarray(metric.tiled(x, x, memory=memory))
    np.testing.assert_array_equal(same, np.asarray(metric(x, x)))


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


@pytest.mark.parametrize("name", ["lpips", "cnn_iqm"])
def test_the_estimate_covers_what_the_compiler_needs(name):
    deep = get_metric(name).deep
    assert deep is not None
    spec, tiles = deep.spec_for(), deep.tile_reduction(deep.with_defaults({}))
    params = {
        k: jax.ShapeDtypeStruct(shape, jnp.float32) for k, shape in spec.shapes.items()
    }
    image = jax.ShapeDtypeStruct((512, 512, 3), jnp.float32)
    metric: Any = get_metric(name)
    analysis = metric.compiled.lower(params, image, image).compile().memory_analysis()
    assert analysis.temp_size_in_bytes < 1.5 * bytes_needed(spec, tiles, 512, 512)


def test_refusals(rng):
    x = rng.random((64, 64, 3)).astype(np.float32)
    lpips = jiqa.load("lpips")
    with pytest.raises(
        ValueError, match=r"memory: expected at least .* smallest tile, got 1000"
    ):
        lpips.tiled(x, x, memory=1000)
    with pytest.raises(
        ValueError, match=r"reference: expected one image .*got shape \(1, 64"
    ):
        lpips.tiled(x[None], x[None])
    refused: list[tuple[str, Any, str]] = [
        ("cnn_iqm", {"metric": "gmsd"}, "'gmsd' needs whole feature maps"),
        ("deepsim", {"pool_map": "p20"}, "'p20' sorts whole feature maps"),
        ("deepsim", {"resize": 64}, "with resize=64 the network sees one small image"),
        ("lpips", {"output": "map"}, "is as large as the image"),
    ]
    for name, options, why in refused:
        with pytest.raises(ValueError, match=f"{name} cannot be .* in tiles: .*{why}"):
            jiqa.load(name, **options).tiled(x, x)
    with pytest.raises(TypeError, match="single metric on deep features"):
        jiqa.load("ssim").tiled(x, x)
