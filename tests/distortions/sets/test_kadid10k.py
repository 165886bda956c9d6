"""KADID-10k's 25 types: the published table, every kind's interface, severity."""

from __future__ import annotations

import functools
from collections import Counter
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data

from jiqa.distortions.operations.rounding import full_range, to_uint8
from jiqa.distortions.sets.kadid10k import KINDS, SOURCE, kinds, published_level
from jiqa.distortions.sets.kadis import kadis_recipe
from jiqa.metrics import psnr, ssim

BY_NAME = {kind.name: kind for kind in KINDS}
EACH = pytest.mark.parametrize("name", BY_NAME)
TRACED = [kind.name for kind in KINDS if kind.where == "jax"]

#: The authors' imdist_generator.m, in its own order of types and levels.
PUBLISHED = [
    [0.1, 0.5, 1, 2, 5],
    [1, 2, 4, 6, 8],
    [1, 2, 4, 6, 10],
    [1, 3, 6, 8, 12],
    [1, 3, 6, 8, 12],
    [64, 48, 32, 16, 8],
    [0.4, 0.2, 0.1, 0, -0.4],
    [1, 2, 3, 6, 9],
    [16, 32, 45, 120, 400],
    [43, 36, 24, 7, 4],
    [0.001, 0.002, 0.003, 0.005, 0.01],
    [0.0001, 0.0005, 0.001, 0.002, 0.003],
    [0.001, 0.005, 0.01, 0.02, 0.03],
    [0.001, 0.005, 0.01, 0.02, 0.05],
    [0.01, 0.03, 0.05, 0.1, 0.15],
    [0.1, 0.2, 0.4, 0.7, 1.1],
    [0.05, 0.1, 0.2, 0.4, 0.8],
    [0.15, 0.08, 0, -0.08, -0.15],
    [0.05, 0.1, 0.2, 0.5, 1],
    [20, 40, 60, 80, 100],
    [0.01, 0.05, 0.1, 0.2, 0.5],
    [20, 16, 13, 10, 7],
    [2, 4, 6, 8, 10],
    [1, 2, 3, 6, 12],
    [0.3, 0.15, 0, -0.4, -0.6],
]


@functools.cache
def _photograph() -> np.ndarray:
    """A colour photograph [98, 107, 3] that fills [0, 1].

    Pixelation shrinks by a factor and to a whole size: where these disagree the picture
    moves, by up to a pixel. At 98 and 107 they nearly agree at the weak levels.
    """
    part = data.chelsea()[60:158, 120:227]
    return np.asarray(full_range(jnp.asarray(part / np.float32(255), jnp.float32)))


@functools.cache
def _ladder(name: str) -> tuple[np.ndarray, ...]:
    kind = BY_NAME[name]
    image = jnp.asarray(_photograph())
    return tuple(
        np.asarray(kind.apply(image, level, jax.random.key(7))) for level in kind.levels
    )


def test_published_table():
    assert [kind.number for kind in KINDS] == list(range(1, 26))
    assert len(BY_NAME) == 25
    assert "KADID-10k" in SOURCE
    for kind, published in zip(KINDS, PUBLISHED, strict=True):
        places = [published_level(kind.name, level) for level in range(1, 6)]
        assert sorted(places) == [1, 2, 3, 4, 5]
        assert list(kind.levels) == [published[p - 1] for p in places]
        assert (places == [1, 2, 3, 4, 5]) == (kind.number not in (18, 25))


def test_published_level_names_what_is_wrong():
    with pytest.raises(ValueError, match="level: expected 1 to 5, got 6"):
        published_level("jitter", 6)
    with pytest.raises(ValueError, match=r"'blur'.*gaussian_blur"):
        published_level("blur", 1)


@EACH
def test_shape_type_range(name):
    for image in _ladder(name):
        assert image.shape == (98, 107, 3)
        assert image.dtype == np.float32
        assert image.min() >= 0 and image.max() <= 1


@EACH
def test_other_shapes_and_types(name):
    kind = BY_NAME[name]
    key = jax.random.key(0)
    with jax.enable_x64(True):
        wide = jnp.asarray(_photograph()[:60], jnp.float64)
        if kind.where == "jax":
            out = jax.eval_shape(lambda x: kind.apply(x, kind.levels[3], key), wide)
        else:
            out = kind.apply(wide, kind.levels[3], key)
        assert (out.shape, out.dtype) == (wide.shape, np.float64)
    grey = jnp.asarray(_photograph()[..., :1])
    coloured = {4, 5, 6, 7, 8, 12}
    if kind.number in coloured:
        with pytest.raises(
            ValueError, match=rf"{name}: expected .*got shape \(98, 107, 1\).*colour"
        ):
            kind.apply(grey, kind.levels[3], key)
    elif kind.where == "jax":
        out = jax.eval_shape(lambda x: kind.apply(x, kind.levels[3], key), grey)
        assert (out.shape, out.dtype) == (grey.shape, np.float32)
    else:
        assert kind.apply(grey, kind.levels[3], key).shape == grey.shape


@pytest.mark.parametrize(
    ("name", "side"), [("non_eccentricity_patch", 48), ("colour_block", 32)]
)
def test_too_small(name, side):
    image = jnp.asarray(_photograph()[: side - 1])
    with pytest.raises(
        ValueError, match=f"{name}: expected .* {side} pixels, got 107x{side - 1}"
    ):
        BY_NAME[name].apply(image, 2, jax.random.key(0))


