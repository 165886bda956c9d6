"""Activation maximisation: planted detectors are painted, and always the same."""

from __future__ import annotations

import numpy as np
import pytest

from jiqa.analysis.explain.maximisation import Restraint, maximise
from jiqa.cli import main
from jiqa.io.decode import read_image
from tests.helpers.planted_networks import (
    BLUE,
    HORIZONTAL,
    PERIOD,
    RED,
    VERTICAL,
    Planted,
    planted_params,
)

NETWORK, PARAMS = Planted(), planted_params()


def _found(maps, **options):
    given = {"size": 36, "steps": 60, "rate": 0.1, **options}
    return maximise(NETWORK, PARAMS, "conv", maps, **given)


@pytest.mark.parametrize("how", ["fourier", "pixels"])
def test_paints_what_is_planted(how):
    restraint = Restraint(parametrisation=how, jitter=2)
    found = _found([RED, BLUE], restraint=restraint, objective="mean")
    assert (found.values > found.before + 0.3).all()
    assert found.pictures.shape == (2, 36, 36, 3)
    assert found.pictures.min() >= 0 and found.pictures.max() <= 1
    red, blue = found.pictures
    assert red[..., 0].mean() > red[..., 1:].mean() + 0.3
    assert blue[..., 2].mean() > blue[..., :2].mean() + 0.3


def test_stripes_as_planted():
    found = _found([VERTICAL], objective="centre", restraint=Restraint(jitter=0))
    seen = found.pictures[0, 14:23, 14:23].mean(-1).ravel()
    kernels = np.asarray(PARAMS["conv.kernel"]).mean(2)
    alike = [
        np.corrcoef(seen, kernels[..., unit].ravel())[0, 1]
        for unit in (VERTICAL, HORIZONTAL)
    ]
    assert alike[0] > 0.5 and abs(alike[1]) < 0.3


def test_a_whole_map_of_stripes_is_striped():
    def striped(**given) -> float:
        """How much of the planted stripes the picture has."""
        x = _found([VERTICAL], **given).pictures[0].mean(-1)[6:-6, 6:-6]
        return np.abs(np.fft.rfft(x, axis=1))[:, x.shape[1] // PERIOD].mean()

    # The mean of a map is the same for all stripes.
    assert striped() > 3 * striped(objective="mean")
    assert striped() > 1


def test_is_the_same_for_a_seed_and_of_each_map_alone():
    once, again = _found([RED, BLUE]), _found([RED, BLUE])
    np.testing.assert_array_equal(once.pictures, again.pictures)
    alone = _found([BLUE])
    assert np.abs(alone.pictures[0] - once.pictures[1]).mean() < 0.01
    other = _found([RED, BLUE], seed=1)
    assert np.abs(other.pictures - once.pictures).mean() > 0.01


def test_restraints_restrain():
    def roughness(**given):
        how = Restraint(
            **{
                "parametrisation": "pixels",
                "jitter": 0,
                "l2": 0.0,
                "total_variation": 0.0,
                **given,
            }
        )
        x = _found([RED], restraint=how, steps=30, rate=0.02).pictures[0]
        return np.abs(np.diff(x, axis=0)).mean(), np.square(x - 0.5).mean()

    rough, contrast = roughness()
    assert roughness(total_variation=5.0)[0] < 0.8 * rough
    assert roughness(blur_every=5, blur=1.0)[0] < 0.8 * rough
    assert roughness(l2=200.0)[1] < 0.8 * contrast
    with pytest.raises(ValueError, match="jitter: expected 0 or more, got -1"):
        Restraint(jitter=-1)
    with pytest.raises(ValueError, match="parametrisation: expected"):
        Restraint(parametrisation="wavelets")


def test_what_is_not_there_is_named():
    with pytest.raises(ValueError, match="maps: expected 0 to 3 of"):
        _found([4])
    with pytest.raises(ValueError, match="did you mean conv"):
        maximise(NETWORK, PARAMS, "conw", [0])


def test_the_command_writes_a_grid(tmp_path, capsys):
    words = ["analyse", "maximise", "--map", "conv1:17", "conv1:3", "--no-cache"]
    path = tmp_path / "grid.png"
    assert main([*words, "--size", "48", "--steps", "6", "-o", str(path)]) == 0
    assert read_image(path).shape[1] > 200 and "2 pictures" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([*words, "--steps", "1", "--l2", "-1", "-o", str(path)])
    assert ended.value.code == 2
