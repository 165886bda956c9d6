"""Maps of a network by name or of a study: what they respond to."""

from __future__ import annotations

import contextlib
import csv

import jax.numpy as jnp
import numpy as np
import pytest

from jiqa import analysis
from jiqa.nn import NETWORKS
from jiqa.weights import load as load_weights
from tests.helpers.analysis_data import pictures


@pytest.fixture(scope="module")
def maps() -> analysis.NetworkMaps:
    return analysis.named_maps("alexnet", ["conv1:17", "conv2:3", "conv1:3"])


def test_maps_are_those_of_the_network(maps):
    assert maps.names == ["conv1:17", "conv2:3", "conv1:3"]
    assert maps.by_layer() == {"conv1": [17, 3], "conv2": [3]}
    network, params = NETWORKS["alexnet"], load_weights("alexnet").params
    image = jnp.asarray(pictures(64)[0][None] / np.float32(255))
    both = network.apply(params, network.preprocess(image), ["conv1", "conv2"])
    whole = np.asarray(maps.whole("conv1")(image))
    np.testing.assert_allclose(whole, both["conv1"][..., [17, 3]], rtol=1e-5, atol=1e-5)
    means = [both[k][..., n].mean() for k, n in maps.maps]
    np.testing.assert_allclose(maps.target()(image)[0], means, rtol=1e-4, atol=1e-5)
    units = [both[k][0, 2, 1, n] for k, n in maps.maps]
    np.testing.assert_allclose(
        maps.target((2, 1))(image)[0], units, rtol=1e-4, atol=1e-5
    )


def test_pictures_excite_their_maps(maps):
    count = []

    def progress(what: str, total: int, start: int = 0):
        return contextlib.nullcontext(lambda: count.append((what, total)))

    found = analysis.maximise_maps(maps, steps=8, size=48, progress=progress)
    assert list(found) == list(maps.maps)
    assert count == [("maximising", 16)] * 16
    grey = np.full((1, 48, 48, 3), 0.5, np.float32)
    for index, picture in enumerate(found.values()):
        assert picture.shape == (48, 48, 3) and 0 <= picture.min() <= picture.max() <= 1
        positive = [
            np.maximum(np.asarray(maps.whole(layer)(x)), 0).mean((0, 1, 2))
            for layer in ("conv1", "conv2")
            for x in (grey, picture[None])
        ]
        layer, unit = ((0, 0), (1, 0), (0, 1))[index]
        assert positive[2 * layer + 1][unit] > positive[2 * layer][unit]


def test_concepts_in_the_order_of_the_maps(maps, tmp_path):
    found = analysis.dissect_maps(maps, analysis.DrawnConcepts(6), count=2, batch=3)
    assert list(found) == list(maps.maps)
    path = tmp_path / "dissection.csv"
    analysis.write_dissection(path, found, least=0.0)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["map"] for row in rows] == [n for n in maps.names for _ in range(2)]
    for row in rows:
        layer, _, number = row["map"].partition(":")
        concept, overlap = found[layer, int(number)][int(row["rank"]) - 1]
        assert row["concept"] == concept.name and row["iou"] == f"{overlap:.4f}"
        assert row["detector"] == str(overlap > 0)


def test_wrong_names():
    with pytest.raises(ValueError, match=r"expected LAYER:NUMBER, .* got conv1"):
        analysis.named_maps("alexnet", ["conv1"])
    with pytest.raises(ValueError, match=r"alexnet.*got 'lenet'"):
        analysis.named_maps("lenet", ["conv1:1"])
    with pytest.raises(FileNotFoundError):
        analysis.read_maps("nowhere.json")


def test_samplers_by_kind():
    image = (pictures(48)[0] / 255).astype(np.float32)
    some = analysis.patch_sampler(image, window=4, padding=1, patches=500)
    assert isinstance(some, analysis.ConditionalSampler) and some.window == 4
    drawn = some.sample(image, 3, 5, 6, np.random.default_rng(0))
    assert drawn.shape == (6, 4, 4, 3)
    with pytest.raises(ValueError, match="kind"):
        analysis.patch_sampler(image, kind="any")
