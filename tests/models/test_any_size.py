"""Models on images in padded arrays: the scores are those of the images alone."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.models import get_model, list_models
from jiqa.models.parts.resample import resized
from jiqa.ops.extent import Extent
from tests.models.test_conformance import CASES

_BUCKET = (160, 128)
_SIZES = ((160, 128), (97, 101), (70, 67), (131, 128))

#: Why some settings have a program for every size: crops at places that follow from
#: the image, and metrics chosen for it.
_EXACT = {"quality grid", "rank score", "selector", "selector best"}
#: One family of each kind is compiled in every run.
_QUICK = {"cnniqa", "qodcnn", "rank", "dbcnn distortion"}


def test_which_models_have_one_program_for_all_sizes():
    exact = {
        name
        for name, options in CASES.items()
        for model in [get_model(name.split()[0])]
        if not model.any_size(model.config_class(**options))
    }
    assert exact == _EXACT
    fitted = {name for name in list_models() if get_model(name).fit is not None}
    assert {name.split()[0] for name in CASES} | fitted == set(list_models())


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in _QUICK else [pytest.mark.slow])
        for name in CASES
        if name not in _EXACT
    ],
)
def test_padded_images_score_as_they_do_alone(name, rng):
    model = get_model(name.split()[0])
    config = model.config_class(**CASES[name])
    channels = 6 if model.info.kind == "full-reference" else 3
    with jax.enable_x64(True):
        variables = model.init(jax.random.key(7), config)
        variables = jax.tree.map(lambda v: v.astype(np.float64), variables)
        traced = []

        @jax.jit
        def padded(image, rows, cols):
            traced.append(image.shape)
            extent = Extent(rows, cols)
            return model.score(config, variables, image, extent=extent)

        for rows, cols in _SIZES:
            image = rng.random((rows, cols, channels))
            alone = model.score(config, variables, jnp.asarray(image))
            array = rng.random((*_BUCKET, channels))  # arbitrary outside
            array[:rows, :cols] = image
            found = padded(array, rows, cols)
            np.testing.assert_allclose(found, alone, rtol=1e-9, atol=1e-10)
        assert len(traced) == 1


@pytest.mark.parametrize("side", [33, 64, 150])
@pytest.mark.parametrize("size", _SIZES)
def test_resized_within_a_padded_array(size, side, rng):
    with jax.enable_x64(True):
        image = rng.random((*size, 3))
        array = rng.random((*_BUCKET, 3))
        array[: size[0], : size[1]] = image
        found = resized(jnp.asarray(array), side, side, extent=Extent(*size))
        alone = resized(jnp.asarray(image), side, side)
        np.testing.assert_allclose(found, alone, atol=1e-12)
    with pytest.raises(ValueError, match="bilinear"):
        resized(jnp.asarray(array), side, side, "nearest", Extent(*size))
