"""NIQE fitted anew, against NumPy."""

from __future__ import annotations

import functools

import jax
import numpy as np
import pytest
import scipy.ndimage

import jiqa
from jiqa.metrics.no_reference.niqe import (
    BlockStatistics,
    block_statistics,
    whitening,
)
from jiqa.models.model import Variables
from jiqa.models.niqe import MODEL, Config, fit, gaussian, sharp_blocks
from jiqa.ops.shipped_tables import shipped_table
from tests.helpers import local_statistics as local


@jax.jit
def _statistics(image: jax.Array) -> BlockStatistics:
    return block_statistics(image, flat="snap", luma="matlab")


_score = jax.jit(functools.partial(MODEL.score, Config()))


def _niqe(variables: Variables, image: np.ndarray) -> float:
    return float(_score(variables, np.float32(image) / np.float32(255)))


def _textures(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Fields with long correlations, each of another roughness."""
    made = []
    for k in range(count):
        noise = rng.normal(size=(192, 288, 3))
        smooth = scipy.ndimage.gaussian_filter(noise, (0.4 + 0.08 * k, 0.7, 0.3))
        field = 128 + 40 * smooth / smooth.std() + 6 * rng.normal(size=noise.shape)
        envelope = np.linspace(0.3, 1, 288)[:, None]
        made.append(np.clip(128 + envelope * (field - 128), 0, 255).astype(np.uint8))
    return made


def test_sharp_blocks_make_the_model(rng):
    images = _textures(rng, 24)
    blocks, figures = zip(*(sharp_blocks(Config(), x) for x in images), strict=True)
    mean, covariance = gaussian(blocks)
    fitted, total = fit(Config(), blocks)
    rows, masks = [], []
    for image in images:
        deviation = local.local_deviation(local.grey(image))[0]
        sharp = deviation.reshape(2, 96, 3, 96).mean((1, 3)).ravel()
        found = _statistics(np.float32(image) / np.float32(255))
        np.testing.assert_allclose(found.sharpness, sharp, rtol=1e-4)
        chosen = sharp > 0.75 * sharp.max()
        assert 0 < chosen.sum() < 6
        rows.append(np.where(found.known, found.values, np.nan)[chosen])
        masks.append(chosen)
    table = np.concatenate(rows).astype(float)
    assert [each["blocks"] for each in figures] == [mask.sum() for mask in masks]
    assert total == {"blocks": len(table)}
    np.testing.assert_allclose(mean, np.nanmean(table, 0), rtol=1e-5)
    np.testing.assert_array_equal(fitted.params["mean"], mean)
    whole = table[~np.isnan(table).any(1)]
    np.testing.assert_allclose(covariance, np.cov(whole.T), rtol=1e-4)
    # By the authors' own formula, with a pseudo-inverse.
    image = images[3]
    found = _statistics(np.float32(image) / np.float32(255))
    values = np.asarray(found.values, float)
    both = (covariance + np.cov(values.T)) / 2
    away = mean - values.mean(0)
    wanted = np.sqrt(away @ np.linalg.pinv(both) @ away)
    np.testing.assert_allclose(_niqe(fitted, image), wanted, rtol=2e-3)
    worse = np.clip(image + rng.normal(0, 60, image.shape), 0, 255).astype(np.uint8)
    assert _niqe(fitted, worse) > 1.5 * _niqe(fitted, image)


def test_the_authors_model_gives_niqe(rng):
    shipped = shipped_table("niqe")
    arrays = {"mean": shipped["mean"], "whiten": whitening(shipped["covariance"])}
    image = local.photo()
    found = _niqe(Variables(arrays, {}), image)
    np.testing.assert_allclose(found, jiqa.load("niqe")(image), rtol=1e-5)


def test_too_few_photographs(rng):
    with pytest.raises(
        ValueError,
        match=r"expected more than \d+ sharp blocks, got \d+ in 2 photographs",
    ):
        fit(Config(), [sharp_blocks(Config(), x)[0] for x in _textures(rng, 2)])
    with pytest.raises(ValueError, match="200x40"):
        sharp_blocks(Config(), np.zeros((40, 200, 3), np.uint8))
