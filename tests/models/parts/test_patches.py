"""Models of patches, against NumPy and SciPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage
import scipy.signal

from jiqa.models import cnniqa, qodcnn, wadiqam, wadiqam_fr
from jiqa.models.model import Variables
from jiqa.models.parts import patches
from jiqa.nn.graph import run


def test_cnniqa_normalises_each_patch_by_itself(rng):
    patch = rng.random((32, 32)).astype(np.float32)
    box = np.full((3, 3), 1 / 9)
    mean = scipy.signal.convolve2d(patch, box, "same", "symm")
    square = scipy.signal.convolve2d(patch**2, box, "same", "symm")
    wanted = (patch - mean) / (np.sqrt(np.maximum(square - mean**2, 0)) + 1)
    np.testing.assert_allclose(
        cnniqa.normalised(jnp.asarray(patch), 1.0), wanted, atol=1e-5
    )
    flat = jax.grad(lambda x: cnniqa.normalised(x, 1.0).sum())(jnp.full((32, 32), 0.5))
    assert np.isfinite(flat).all()


def test_cnniqa_is_its_layers(rng):
    """One patch through convolution, both ends, and three dense layers, in NumPy."""
    config = cnniqa.Config(kernels=4, hidden=6, patches=1, offset=3.0, scale=2.0)
    variables = cnniqa.init(jax.random.key(0), config)
    p = {
        k.removeprefix("head."): np.asarray(v, float)
        for k, v in variables.params.items()
    }
    grey = rng.random((32, 32)).astype(np.float32)
    image = np.repeat(grey[..., None], 3, -1)
    x = np.asarray(cnniqa.normalised(jnp.asarray(grey), 1.0), float)
    maps = [
        scipy.signal.correlate2d(x, p["conv.kernel"][:, :, 0, k], "valid")
        + p["conv.bias"][k]
        for k in range(4)
    ]
    y = np.array([m.max() for m in maps] + [m.min() for m in maps])
    for layer in ("fc1", "fc2"):
        y = np.maximum(y @ p[f"{layer}.kernel"] + p[f"{layer}.bias"], 0)
    raw = (y @ p["score.kernel"] + p["score.bias"])[0]
    found = cnniqa.MODEL.score(config, variables, jnp.asarray(image))
    np.testing.assert_allclose(found, 3 + 2 * raw, rtol=1e-4, atol=1e-4)


def test_wadiqam_weights_its_patches(rng):
    config = wadiqam.Config(widths=(3,), hidden=4)
    variables = wadiqam.init(jax.random.key(1), config)
    image = jnp.asarray(rng.random((70, 100, 3)), jnp.float32)
    cut = patches.all_patches(image)
    assert cut.shape == (1, 6, 32, 32, 3)
    outputs, _ = wadiqam.head(config, variables, cut)
    q, w = (np.asarray(outputs[k], float)[0] for k in ("local", "weight"))
    assert (w > 0.99e-6).all()
    np.testing.assert_allclose(outputs["score"], (q * w).sum() / w.sum(), rtol=1e-4)
    alone = [wadiqam.head(config, variables, cut[:, k : k + 1])[0] for k in range(6)]
    np.testing.assert_allclose([float(a["local"][0, 0]) for a in alone], q, rtol=1e-4)
    # Its chain takes pixels of 0..255.
    p = {k.removeprefix("head."): v for k, v in variables.params.items()}
    maps = run(patches.chain((3,)), p, 255 * cut[0], ["pool1"])["pool1"]
    rows = wadiqam.described(config, variables, cut, False)
    np.testing.assert_allclose(rows[0], maps.reshape(6, -1), rtol=1e-5)


def test_patchwise_loss_is_numpys(rng):
    config = wadiqam.Config(top="patchwise", offset=1.0, scale=4.0)
    local = rng.normal(size=(3, 5)).astype(np.float32)
    batch = {
        "score": np.array([2.0, np.nan, 7.0], np.float32),
        "mask": np.array([True, True, True]),
    }
    total, logs = wadiqam.loss(config, {"local": jnp.asarray(local)}, batch)
    target = (np.array([2.0, 7.0]) - 1) / 4
    away = np.abs(local[[0, 2]] - target[:, None])
    np.testing.assert_allclose(total.total, away.mean(1).sum(), rtol=1e-5)
    np.testing.assert_allclose([total.count, logs["error"].count], 2)
    np.testing.assert_allclose(logs["error"].total, 4 * away.mean(1).sum(), rtol=1e-5)


def test_with_a_reference_the_difference_counts(rng):
    """Of an image that is its own reference the first third of the rows is 0."""
    config = wadiqam.Config(widths=(3,), hidden=4, top="patchwise")
    variables = wadiqam_fr.init(jax.random.key(1), config)
    width = 3 * 16 * 16
    kernel = variables.params["head.fc1.kernel"]
    assert kernel.shape == (3 * width, 4)
    only = {**variables.params, "head.fc1.kernel": kernel.at[width:].set(0)}
    image = jnp.asarray(rng.random((32, 64, 3)), jnp.float32)
    other = jnp.asarray(rng.random((32, 64, 3)), jnp.float32)

    def score(reference):
        pair = jnp.concatenate([image, reference], -1)
        return float(wadiqam_fr.MODEL.score(config, Variables(only, {}), pair))

    assert score(image) == 0
    assert abs(score(other)) > 1e-3


def test_effective_patches_are_the_nearest(rng):
    config = qodcnn.Config(step="effective", keep=0.4, offset=1.0, scale=2.0)
    local = rng.normal(size=(2, 7)).astype(np.float32)
    batch = {"score": np.array([1.5, 3.0], np.float32), "mask": np.array([True, True])}
    target = (batch["score"] - 1) / 2
    away = np.sort(np.abs(local - target[:, None]), 1)[:, :3]
    total, _ = qodcnn.loss(config, {"local": jnp.asarray(local)}, batch)
    np.testing.assert_allclose(total.total, (away**2).mean(1).sum(), rtol=1e-5)
    slope = jax.grad(lambda x: qodcnn.loss(config, {"local": x}, batch)[0].total)(
        jnp.asarray(local)
    )
    assert ((np.asarray(slope) != 0).sum(1) == 3).all()


def test_texture_weights(rng):
    cut = rng.random((1, 2, 32, 32, 3)).astype(np.float32)
    cut[0, 1] = 0.5
    grey = 255 * cut[0, 0] @ np.array([0.299, 0.587, 0.114])
    down, right = (scipy.ndimage.sobel(grey, k)[1:-1, 1:-1] / 8 for k in (0, 1))
    found = np.asarray(qodcnn.texture(jnp.asarray(cut), "gradient"))[0]
    np.testing.assert_allclose(found[0], np.hypot(down, right).mean(), rtol=1e-4)
    np.testing.assert_allclose(found[1], 1e-6, atol=1e-4)
    spread = np.asarray(qodcnn.texture(jnp.asarray(cut), "deviation"))[0]
    np.testing.assert_allclose(spread[0], grey.std(ddof=1), rtol=1e-4)
    assert (np.asarray(qodcnn.texture(jnp.asarray(cut), "none")) == 1).all()
