"""Every discovered set and kind of distortion, and the functions that apply them."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa.distortions import all_sets, distort, get_kind, list_kinds
from jiqa.distortions.kinds import Kind
from jiqa.distortions.registry import source
from jiqa.distortions.sets.dbcnn import class_table
from jiqa.distortions.sets.rankiqa_tid2013 import FOLDERS
from jiqa.metrics import psnr, ssim

PHOTO = np.asarray(Image.open(Path(jiqa.__file__).parent / "sample/reference.png"))
#: JPEG 2000 at the lowest rates needs an image that is more than its header.
CROP = PHOTO[40:200, 110:270]
SMALL = PHOTO[60:108, 150:206]
NAMES = list_kinds()
KEY = 7


def _distinct(names: list[str]) -> list[str]:
    """Names of different operations: sets share some."""
    kinds = {}
    for name in names:
        kind = get_kind(name)
        kinds.setdefault(kind.apply, name)
    return list(kinds.values())


TRACED = _distinct([n for n in NAMES if get_kind(n).where == "jax"])
#: These compare with the stretched image, in test files of their own: their generator
#: stretches every image to the whole range first, and some types go two ways.
STRETCHED = {"kadid10k", "kadis"}
RANDOM = {"denoising", "impulse_noise", "non_eccentricity", "colour_blocks"}


def _photo(kind: Kind) -> np.ndarray:
    return PHOTO if kind.where == "codec" else CROP


class _Made(NamedTuple):
    levels: np.ndarray  # [levels, H, W, C]
    again: np.ndarray  # level 1 with the same key
    other: np.ndarray  # level 1 with another


@functools.cache
def _made(name: str) -> _Made:
    # Everything of a kind at once: compiled programs do not live through all tests.
    kind = get_kind(name)
    photo = _photo(kind)
    numbers = range(1, len(kind.levels) + 1)
    levels = np.stack([np.asarray(distort(photo, name, n, KEY)) for n in numbers])
    again = np.asarray(distort(photo, name, 1, jax.random.key(KEY)))
    other = np.asarray(distort(photo, name, 1, KEY + 1))
    return _Made(levels, again, other)


@pytest.mark.parametrize("name", NAMES)
def test_shape_type_and_range_are_kept(name):
    images = _made(name).levels
    assert images.dtype == np.float32
    assert images.shape[1:] == _photo(get_kind(name)).shape
    assert images.min() >= 0 and images.max() <= 1


@pytest.mark.parametrize("name", [n for n in NAMES if n.split("/")[0] not in STRETCHED])
def test_severity_is_monotone(name):
    """Every level is worse than the one before, by PSNR or by SSIM."""
    images = _made(name).levels
    photo = _photo(get_kind(name))
    scores = [[float(m(photo, x)) for x in images] for m in (psnr, ssim)]
    falls = [all(b < a for a, b in itertools.pairwise(s)) for s in scores]
    assert any(falls), scores
    assert all(np.isfinite(scores[0])), "a level changes nothing"


@pytest.mark.parametrize("name", NAMES)
def test_one_key_one_image(name):
    made = _made(name)
    np.testing.assert_array_equal(made.again, made.levels[0])
    kind = get_kind(name).name
    if kind in RANDOM or "noise" in kind:
        assert (made.other != made.again).mean() > 1e-3
    elif name.split("/")[0] in OWN:
        np.testing.assert_array_equal(made.other, made.again)


@pytest.mark.parametrize("name", NAMES)
def test_level_zero_is_the_image(name):
    kind = get_kind(name)
    same = distort(_photo(kind), kind, 0, KEY)
    np.testing.assert_array_equal(same, _photo(kind) / np.float32(255))


@pytest.mark.parametrize("name", TRACED)
def test_compiled_batch_is_the_loop(name):
    """``jit`` of ``vmap`` gives what the plain function gives, image by image."""
    kind = get_kind(name)
    images = np.stack([SMALL, SMALL[::-1]]) / np.float32(255)
    keys = jax.random.split(jax.random.key(KEY), 2)
    parameter = kind.levels[0]
    run = jax.jit(
        jax.vmap(kind.apply, in_axes=(0, None, 0)),
        static_argnums=() if kind.traced else (1,),
    )
    batch = np.asarray(run(images, parameter, keys))
    for image, key, got in zip(images, keys, batch, strict=True):
        # Eagerly, but for the one whose loops compile for long either way.
        plain = distort(image, kind, 1, key) if kind.name == "denoising" else None
        if plain is None:
            plain = kind.apply(jnp.asarray(image), parameter, key)
        want = np.asarray(plain)
        # A sum in another order can end on the other side of a half.
        apart = np.abs(got - want)
        assert (apart > 1e-6).mean() < 2e-3
        assert apart.max() < 1.01 / 255 or kind.name == "denoising"


OWN = ("dbcnn", "rankiqa_live", "rankiqa_live_md", "rankiqa_tid2013")

TABLES = {
    "rankiqa_live/gaussian_blur": (7, 15, 39, 91, 199),
    "rankiqa_live/gaussian_noise": tuple(2.0**e for e in (-10, -7.5, -5.5, -3.5, 0)),
    "rankiqa_live/jpeg": (43, 12, 7, 4, 0),
    "rankiqa_live/jpeg2000": (0.46, 0.16, 0.07, 0.04, 0.02),
    "rankiqa_tid2013/gaussian_noise": (0.001, 0.005, 0.01, 0.05),
    "rankiqa_tid2013/colour_noise": (0.0140, 0.0198, 0.0343, 0.0524),
    "rankiqa_tid2013/high_frequency_noise": (0.001, 0.005, 0.01, 0.05),
    "rankiqa_tid2013/impulse_noise": (0.005, 0.01, 0.05, 0.1),
    "rankiqa_tid2013/quantisation": tuple(round(255 / n) for n in (27, 39, 55, 76)),
    "rankiqa_tid2013/gaussian_blur": (7, 15, 39, 91),
    "rankiqa_tid2013/denoising": (0.001, 0.005, 0.01, 0.05),
    "rankiqa_tid2013/jpeg": (43, 12, 7, 4),
    "rankiqa_tid2013/jpeg2000": (0.46, 0.16, 0.07, 0.04),
    "rankiqa_tid2013/non_eccentricity": (30, 70, 150, 300),
    "rankiqa_tid2013/brighter": (15, 30, 45, 60),
    "rankiqa_tid2013/darker": (-15, -30, -45, -60),
    "rankiqa_tid2013/lower_contrast": (0.85, 0.7, 0.55, 0.4),
    "rankiqa_tid2013/higher_contrast": (1.2, 1.4, 1.6, 1.8),
    "rankiqa_tid2013/colour_saturation": (0.4, 0, -0.4, -0.8),
    "rankiqa_tid2013/multiplicative_noise": (0.05, 0.09, 0.13, 0.2),
    "rankiqa_tid2013/dither": (64, 32, 16, 8),
    "rankiqa_tid2013/chromatic_shift": (2, 6, 10, 14),
    "dbcnn/contrast": ((0.2, 0.8), (0.3, 0.7), (0.4, 0.6), (0.45, 0.55), (0.49, 0.51)),
    "dbcnn/pink_noise": (0.3, 0.7, 1.2, 2, 4),
    "dbcnn/dither": (64, 32, 16, 8, 4),
    "dbcnn/overexposure": (0.15, 0.3, 0.45, 0.6, 0.75),
    "dbcnn/underexposure": (-0.15, -0.3, -0.45, -0.6, -0.75),
}


@pytest.mark.parametrize("name", TABLES)
def test_strengths_are_the_published_ones(name):
    np.testing.assert_allclose(get_kind(name).levels, TABLES[name], rtol=1e-12)


def test_sets_are_complete():
    sets = all_sets()
    assert set(OWN) <= set(sets)
    tid = sets["rankiqa_tid2013"].values()
    numbers = {1, 2, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 22, 23}
    assert {kind.number for kind in tid} == numbers and len(tid) == 19
    assert all(len(kind.levels) == 4 for kind in tid)
    # The authors' training list has 18 folders: no high-frequency noise.
    assert {k.name for k in tid} - set(FOLDERS.values()) == {"high_frequency_noise"}
    assert [k.number for k in tid if k.name == "colour_blocks"] == [15]
    blocks = sets["rankiqa_tid2013"]["colour_blocks"].levels
    assert [count for count, _, _ in blocks] == [2, 4, 8, 16]
    pairs = [p for k in sets["rankiqa_live_md"].values() for p in k.levels]
    assert len(pairs) == 18
    assert [k.number for k in sets["dbcnn"].values()] == list(range(1, 10))
    for name in sets:
        assert "doi:" in source(name) or "arXiv:" in source(name)


def test_classes_of_dbcnn():
    table = class_table()
    assert len(table) == len(set(table)) == 39
    # Folder names sort as text: 1-1 ... 1-5, 10-1 ... 12-5, 2-1 ... 6-5.
    assert table[4] == ("gaussian_blur", 5)
    assert table[5] == ("dither", 1)
    assert table[10:14] == (
        ("overexposure", 3),
        ("overexposure", 5),
        ("underexposure", 3),
        ("underexposure", 5),
    )
    assert table[14] == ("gaussian_noise", 1) and table[38] == ("pink_noise", 5)
    assert all(level in range(1, 6) for _, level in table)
    levels = [level for kind, level in table if kind == "overexposure"]
    assert levels == [3, 5]


def test_wide_and_floating_images_are_taken():
    want = np.asarray(distort(SMALL, "rankiqa_tid2013/brighter", 1, 0))
    wide = SMALL.astype(np.uint16) * 257
    for image in (wide, SMALL / 255.0, jnp.asarray(SMALL / np.float32(255))):
        got = np.asarray(distort(image, "rankiqa_tid2013/brighter", 1, 0))
        np.testing.assert_allclose(got, want, atol=1e-6)


def test_double_precision_is_kept():
    with jax.enable_x64(True):
        image = jnp.asarray(SMALL / 255.0)
        for name in ("rankiqa_live/gaussian_blur", "dbcnn/jpeg", "dbcnn/pink_noise"):
            got = distort(image, name, 1, 0)
            assert got.dtype == np.float64
            np.testing.assert_allclose(got * 255, np.round(got * 255), atol=1e-9)


@pytest.mark.parametrize("name", ["gaussian_noise", "jpeg", "jpeg2000", "dither"])
def test_grey_images_stay_grey(name):
    got = distort(SMALL[..., :1], f"dbcnn/{name}", 1, 0)
    assert got.shape == (*SMALL.shape[:2], 1)
    assert np.abs(np.asarray(got) * 255 - SMALL[..., :1]).max() > 0


@pytest.mark.parametrize(
    ("image", "kind", "level", "message"),
    [
        (SMALL, "rankiqa_live/gausian_blur", 1, "did you mean gaussian_blur"),
        (SMALL, "rankiq_live/jpeg", 1, "did you mean rankiqa_live"),
        (SMALL, "jpeg", 1, "expected set/kind, got 'jpeg'; did you mean jpeg"),
        (SMALL, "dbcnn/jpeg", 6, "expected 1 to 5, or 0 .*, got 6"),
        (SMALL, "dbcnn/jpeg", -1, "expected 1 to 5, or 0 .*, got -1"),
        (SMALL[None], "dbcnn/jpeg", 1, "use jax.vmap for a batch"),
        (SMALL * 1.0, "dbcnn/jpeg", 1, "divide by 255"),
        (
            SMALL[:30],
            "rankiqa_tid2013/non_eccentricity",
            1,
            "side of at least 31 pixels, got ",
        ),
        (
            SMALL[:33],
            "rankiqa_tid2013/colour_blocks",
            1,
            "side of at least 34 pixels, got ",
        ),
        (SMALL[:7], "rankiqa_tid2013/denoising", 1, "side of at least 8 pixels, got "),
        (
            SMALL[..., :1],
            "rankiqa_tid2013/colour_blocks",
            1,
            r"expected an image \[H, W, 3\], got shape",
        ),
        (
            SMALL[..., :1],
            "rankiqa_tid2013/colour_noise",
            1,
            r"expected an image \[H, W, 3\], got shape",
        ),
        (
            SMALL[..., :1],
            "rankiqa_tid2013/colour_saturation",
            1,
            r"expected an image \[H, W, 3\], got shape",
        ),
        (
            SMALL[..., :1],
            "rankiqa_tid2013/chromatic_shift",
            1,
            r"expected an image \[H, W, 3\], got shape",
        ),
    ],
)
def test_errors_say_what_is_needed(image, kind, level, message):
    with pytest.raises(ValueError, match=message):
        distort(image, kind, level, 0)


def test_codecs_refuse_to_be_traced():
    with pytest.raises(ValueError, match="jpeg runs an image codec"):
        jax.jit(lambda x: distort(x, "dbcnn/jpeg", 1, 0))(SMALL / np.float32(255))


def test_second_call_compiles_nothing():
    """One program serves every level of a kind whose parameter is traced."""
    name = "rankiqa_live/gaussian_noise"
    first = distort(SMALL, name, 1, jax.random.key(0))
    key = jax.random.key(3)
    seen = []

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        seen.append(event) if "backend_compile" in event else None

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        second = distort(SMALL, name, 5, key)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert not seen and (first != second).any()
