"""VMAF, its features and its model beside libvmaf's values (float path)."""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.metrics import adm, vmaf, vmaf_frames, vmaf_motion, vmaf_vif
from jiqa.metrics.parts.vmaf_adm import adm_sums
from jiqa.metrics.parts.vmaf_model import FEATURES, MODELS, predict
from jiqa.metrics.parts.vmaf_vif import vif_sums
from tests.helpers.golden_open import image
from tests.helpers.video_planes import FOLDER, planes

#: libvmaf's names of the models that it has for the float path.
_NAMES = {"v0.6.1": "v0.6.1", "neg": "v0.6.1neg", "4k": "4k_v0.6.1"}
#: How far the authors' float32 and their approximate logarithm are from exact values.
_BARS = {"vif": 4e-5, "adm2": 6e-5, "adm": 6e-5, "vmaf": 0.011}
#: Bars whose ties the authors' float32 decides: the test of parallel bands.
_TIES = {"adm2": 1e-3, "adm": 5e-3, "vmaf": 0.17}

Case = tuple[str, str]
Values = dict[tuple[str, str], float]


@functools.cache
def _golden() -> dict[Case, dict[tuple[str, str], Values]]:
    """By group and planes, and by pair, the values by metric and other conditions."""
    found: dict[Case, dict[tuple[str, str], Values]] = {}
    with (FOLDER / "vmaf.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            conditions, _, yuv = row["variant"].partition(";yuv=")
            pair = Path(row["reference"]).name, Path(row["distorted"]).name
            group = pair[1].split("_")[0]
            values = found.setdefault((group, yuv), {}).setdefault(pair, {})
            values[row["metric"], conditions] = float(row["value"])
    return found


def _cases(*quick: str) -> list[Any]:
    return [
        pytest.param(
            case,
            id="-".join(case),
            marks=[]
            if case[0] in quick and not case[1].endswith("10bit")
            else [pytest.mark.slow],
        )
        for case in _golden()
    ]


@jax.jit
def _features(x: Any) -> dict[str, Any]:
    """All features of luma planes on 0..255, with and without a limit of the gain."""
    found = {}
    for limit in (100, 1):
        sums, information = adm_sums(x - 128, limit), vif_sums(x - 128, limit)
        found |= {
            f"adm2-{limit}": sums[0].sum() / sums[1].sum(),
            f"adm_scale-{limit}": sums[0] / sums[1],
            f"vif_scale-{limit}": information[0] / information[1],
        }
    return found


def _luma(name: str, yuv: str) -> np.ndarray:
    # Chroma has no part in it; 4:4:4 saves the means.
    words = yuv.split("_")
    bits = 10 if words[-1] == "10bit" else 8
    return planes(name, f"{words[0]}-{words[1]}-444", bits)[0] / 2 ** (bits - 8)


def _found(features: dict[str, Any], metric: str, conditions: str) -> float:
    facts = dict(part.split("=") for part in conditions.split(";"))
    if metric == "vmaf":
        names = {f"vmaf_float_{libvmaf}": model for model, libvmaf in _NAMES.items()}
        model = names[facts["model"]]
        limit = int(MODELS[model][1])
        adm2, vif = features[f"adm2-{limit}"], features[f"vif_scale-{limit}"]
        vector = jnp.asarray([adm2, 0, *vif])
        return float(predict(vector, model, facts.get("transform") == "on"))
    limit = facts["enhn_gain_limit"]
    if metric == "adm2":
        return features[f"adm2-{limit}"]
    return features[f"{metric[:-1]}-{limit}"][int(metric[-1])]


def _check(case: Case, dtype: Any) -> None:
    for pair, values in _golden()[case].items():
        x = jnp.asarray(np.stack([_luma(name, case[1]) for name in pair]), dtype)
        features = jax.tree.map(np.asarray, _features(x))
        bars = _BARS
        if pair == ("edge_halfflat.png", "edge_halfflat_bars.png"):
            bars = {**_BARS, **_TIES}
        for (metric, conditions), wanted in values.items():
            found = _found(features, metric, conditions)
            bar = bars[metric.split("_")[0]]
            if dtype == np.float32:
                bar = max(bar, 1e-4 * wanted)
            assert found == pytest.approx(wanted, abs=bar), (pair, metric, conditions)


@pytest.mark.parametrize("case", _cases("china", "edge"))
def test_float64(case: Case) -> None:
    with jax.enable_x64(True):
        _check(case, float)


@pytest.mark.parametrize("case", _cases("china"))
def test_float32(case: Case) -> None:
    _check(case, np.float32)


def test_scores_from_given_features() -> None:
    """The regression is exact: all values of libvmaf from its own features."""
    count = 0
    with jax.enable_x64(True):
        for pairs in _golden().values():
            for values in pairs.values():
                count += sum(metric == "vmaf" for metric, _ in values)
                _check_scores(values)
    assert count > 200


def _check_scores(values: Values) -> None:
    for model, name in _NAMES.items():
        limit = int(MODELS[model][1])
        path = f"path=float;enhn_gain_limit={limit}"
        vector = np.array([values.get((f, path), 0.0) for f in FEATURES])
        for tail, transform in (("", False), (";transform=on", True)):
            wanted = values.get(("vmaf", f"model=vmaf_float_{name};path=float{tail}"))
            if wanted is not None:
                found = float(predict(jnp.asarray(vector), model, transform))
                assert found == pytest.approx(wanted, abs=1e-10)


def test_from_rgb() -> None:
    """The metrics themselves, whose own rounding to codes is that of the planes."""
    golden = _golden()["china", "bt709_limited_420"]
    pairs = list(golden)
    reference, distorted = (np.stack([image(p[k]) for p in pairs]) for k in (0, 1))
    path = "path=float;enhn_gain_limit="
    cases: list[tuple[Any, dict[str, Any], str, str, float]] = [
        (vmaf, {}, "vmaf", "model=vmaf_float_v0.6.1;path=float", 0.011),
        (
            vmaf,
            {"model": "neg"},
            "vmaf",
            "model=vmaf_float_v0.6.1neg;path=float",
            0.011,
        ),
        (adm, {"gain_limit": 1.0}, "adm2", f"{path}1", 1e-4),
        (vmaf_vif, {"scale": 1}, "vif_scale1", f"{path}100", 1e-4),
    ]
    for metric, options, name, conditions, bar in cases:
        found = metric(reference, distorted, bits=8, **options)
        wanted = [golden[pair][name, conditions] for pair in pairs]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=bar, err_msg=name)


