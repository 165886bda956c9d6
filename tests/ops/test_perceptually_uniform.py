"""PU21 beside values of the authors' code, its limits and its slope."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.ops.perceptually_uniform import (
    BRIGHTEST,
    DARKEST,
    PU21_FITS,
    pu21,
    pu21_distance,
)

_LIGHT = [0.005, 0.1, 1.0, 100.0, 4000.0, 10000.0]
#: By the class ``PU`` of ColorVideoVDP 0.5.7, whose authors are PU21's, in float64.
_AUTHORS = {
    "banding": [
        *(-1.558022577328238e-07, 36.005731693229016, 84.4045113132005),
        *(261.7517279301995, 468.4880221163205, 520.4673070183068),
    ],
    "banding_glare": [
        *(5.470456654038225e-10, 5.717073839669447, 36.5439111394192),
        *(256.3838973127039, 527.4939005367281, 595.393920020095),
    ],
    "peaks": [
        *(1.367368076397391e-07, 32.65682857177826, 85.54201498207478),
        *(260.72498261186183, 366.2673359550021, 380.98531612197723),
    ],
    "peaks_glare": [
        *(-9.736038110543022e-08, 8.010354542060325, 47.00902940492243),
        *(252.29848828348094, 396.01529750272636, 407.50661970098133),
    ],
}


@pytest.mark.parametrize("fit", PU21_FITS)
def test_codes_are_the_authors(fit: str) -> None:
    with jax.enable_x64(True):
        found = pu21(jnp.asarray(_LIGHT), fit)
        np.testing.assert_allclose(found, _AUTHORS[fit], rtol=1e-12, atol=1e-12)
    found = pu21(jnp.asarray(_LIGHT, jnp.float32), fit)
    np.testing.assert_allclose(found, _AUTHORS[fit], atol=2e-3)


@pytest.mark.parametrize("fit", PU21_FITS)
def test_rises_between_its_limits(fit: str) -> None:
    light = jnp.geomspace(DARKEST, BRIGHTEST, 200)
    codes = pu21(light, fit)
    assert np.all(np.diff(codes) > 0)
    for pair in ((light[1:], light[:-1]), (light[:-1], light[1:])):
        found = pu21_distance(*pair, fit)
        np.testing.assert_allclose(found, np.diff(codes), atol=2e-3)
    ends = pu21(jnp.asarray([0.0, DARKEST, BRIGHTEST, 1e6]), fit)
    assert ends[0] == ends[1] and ends[2] == ends[3]
    slopes = jax.vmap(jax.grad(lambda v: pu21(v, fit)))(jnp.asarray([0.0, 1.0, 1e6]))
    assert slopes[0] == 0 == slopes[2] and slopes[1] > 0


@pytest.mark.parametrize("fit", PU21_FITS)
def test_small_distances_keep_their_digits(fit: str) -> None:
    light = np.geomspace(0.006, 9000, 50, dtype=np.float32)
    more = light * np.float32(1 + 2**-20)
    with jax.enable_x64(True):
        pair = (jnp.asarray(v, float) for v in (more, light))
        want = np.subtract(*(np.asarray(pu21(v, fit)) for v in pair))
    found = pu21_distance(jnp.asarray(light), jnp.asarray(more), fit)
    np.testing.assert_allclose(found, want, rtol=1e-5)
    assert not np.any(pu21_distance(jnp.asarray(light), jnp.asarray(light), fit))
