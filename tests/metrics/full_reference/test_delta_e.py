"""Colour difference beyond the golden: Sharma's pairs, scikit-image, grey gradients."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import color

from jiqa.metrics import delta_e
from jiqa.metrics.full_reference.delta_e import cie1976, cie1994, ciede2000
from jiqa.ops.colour import srgb_to_lab
from tests.helpers import golden_open

# G. Sharma, W. Wu, E. N. Dalal, Color Research and Application 30(1), 2005, table 1:
# L, a, b of both colours and their CIEDE2000 difference.
SHARMA = np.array(
    """
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.0200 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1.0000
50 -1.1848 -84.8006 50 0 -82.7485 1.0000
50 -0.9009 -85.5211 50 0 -82.7485 1.0000
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.4900 -0.0010 50 -2.4900 0.0009 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0010 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0011 7.2195
50 2.4900 -0.0010 50 -2.4900 0.0012 7.2195
50 -0.0010 2.4900 50 0.0009 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0010 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0011 -2.4900 4.7461
50 2.5000 0 50 0 -2.5000 4.3065
50 2.5000 0 73 25 -18 27.1492
50 2.5000 0 61 -5 29 22.8977
50 2.5000 0 56 -27 -3 31.9030
50 2.5000 0 58 24 15 19.4535
50 2.5000 0 50 3.1736 0.5854 1.0000
50 2.5000 0 50 3.2972 0 1.0000
50 2.5000 0 50 1.8634 0.5757 1.0000
50 2.5000 0 50 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
""".split(),
    float,
).reshape(34, 7)

PEERS = [
    ("cie1976", cie1976, color.deltaE_cie76),
    ("cie1994", cie1994, color.deltaE_ciede94),
    ("ciede2000", ciede2000, color.deltaE_ciede2000),
]


def _difference(formula, one, two):
    one, step = jnp.asarray(one), jnp.asarray(two - one)
    return np.asarray(formula(tuple(one.T), tuple(step.T)))


def test_published_pairs():
    with jax.enable_x64(True):
        forth = _difference(ciede2000, SHARMA[:, :3], SHARMA[:, 3:6])
        back = _difference(ciede2000, SHARMA[:, 3:6], SHARMA[:, :3])
    np.testing.assert_allclose(forth, SHARMA[:, 6], rtol=0, atol=5e-5)
    np.testing.assert_allclose(back, SHARMA[:, 6], rtol=0, atol=5e-5)


@pytest.mark.parametrize(("name", "mine", "theirs"), PEERS, ids=lambda p: str(p)[:9])
def test_scikit_image(name, mine, theirs, rng):
    one, two = rng.uniform((0, -90, -90), (100, 90, 90), (2, 5000, 3))
    close = one + rng.normal(0, 0.5, one.shape)
    with jax.enable_x64(True):
        for other in (two, close):
            want = theirs(one, other)
            np.testing.assert_allclose(_difference(mine, one, other), want, 1e-8)
        # Their matrix to XYZ has six digits of its own, so scores differ a little.
        x, y = (
            golden_open.image(f"chelsea_{n}.png")[:80, :80] for n in ("ref", "jpeg10")
        )
        np.testing.assert_allclose(
            srgb_to_lab(jnp.asarray(x / 255)), color.rgb2lab(x), atol=5e-3
        )
        want = theirs(color.rgb2lab(x), color.rgb2lab(y))
        score, field = (delta_e(x, y, formula=name, output=o) for o in ("score", "map"))
    assert field.shape == (80, 80)
    np.testing.assert_allclose(field, want, atol=8e-3)
    assert float(score) == pytest.approx(np.asarray(field).mean(), rel=1e-12)


@pytest.mark.parametrize("formula", ["cie1976", "cie1994", "ciede2000"])
def test_gradients_at_greys_and_equal_colours(formula, rng):
    grey = np.repeat(rng.random((6, 6, 1), dtype=np.float32), 3, axis=-1)
    colour = rng.random((6, 6, 3), dtype=np.float32)
    black = np.zeros_like(grey)
    slope = jax.jit(jax.grad(lambda d, r: delta_e(r, d, formula=formula)))
    kinds = (grey, grey[::-1], colour, black)
    for r, d in itertools.product(kinds, kinds):
        assert np.all(np.isfinite(slope(d, r)))
    assert float(delta_e(colour, colour, formula=formula)) == 0


def test_wrong_options_are_named():
    x = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(ValueError, match=r"formula: expected 'cie.*, got 'cie2000'"):
        delta_e(x, x, formula="cie2000")
    with pytest.raises(
        ValueError, match="factors: expected three positive numbers, got"
    ):
        delta_e(x, x, factors=(1.0, 0.0, 1.0))
    with pytest.raises(ValueError, match=r"output: expected .*, got 'image'"):
        delta_e(x, x, output="image")