def test_without_rounding_scores_are_close() -> None:
    pair = (image(f"china_{name}.png")[:90, :100] for name in ("ref", "jpeg10"))
    reference, distorted = pair
    found = [float(vmaf(reference, distorted, bits=bits)) for bits in (None, 10)]
    np.testing.assert_allclose(found, found[0], rtol=0, atol=0.02)


_CORNERS = ((0, 0), (0, 0), (3, 2), (4, 6), (20, 30), (20, 30))


def _sequence(name: str) -> np.ndarray:
    whole = image(name)
    return np.stack([whole[r : r + 128, c : c + 160] for r, c in _CORNERS])


def test_frames() -> None:
    """Six crops as a sequence, in libvmaf of ffmpeg 9.0.2."""
    reference, distorted = _sequence("china_ref.png"), _sequence("china_jpeg10.png")
    found = {"path=float": vmaf_motion(reference, bits=8)}
    for model, name in _NAMES.items():
        scores = vmaf_frames(reference, distorted, model=model, bits=8)
        found[f"model=vmaf_float_{name}"] = scores
    with (FOLDER / "vmaf_frames.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            value = float(found[row["variant"]][int(row["frame"])])
            bar = 1e-4 if row["metric"] == "motion2" else 0.011
            assert value == pytest.approx(float(row["value"]), abs=bar), row


def test_one_frame_is_a_still_and_batches_of_sequences_agree() -> None:
    reference, distorted = _sequence("china_ref.png"), _sequence("china_jpeg10.png")
    whole = np.asarray(vmaf_frames(reference, distorted))
    pair = [x.reshape(2, 3, *x.shape[1:]) for x in (reference, distorted)]
    both = np.asarray(vmaf_frames(*pair))
    still = float(vmaf(reference[0], distorted[0]))
    assert whole.shape == (6,) and both.shape == (2, 3)
    np.testing.assert_allclose([whole[0], both[0, 0]], still, rtol=1e-5)
    assert float(vmaf_motion(reference[:1])[0]) == 0


def test_gradients() -> None:
    """Rounding passes them on; clipping does not."""
    x = jnp.asarray(image("china_ref.png")[40:104, 80:150] / 255, jnp.float32)
    slope = jax.grad(lambda d: vmaf(x, d, bits=8))(x + 0.002)
    assert jnp.isfinite(slope).all() and jnp.any(slope != 0)
    bad = jnp.asarray([0.1, 0, 0.1, 0.1, 0.1, 0.1])
    assert float(predict(bad)) == 0
    assert float(predict(bad, clip=False)) == pytest.approx(-10.3167, abs=1e-2)
    assert not jnp.any(jax.grad(predict)(bad))
    assert jnp.any(jax.grad(lambda f: predict(f, clip=False))(bad) != 0)


def test_what_is_refused() -> None:
    x = np.zeros((20, 20, 1), np.float32)
    with pytest.raises(ValueError, match=r"model: expected 'v0\.6\.1', 'neg'"):
        vmaf(x, x, model="v0.6.2")
    with pytest.raises(ValueError, match="one with a score transform"):
        vmaf(x, x, model="4k", transform=True)
    with pytest.raises(ValueError, match="luma: expected 'bt601-limited'"):
        vmaf(x, x, luma="bt709")
    with pytest.raises(ValueError, match="gain_limit: expected 1 or more"):
        adm(x, x, gain_limit=0.5)
    with pytest.raises(ValueError, match="time, height, width, channels"):
        vmaf_frames(x, x)
    with pytest.raises(ValueError, match="at least 17 pixels, got"):
        vmaf_frames(x[None, :16], x[None, :16])
