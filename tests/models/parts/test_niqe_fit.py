"""NIQE estimated anew, and PIQE, against NumPy."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

import jiqa
from jiqa.metrics.no_reference.niqe import BlockStatistics, block_statistics
from jiqa.models.parts.niqe_fit import Pristine, fit_niqe, load_pristine
from jiqa.ops.natural_scene_statistics import model
from tests.helpers.golden_open import FOLDER


def _grey(image: np.ndarray) -> np.ndarray:
    weights = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
    return np.floor(image.astype(float) @ weights + 0.5)


def _local_deviation(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    taps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    taps /= taps.sum()

    def smooth(v: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            v = scipy.ndimage.correlate1d(v, taps, axis, mode="nearest")
        return v

    mean = smooth(x)
    return np.sqrt(np.abs(smooth(x * x) - mean * mean)), mean


def _photo(name: str = "chelsea_ref.png") -> np.ndarray:
    return np.asarray(Image.open(FOLDER / "images" / name))


@jax.jit
def _statistics(image: jax.Array) -> BlockStatistics:
    return block_statistics(image, flat="snap", luma="matlab")


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


def test_sharp_blocks_make_the_model(rng, tmp_path):
    images = _textures(rng, 24)
    fitted = fit_niqe(iter(images))
    rows, masks = [], []
    for image in images:
        deviation = _local_deviation(_grey(image))[0]
        sharp = deviation.reshape(2, 96, 3, 96).mean((1, 3)).ravel()
        found = _statistics(np.float32(image) / np.float32(255))
        np.testing.assert_allclose(found.sharpness, sharp, rtol=1e-4)
        chosen = sharp > 0.75 * sharp.max()
        assert 0 < chosen.sum() < 6
        rows.append(np.where(found.known, found.values, np.nan)[chosen])
        masks.append(chosen)
    table = np.concatenate(rows).astype(float)
    assert fitted.images == 24
    assert fitted.blocks == len(table) == np.concatenate(masks).sum()
    np.testing.assert_allclose(fitted.mean, np.nanmean(table, 0), rtol=1e-5)
    whole = table[~np.isnan(table).any(1)]
    np.testing.assert_allclose(fitted.covariance, np.cov(whole.T), rtol=1e-4)
    # By the authors' own formula, with a pseudo-inverse.
    image = images[3]
    found = _statistics(np.float32(image) / np.float32(255))
    values = np.asarray(found.values, float)
    both = (fitted.covariance + np.cov(values.T)) / 2
    away = fitted.mean - values.mean(0)
    wanted = np.sqrt(away @ np.linalg.pinv(both) @ away)
    np.testing.assert_allclose(fitted.score(image), wanted, rtol=2e-3)
    worse = np.clip(image + rng.normal(0, 60, image.shape), 0, 255).astype(np.uint8)
    assert float(fitted.score(worse)) > 1.5 * float(fitted.score(image))
    fitted.save(tmp_path / "model.npz")
    again = load_pristine(tmp_path / "model.npz")
    assert float(again.score(image)) == float(fitted.score(image))
    assert (again.images, again.blocks) == (fitted.images, fitted.blocks)


def test_the_authors_model_gives_niqe(rng):
    shipped = model("niqe")
    theirs = Pristine(shipped["mean"], shipped["covariance"], 125, 0)
    image = _photo()
    np.testing.assert_allclose(theirs.score(image), jiqa.load("niqe")(image), rtol=1e-5)


def test_too_few_photographs(rng, tmp_path, caplog):
    with pytest.raises(
        ValueError,
        match=r"expected more than \d+ sharp blocks, got \d+ in 2 photographs",
    ):
        fit_niqe([*_textures(rng, 2), np.zeros((40, 200, 3), np.uint8)])
    assert "an image of 200x40" in caplog.text
    np.savez(tmp_path / "other.npz", mean=np.zeros(36))
    with pytest.raises(ValueError, match="not a model of NIQE, blocks, covariance"):
        load_pristine(tmp_path / "other.npz")


def _piqe(grey: np.ndarray, mode: Any = "edge") -> float:
    """PIQE block by block, as MathWorks' program goes about it."""
    missing = [(0, -n % 16) for n in grey.shape]
    grey = np.pad(grey, missing, mode=mode)
    deviation, mean = _local_deviation(grey)
    field = (grey - mean) / (deviation + 1)
    score, active = 0.0, 0
    for top in range(0, field.shape[0], 16):
        for left in range(0, field.shape[1], 16):
            block = field[top : top + 16, left : left + 16]
            variance = block.var(ddof=1)
            if variance <= 0.1:
                continue
            active += 1
            edges = [block[0], block[-1], block[:, 0], block[:, -1]]
            blocky = any(
                edge[k : k + 6].std(ddof=1) < 0.1 for edge in edges for k in range(11)
            )
            around = np.delete(np.delete(block, 7, 1), 8, 1).std(ddof=1)
            ratio = block[:, 7:9].std(ddof=1) / around
            spread = np.sqrt(variance)
            noisy = spread > 2 * abs(spread - ratio) / max(spread, ratio)
            score += blocky * (1 - variance) + noisy * variance
    return 100 * (score + 1) / (active + 1)


def test_piqe_is_its_loops(rng):
    piqe = jiqa.load("piqe")
    photo = _photo()[:150, :205]
    noisy = np.clip(photo + rng.normal(0, 25, photo.shape), 0, 255).astype(np.uint8)
    coarse = photo // 48 * 48
    for image in (photo, noisy, coarse):
        np.testing.assert_allclose(piqe(image), _piqe(_grey(image)), rtol=1e-4)
    mirrored = jiqa.load("piqe", border="symmetric")
    np.testing.assert_allclose(
        mirrored(coarse), _piqe(_grey(coarse), "symmetric"), rtol=1e-4
    )
    assert float(piqe(noisy)) > float(piqe(photo))
    assert float(piqe(np.full((40, 33, 1), 90, np.uint8))) == 100
