"""DBCNN's bilinear pooling and its classes, against NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jiqa.models import dbcnn
from jiqa.models.dbcnn import CLASSES, Config, bilinear
from jiqa.nn import NETWORKS
from jiqa.nn.graph import required


def test_bilinear_pooling_is_numpys(rng):
    first = np.maximum(rng.normal(size=(2, 5, 4, 6)), 0).astype(np.float32)
    second = np.maximum(rng.normal(size=(2, 5, 4, 3)), 0).astype(np.float32)
    rows = []
    for a, b in zip(first.astype(float), second.astype(float), strict=True):
        product = a.reshape(-1, 6).T @ b.reshape(-1, 3) / 20
        root = np.sqrt(product.ravel() + 1e-8)
        rows.append(root / np.linalg.norm(root))
    found = bilinear(jnp.asarray(first), jnp.asarray(second))
    np.testing.assert_allclose(found, rows, rtol=1e-5)


def test_maps_of_other_sizes_meet_as_in_pytorch(rng):
    first = np.ones((1, 6, 8, 1), np.float32)
    second = rng.random((1, 4, 9, 2)).astype(np.float32)
    wide = torch.nn.functional.interpolate(
        torch.from_numpy(second).permute(0, 3, 1, 2), size=(6, 8), mode="bilinear"
    )
    means = wide.mean((2, 3)).numpy()[0].astype(float)
    root = np.sqrt(means + 1e-8)
    found = bilinear(jnp.asarray(first), jnp.asarray(second))
    np.testing.assert_allclose(found[0], root / np.linalg.norm(root), rtol=1e-5)


def test_cross_entropy_is_numpys(rng):
    config = Config(step="distortion", classes=((0, 1), (0, 2), (3, 1)))
    logits = rng.normal(size=(5, 3)).astype(np.float32)
    batch = {
        "group": np.array([0, 3, 0, 3, -1], np.int32),
        "level": np.array([2, 1, 5, 1, 0], np.int32),
        "mask": np.array([True, True, True, False, True]),
    }
    total, logs = dbcnn.loss(config, {"logits": jnp.asarray(logits)}, batch)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(total.total, -np.log(p[0, 1] * p[1, 2]), rtol=1e-5)
    assert total.count == 2
    hits = (logits[0].argmax() == 1) + int(logits[1].argmax() == 2)
    assert float(logs["accuracy"].total) == hits


def test_scnn_has_the_keys_of_its_weights():
    """What pre-training leaves and what is published both fill the second step."""
    for scnn in ("scnn", "scnn_plain", "scnn_matconvnet"):
        kept = {}
        for step in ("distortion", "score"):
            config = Config(step=step, scnn=scnn)
            drawn = jax.eval_shape(
                lambda k, config=config: dbcnn.init(k, config), jax.random.key(0)
            )
            arrays = {**drawn.params, **drawn.state}
            kept[step] = {
                k.removeprefix(dbcnn.SCNN): v.shape
                for k, v in arrays.items()
                if k.startswith(dbcnn.SCNN)
            }
        assert kept["distortion"] == kept["score"] == required(NETWORKS[scnn])


def test_classifier_is_the_networks(rng):
    """Trunk, means and classifier in two steps are the S-CNN's logits."""
    config = dbcnn.Config(step="distortion", scnn="scnn_plain")
    variables = dbcnn.init(jax.random.key(3), config)
    images = jnp.asarray(rng.random((2, 32, 32, 3)), jnp.float32)
    found = dbcnn.MODEL.apply(config, variables, images)[0]
    net = NETWORKS["scnn_plain"]
    arrays = {**variables.params, **variables.state}
    params = {
        k.removeprefix(dbcnn.SCNN).removeprefix("head."): v for k, v in arrays.items()
    }
    wanted = net.logits(params, net.preprocess(images))
    np.testing.assert_allclose(found["logits"], wanted, rtol=1e-4, atol=1e-5)
    p = np.asarray(jax.nn.softmax(wanted))
    levels = np.array([level for _, level in CLASSES])
    np.testing.assert_allclose(found["score"], -(p @ levels), rtol=1e-5)
