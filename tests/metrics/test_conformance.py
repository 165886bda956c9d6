"""What every metric must hold, run over everything that is discovered."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa.registry import get_metric

FULL = jiqa.list_metrics(kind="full-reference", classical=True)
NONE = jiqa.list_metrics(kind="no-reference", classical=True)
ALL = FULL + NONE
#: Their programs are another's but for the last step and compile for long: all tests
#: of these that compile run with ``-m slow``.
_RELATIVES = {"hdrflip", "ifc", "iw_mse", "iw_psnr", "psnr_ha"}
#: These compile for long themselves, and run some of the tests with ``-m slow``.
_HEAVY = {"butteraugli", "vif", "iw_ssim", "ssimulacra2"}
#: Of so many operations that one by one they take long.
_MANY_STEPS = frozenset(
    ("adm", "cambi", "cvvdp", "mad", "ms_ssim", "niqe", "nlpd", "vmaf", "vsnr")
)


def _costly(
    names: list[str], *, heavy: bool = False, besides: frozenset[str] = frozenset()
) -> list[Any]:
    slow = _RELATIVES | besides | (_HEAVY if heavy else set())
    return [
        pytest.param(n, marks=[pytest.mark.slow] if n in slow else []) for n in names
    ]


#: Of how a program is called, of the images' type and of its derivative, relatives say
#: nothing new.
DISTINCT = [name for name in FULL if name not in _RELATIVES]

COLOUR = [pytest.param(3, id="rgb"), pytest.param(1, id="grey")]


#: Options without which a score has steps and no slope that a difference shows.
SMOOTH = {
    n: {"quantise": False}
    for n in ("ciede2000_db", "psnr_ha", "psnr_hma", "vsnr", "xpsnr")
}


#: Noise hides what these look for.
_HIDDEN_BY_NOISE = {"cambi"}


#: MAD sees nothing of a mild distortion in a small image, and scores it 0. Blurs of
#: Butteraugli's reach over 50 pixels.
SIDES = {"mad": 128, "butteraugli": 192}


def _side(name: str) -> int:
    return max(get_metric(name).info.min_side, SIDES.get(name, 48))


@functools.cache
def _photo(side: int, channels: int = 3) -> np.ndarray:
    """A photograph's crop, float32 in [0, 1]; camera and chelsea carry licences."""
    from tests.helpers.golden_open import FOLDER

    name = "chelsea_ref.png" if channels == 3 else "camera_ref.png"
    left, top = (60, 40) if channels == 3 else (170, 100)  # detail, not sky
    pixels = Image.open(FOLDER / "images" / name)
    pixels = pixels.crop((left, top, left + side, top + side))
    return np.asarray(pixels, np.float32).reshape(side, side, channels) / 255


