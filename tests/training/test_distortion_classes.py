"""Classes of distortions, on folders as ``jiqa distort`` writes them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa.cli import main
from jiqa.data.store import prepare
from jiqa.distortions.sets.dbcnn import class_table
from jiqa.io.decode import read_image
from jiqa.models import dbcnn
from jiqa.models.dbcnn import CLASSES, MODEL
from jiqa.training.config import TrainingConfig
from jiqa.training.feed import feed
from jiqa.training.run_data import Source, stage_of
from jiqa.training.setup import Setup

_CONFIG = TrainingConfig(
    model="dbcnn", data="x", stage="kinds", batch_size=16, epochs=1
)
_OPTIONS = dataclasses.replace(dbcnn.DISTORTION, crop=32, resize=None)


@pytest.fixture(scope="module")
def ladder(tmp_path_factory) -> Source:
    """Kinds in an order of their own, levels that are no classes among them."""
    root = tmp_path_factory.mktemp("ladder")
    (root / "photos").mkdir()
    sample = Path(jiqa.__file__).parent / "sample/reference.png"
    pixels = read_image(sample)[:40, :48]
    Image.fromarray(pixels).save(root / "photos" / "one.png")
    words = ["distort", str(root / "photos"), "--set", "dbcnn", "--output"]
    kinds = "overexposure,jpeg,contrast"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
        assert main([*words, str(root / "out"), "--kinds", kinds]) == 0
    dataset = prepare("table/ladder", root / "out", root / "prepared")
    return Source("ladder", dataset, dataset.entries())


def _rows(source: Source, options: Any) -> tuple[Any, Any]:
    setup = Setup(config=_CONFIG, model=MODEL, options=options)
    found = feed(setup, source, training=True)
    (batch,) = found.loader
    return batch, found.finish(batch)


def test_the_classes_stand_in_the_published_networks_order():
    assert CLASSES == class_table() and len(CLASSES) == 39
    assert CLASSES[:7] == (
        *(("gaussian_blur", level) for level in range(1, 6)),
        ("dither", 1),
        ("dither", 2),
    )
    assert CLASSES[10:14] == (
        ("overexposure", 3),
        ("overexposure", 5),
        ("underexposure", 3),
        ("underexposure", 5),
    )


def test_a_folder_of_jiqa_distort_has_the_classes_of_its_names(ladder):
    batch, rows = _rows(ladder, _OPTIONS)
    kinds = [str(kind).removeprefix("dbcnn/") for kind in batch["distortion"]]
    levels = [int(level) for level in batch["level"]]
    # With all its weight on the class of an image's name, the loss of it is 0.
    logits, classes = np.zeros((16, 39), np.float32), 0
    for row, (kind, level) in enumerate(zip(kinds, levels, strict=True)):
        if (kind, level) in class_table():
            logits[row, class_table().index((kind, level))] = 50
            classes += 1
    assert classes == 12  # two levels of overexposure, five of the others
    total, logs = dbcnn.loss(_OPTIONS, {"logits": jnp.asarray(logits)}, rows)
    assert float(total.count) == classes == float(logs["accuracy"].total)
    assert float(total.total) < 1e-6
    data_dir = ladder.dataset.folder.parents[2]
    assert stage_of("table/ladder", MODEL, data_dir) == "kinds"


def test_classes_may_go_by_place(ladder):
    classes = ((0, 3), (2, 1), (1, 1))
    options = dataclasses.replace(_OPTIONS, classes=classes)
    batch, rows = _rows(ladder, options)
    names = ["dbcnn/overexposure", "dbcnn/jpeg", "dbcnn/contrast"]
    wanted = [names.index(str(k)) if k else -1 for k in batch["distortion"]]
    np.testing.assert_array_equal(rows["group"], wanted)
    logits = jnp.zeros((16, 3))
    total, _ = dbcnn.loss(options, {"logits": logits}, rows)
    assert float(total.count) == 3
    np.testing.assert_allclose(total.total, 3 * np.log(3), rtol=1e-6)


def test_other_names_are_told(ladder):
    options = dataclasses.replace(_OPTIONS, classes=(("haze", 1), ("rain", 1)))
    with pytest.raises(ValueError) as said:
        _rows(ladder, options)
    for part in (
        "expected names that dbcnn knows, haze, rain, got",
        "dbcnn/overexposure, dbcnn/jpeg",
    ):
        assert part in str(said.value)
    mixed = dataclasses.replace(_OPTIONS, classes=(("jpeg", 1), (0, 1)))
    with pytest.raises(ValueError, match="classes: expected either names or positions"):
        _rows(ladder, mixed)
    # While scores are learned, nobody asks for the names.
    assert dbcnn.kinds(dataclasses.replace(options, step="score")) == ()