@EACH
def test_deterministic_for_a_key(name):
    kind, first = BY_NAME[name], _ladder(name)[2]
    image, level = jnp.asarray(_photograph()), kind.levels[2]
    again = np.asarray(kind.apply(image, level, jax.random.key(7)))
    np.testing.assert_array_equal(first, again)
    other = np.asarray(kind.apply(image, level, jax.random.key(8)))
    random = {3, 5, 11, 12, 13, 14, 15, 19, 20, 23}
    assert (np.abs(first - other).max() > 0.01) == (kind.number in random)


# An eighth of a grey level: of float32's rounding errors, Lab's cube roots and large
# saturations make the most.
CLOSE = 5e-4


@pytest.mark.parametrize("name", TRACED)
def test_compiled_batch_is_loop(name):
    kind = BY_NAME[name]
    images = np.stack([_photograph(), 0.9 * _photograph()[::-1] + 0.05])
    keys = jnp.stack([jax.random.key(seed) for seed in (7, 9)])
    compiled = jax.jit(jax.vmap(lambda x, key: kind.apply(x, kind.levels[3], key)))
    batch = np.asarray(compiled(images, keys))
    np.testing.assert_allclose(batch[0], _ladder(name)[3], atol=CLOSE)
    alone = kind.apply(jnp.asarray(images[1]), kind.levels[3], keys[1])
    np.testing.assert_allclose(batch[1], alone, atol=CLOSE)


@pytest.mark.parametrize("name", ["contrast_change", "impulse_noise", "pixelate"])
def test_compiled_is_eager(name):
    kind = BY_NAME[name]
    with jax.disable_jit():
        image = jnp.asarray(_photograph())
        eager = kind.apply(image, kind.levels[1], jax.random.key(7))
    np.testing.assert_allclose(_ladder(name)[1], eager, atol=CLOSE)


def test_levels_as_a_batch():
    image, key = jnp.asarray(_photograph()), jax.random.key(7)
    darken = BY_NAME["darken"]
    ladder = jax.vmap(lambda level: darken.apply(image, level, key))
    np.testing.assert_allclose(
        ladder(jnp.asarray(darken.levels)), _ladder("darken"), atol=CLOSE
    )


def _falls(values) -> bool:
    return all(a > b for a, b in pairwise(values))


@EACH
def test_severity(name):
    reference = jnp.asarray(_photograph())
    ladder = [jnp.asarray(image) for image in _ladder(name)]
    if name == "mean_shift":
        sides = [(0, 1, 3), (0, 2, 4)]
    elif name == "contrast_change":
        # No level is the reference: the curve is the identity between two of them.
        sides = [(0, 2, 3), (1, 4)]
    else:
        sides = [tuple(range(5))]
    for side in sides:
        noise = [float(psnr(reference, ladder[i])) for i in side]
        likeness = [float(ssim(reference, ladder[i])) for i in side]
        assert _falls(noise) or _falls(likeness), (noise, likeness)


def test_stretch():
    dim = jnp.asarray(0.2 + 0.5 * _photograph())
    key = jax.random.key(0)
    authors = BY_NAME["darken"].apply(dim, 0.05, key)
    assert float(authors.min()) == 0 and float(authors.max()) == 1
    plain = {kind.name: kind for kind in kinds(stretch=False)}
    np.testing.assert_array_equal(plain["mean_shift"].apply(dim, 0, key), dim)
    np.testing.assert_allclose(
        plain["mean_shift"].apply(dim, 0.15, key), jnp.clip(dim + 0.15, 0, 1), atol=1e-7
    )
    flat = jnp.full((8, 9, 3), 0.25)
    np.testing.assert_array_equal(full_range(flat), flat)


def test_halves_round_up():
    levels = to_uint8(np.array([0.5, 1.5, 2.5, 254.5, 300, -4]) / 255)
    assert levels.tolist() == [1, 2, 3, 255, 255, 0]


def test_denoiser_is_a_choice():
    image = jnp.asarray(_photograph())
    nothing = {k.name: k for k in kinds(stretch=False, denoiser=lambda x, _: x)}
    noisy = nothing["denoise"].apply(image, 0.01, jax.random.key(7))
    same = {k.name: k for k in kinds(stretch=False)}["white_noise"]
    np.testing.assert_array_equal(noisy, same.apply(image, 0.01, jax.random.key(7)))


def test_recipe():
    names = [f"{i:05d}.png" for i in range(5000)]
    rows = list(kadis_recipe(names, 3))
    assert rows == list(kadis_recipe(iter(names), 3))
    assert rows != list(kadis_recipe(names, 4))
    assert [row.name for row in rows] == [n for n in names for _ in range(5)]
    assert [row.level for row in rows] == [1, 2, 3, 4, 5] * len(names)
    for first in range(0, len(rows), 5):
        assert len({row.kind for row in rows[first : first + 5]}) == 1
    drawn = Counter(row.kind for row in rows[::5])
    assert set(drawn) == {f"kadid10k/{name}" for name in BY_NAME}
    # 200 each on average, with a deviation of 14
    assert min(drawn.values()) > 140 and max(drawn.values()) < 260


def test_recipe_of_some_types():
    authors = (*range(1, 8), 7, *range(9, 26))
    drawn = Counter(
        row.kind for row in kadis_recipe(map(str, range(5000)), 0, types=authors)
    )
    assert "kadid10k/colour_saturation_2" not in drawn
    assert drawn["kadid10k/colour_saturation_1"] > 1.5 * 5 * 5000 / 25
    with pytest.raises(ValueError, match=r"types: expected .*1 to 25, got .*26"):
        kadis_recipe(["a"], 0, types=[26])
    with pytest.raises(ValueError, match="types: expected at least one"):
        kadis_recipe(["a"], 0, types=[])