def _noisy(image: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(image.shape)
    return np.clip(image + sigma * noise, 0, 1).astype(np.float32)


def _images(
    name: str, channels: int = 3, sigma: float = 0.05
) -> tuple[np.ndarray, ...]:
    """The arguments of a metric: reference and distorted, or one image."""
    photo = _photo(_side(name), channels)
    noisy = _noisy(photo, sigma)
    return (photo, noisy) if name in FULL else (noisy,)


def _compilations(call: Any) -> int:
    seen = []
    listener: Any = lambda event, duration, **_: (  # noqa: E731
        seen.append(event) if "backend_compile" in event else None
    )
    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        jax.block_until_ready(call())
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
    return len(seen)


@pytest.mark.parametrize("channels", COLOUR)
@pytest.mark.parametrize("name", _costly(FULL))
def test_identity(name: str, channels: int) -> None:
    metric = get_metric(name)
    photo = _photo(_side(name), channels)
    value = np.asarray(metric(photo, photo))
    assert value.dtype == np.float32 and value.shape == ()
    if metric.info.identity is None:
        assert not np.isnan(value)
    else:
        np.testing.assert_allclose(value, metric.info.identity, rtol=2e-6, atol=1e-5)


@pytest.mark.parametrize("name", _costly(FULL, heavy=True))
def test_symmetry_is_as_declared(name: str) -> None:
    metric = get_metric(name)
    x, _ = _images(name)
    y = _noisy(0.6 * x, 0.1)
    forth, back = float(metric(x, y)), float(metric(y, x))
    same = np.isclose(forth, back, rtol=1e-5, atol=1e-6)
    assert same == metric.info.symmetric, (forth, back)


@pytest.mark.parametrize("channels", COLOUR)
@pytest.mark.parametrize("name", _costly(ALL))
def test_range_and_finite(name: str, channels: int) -> None:
    metric = get_metric(name)
    low, high = metric.info.range
    value = float(metric(*_images(name, channels)))
    assert np.isfinite(value)
    assert low - 1e-6 <= value <= high + 1e-6


@pytest.mark.parametrize("name", _costly(DISTINCT + NONE, heavy=True))
def test_batch_loop_vmap_and_jit_agree(name: str) -> None:
    metric = get_metric(name)
    pairs = [_images(name, sigma=s) for s in (0.02, 0.05, 0.2)]
    stacked = tuple(np.stack(p) for p in zip(*pairs, strict=True))
    loop = np.array([metric(*p) for p in pairs])
    batch = np.asarray(metric(*stacked))
    twice = np.asarray(metric(*(s[:2].reshape(1, 2, *s.shape[1:]) for s in stacked)))
    assert batch.shape == (3,) and twice.shape == (1, 2)
    # One image at a time or in a batch: the same program, so the same digits.
    np.testing.assert_allclose(batch, loop, rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(twice[0], batch[:2], rtol=1e-6, atol=1e-8)
    vmapped = np.asarray(jax.jit(jax.vmap(metric))(*stacked))
    np.testing.assert_allclose(vmapped, loop, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name", _costly(DISTINCT + NONE, heavy=True, besides=_MANY_STEPS)
)
def test_jit_equals_eager(name: str) -> None:
    metric = get_metric(name)
    images = _images(name)
    with jax.disable_jit():
        eager = float(metric(*images))
    np.testing.assert_allclose(float(metric(*images)), eager, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", _costly(ALL, heavy=True))
def test_second_call_compiles_nothing(name: str) -> None:
    metric = get_metric(name)
    images = _images(name)
    jax.block_until_ready(metric(*images))
    fresh = tuple(np.ascontiguousarray(x[::-1]) for x in images)
    assert _compilations(lambda: metric(*fresh)) == 0
    loaded = jiqa.load(name)
    jax.block_until_ready(loaded(*images))
    assert _compilations(lambda: loaded(*fresh)) == 0


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize("name", DISTINCT)
def test_half_precision_gives_single_and_its_gradient_half(
    name: str, dtype: Any
) -> None:
    image = jax.ShapeDtypeStruct(_images(name)[0].shape, dtype)
    metric = get_metric(name)
    value, gradient = jax.eval_shape(jax.value_and_grad(metric), image, image)
    assert value.dtype == jnp.float32
    assert gradient.dtype == dtype


#: Every metric takes images in and gives gradients out by the same lines, which these
#: try: by pixels and by windows, with a transform, with colour, at several scales.
_IN_HALF = ("psnr", "ssim", "gmsd", "haarpsi", "mdsi", "fsim", "psnr_hvs", "ms_gmsd")


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize("name", _IN_HALF)
def test_half_precision_has_the_gradient_of_single(name: str, dtype: Any) -> None:
    """At points that both types hold, to the half type's rounding."""
    metric = get_metric(name)
    photo, noisy = (jnp.asarray(x, dtype) for x in _images(name))
    slope = jax.jit(jax.value_and_grad(lambda d, r: metric(r, d)))
    value, gradient = slope(noisy, photo)
    single = (x.astype(jnp.float32) for x in (noisy, photo))
    exact, expected = slope(*single)
    np.testing.assert_allclose(value, exact, rtol=2e-6, atol=1e-6)
    rounding = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(
        np.asarray(gradient, np.float32),
        expected,
        rtol=rounding,
        atol=max(rounding * 1e-3 * float(jnp.abs(expected).max()), _least(dtype)),
    )


def _least(dtype: Any) -> float:
    """The least difference that a type holds: gradients under it are lost."""
    return float(jnp.finfo(dtype).smallest_subnormal)


@pytest.mark.parametrize("name", _costly(DISTINCT, heavy=True))
def test_gradient_points_along_the_value(name: str) -> None:
    """A step along the gradient changes the score as the gradient says (float64)."""
    metric = functools.partial(get_metric(name), **SMOOTH.get(name, {}))
    with jax.enable_x64(True):
        photo, noisy = (x.astype(np.float64) for x in _images(name))
        noisy = np.clip(noisy, 0.02, 0.98)
        gradient = np.asarray(jax.grad(lambda d: metric(photo, d))(noisy))
        step = 1e-6 * gradient / np.abs(gradient).max()
        up = float(metric(photo, noisy + step))
        down = float(metric(photo, noisy - step))
        predicted = 2 * float(np.sum(gradient * step))
    np.testing.assert_allclose(up - down, predicted, rtol=2e-2)


def _monotone(name: str, ladder: list[np.ndarray], photo: np.ndarray) -> None:
    metric = get_metric(name)
    values = np.asarray(metric(np.stack([photo] * len(ladder)), np.stack(ladder)))
    sign = 1 if metric.info.direction == "higher" else -1
    assert np.all(np.diff(sign * values) < 0), values


@pytest.mark.parametrize("name", _costly(FULL))
def test_more_noise_is_worse(name: str) -> None:
    photo = _photo(_side(name))
    _monotone(name, [_noisy(photo, s) for s in (0.02, 0.06, 0.18)], photo)


@pytest.mark.parametrize("name", [n for n in NONE if n not in _HIDDEN_BY_NOISE])
def test_noise_without_a_reference_is_worse(name: str) -> None:
    metric, photo = get_metric(name), _photo(192)
    ladder = [photo, _noisy(photo, 0.06), _noisy(photo, 0.18)]
    values = np.asarray(metric(np.stack(ladder)))
    sign = 1 if metric.info.direction == "higher" else -1
    assert np.all(np.diff(sign * values) < 0), values


@pytest.mark.parametrize("name", _costly(FULL))
def test_more_blur_is_worse(name: str) -> None:
    from scipy.ndimage import gaussian_filter

    photo = _photo(_side(name))
    ladder = [gaussian_filter(photo, (s, s, 0)) for s in (0.6, 1.2, 2.4)]
    _monotone(name, ladder, photo)


@pytest.mark.parametrize("name", _costly(FULL))
def test_stronger_jpeg_is_worse(name: str) -> None:
    import io

    photo = _photo(_side(name))
    ladder = []
    for quality in (80, 25, 5):
        file = io.BytesIO()
        Image.fromarray(np.round(photo * 255).astype(np.uint8)).save(
            file, "JPEG", quality=quality
        )
        ladder.append(np.asarray(Image.open(file), np.float32) / 255)
    _monotone(name, ladder, photo)


@pytest.mark.parametrize("name", _costly(ALL))
def test_minimum_side_is_enforced_and_enough(name: str) -> None:
    metric = get_metric(name)
    side = metric.info.min_side
    rng = np.random.default_rng(3)
    count = 2 if name in FULL else 1
    fits = [rng.random((side, side + 3, 3), dtype=np.float32) for _ in range(count)]
    assert not np.isnan(float(metric(*fits)))
    if side > 1:
        small = [x[: side - 1, : side - 1] for x in fits]
        with pytest.raises(
            ValueError, match=rf"{name}: expected .*at least {side} pixels, got"
        ):
            metric(*small)
        with pytest.raises(
            ValueError, match=rf"{name}: expected .*at least {side} pixels, got"
        ):
            jax.eval_shape(metric, *small)


@pytest.mark.parametrize("name", _costly(DISTINCT + NONE, heavy=True))
def test_integer_images_equal_their_floats(name: str) -> None:
    metric = get_metric(name)
    images = [np.round(x * 255).astype(np.uint8) for x in _images(name)]
    floats = [x.astype(np.float32) / np.float32(255) for x in images]
    np.testing.assert_allclose(
        float(metric(*images)), float(metric(*floats)), rtol=2e-6, atol=1e-7
    )


@pytest.mark.parametrize("name", [n for n in FULL if get_metric(n).info.maps])
def test_map_keeps_the_leading_dimensions(name: str) -> None:
    metric = get_metric(name)
    x, y = _images(name)
    score = metric(np.stack([x, x])[None], np.stack([y, x])[None], output="map")
    assert score.ndim == 4 and score.shape[:2] == (1, 2)
    assert np.all(np.isfinite(score))


@pytest.mark.parametrize("name", [n for n in FULL if get_metric(n).info.maps])
def test_map_points_at_the_damage(name: str) -> None:
    """Noise in one corner shows there, in the sense that the info declares."""
    metric = get_metric(name)
    photo = _photo(max(_side(name), 96))
    half = len(photo) // 2
    damaged = photo.copy()
    damaged[:half, :half] = _noisy(photo, 0.2)[:half, :half]
    values = np.asarray(metric(photo, damaged, output="map"))
    rows, cols = (n // 3 for n in values.shape)
    there, away = values[:rows, :cols].mean(), values[-rows:, -cols:].mean()
    if metric.info.maps == "similarity":
        assert there < away - 0.04
        np.testing.assert_allclose(away, 1, atol=0.02)
    else:
        assert there > away + 0.04
        np.testing.assert_allclose(away, 0, atol=0.02)
