"""Network dissection: its sums, planted units, Broden's layout, and quantiles."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jiqa.analysis.explain.broden import Broden
from jiqa.analysis.explain.concepts import Concept, Labelled
from jiqa.analysis.explain.dissection import dissect
from jiqa.analysis.explain.drawn_concepts import DrawnConcepts
from jiqa.analysis.explain.quantiles import StreamingQuantiles
from jiqa.analysis.explain.targets import whole_maps
from jiqa.cli import main
from tests.helpers.planted_networks import (
    BLUE,
    HORIZONTAL,
    RED,
    VERTICAL,
    Planted,
    planted_params,
)


def test_names_the_planted_units():
    units = RED, BLUE, VERTICAL, HORIZONTAL
    maps = whole_maps(Planted(), planted_params(), "relu", units)
    concepts = DrawnConcepts(48, side=80)
    # A twentieth: shapes of one concept cover about as much of these images.
    found = dissect(maps, concepts, quantile=0.02)
    names = [found.detects(unit) for unit in range(4)]
    assert [c and c.name for c in names] == [
        "red",
        "blue",
        "vertical stripes",
        "horizontal stripes",
    ]
    assert [c and c.category for c in names] == ["colour"] * 2 + ["texture"] * 2


class _Two:
    """Two images, two categories, the second looked for in the first image only."""

    def __init__(self):
        places = Concept("left", "place"), Concept("up", "place")
        self.concepts = {1: places[0], 2: places[1], 7: Concept("all", "other")}
        rng = np.random.default_rng(0)
        self.images = rng.random((2, 6, 6, 3)).astype(np.float32)
        left, up, whole = np.zeros((3, 6, 6), np.int32)
        left[:, :3], up[:2], whole[:] = 1, 2, 7
        self.labels = np.stack([left, whole]), np.stack([up])
        self.kinds = frozenset(["place", "other"]), frozenset(["place"])

    def __len__(self):
        return 2

    def __iter__(self):
        for x, labels, kinds in zip(self.images, self.labels, self.kinds, strict=True):
            yield Labelled(x, labels, kinds)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_overlaps_are_counted_as_published(batch):
    concepts = _Two()
    steps = []
    found = dissect(
        lambda x: x,
        concepts,
        quantile=0.25,
        batch=batch,
        on_progress=lambda *step: steps.append(step),
    )
    values = concepts.images.reshape(-1, 3)
    expected = np.quantile(values, 0.75, axis=0, method="inverted_cdf")
    np.testing.assert_array_equal(found.thresholds, expected)
    masks = concepts.images > expected
    left, up, whole = (
        concepts.labels[0][0] == 1,
        concepts.labels[1][0] == 2,
        np.ones((6, 6), bool),
    )
    for unit in range(3):
        a, b = masks[0, ..., unit], masks[1, ..., unit]
        areas = [(a & left).sum(), (b & up).sum(), (a & whole).sum()]
        unions = [
            a.sum() + b.sum() + left.sum() - areas[0],
            a.sum() + b.sum() + up.sum() - areas[1],
            a.sum() + 36 - areas[2],
        ]
        np.testing.assert_allclose(found.iou[unit], np.divide(areas, unions))
    assert steps[-1] == (4, 4) and found.numbers == (1, 2, 7)


def test_small_maps_are_enlarged():
    concepts = _Two()
    found = dissect(lambda x: x[:, ::3, ::3, :1], concepts, quantile=0.5)
    assert found.iou.shape == (1, 3) and (found.iou > 0).any()


def write_broden(root: Path) -> Path:
    """Three images of 8x6 with labels of 4x3, as Broden lays them out."""
    (root / "images" / "a").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("one", "two", "three"):
        pixels = rng.integers(0, 256, (8, 6, 3), np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"a/{name}.jpg")
    labels = np.zeros((4, 3, 3), np.uint8)
    labels[:2] = (5, 0, 0)
    labels[2:] = (44, 1, 0)  # 300
    Image.fromarray(labels).save(root / "images" / "a/one_color.png")
    tables = {
        "index": ["image,split,ih,iw,sh,sw,color,object,scene",
                  "a/one.jpg,train,8,6,4,3,a/one_color.png,,7;9",
                  "a/two.jpg,val,8,6,4,3,,,7", "a/three.jpg,train,8,6,4,3,,,"],
        "category": ["name,first,last,count,frequency", "color,5,300,2,1",
                     "object,300,300,1,0", "scene,7,9,2,2"],
        "label": ["number,name,category,frequency,coverage,syns",
                  "5,red-c,color(1),1,1,", "300,sky,color(1);object(0),1,1,",
                  "7,street,scene(2),2,2,", "9,night,scene(1),1,1,"],
        "c_color": ["code,number,name,frequency,coverage", "1,5,red-c,1,0.5",
                    "2,300,sky,1,0.5"],
        "c_object": ["code,number,name,frequency,coverage", "1,300,sky,0,3.5"],
        "c_scene": ["code,number,name,frequency,coverage", "1,7,street,2,2",
                    "2,9,night,1,1"],
    }  # fmt: skip
    for name, lines in tables.items():
        (root / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return root


def test_broden_is_read_as_it_lies(tmp_path):
    whole = Broden(write_broden(tmp_path))
    assert len(whole) == 2 and whole.concepts == {
        5: Concept("red-c", "color"),
        7: Concept("street", "scene"),
        9: Concept("night", "scene"),
        300: Concept("sky", "object"),
    }
    one, two = whole
    assert one.image.shape == (8, 6, 3) and one.image.max() <= 1
    assert one.labels.shape == (3, 4, 3) and one.categories == {"color", "scene"}
    np.testing.assert_array_equal(one.labels[:, 0, 0], [5, 7, 9])
    np.testing.assert_array_equal(one.labels[:, 3, 2], [300, 7, 9])
    assert two.labels.tolist() == [[[7] * 3] * 4] and two.categories == {"scene"}
    assert len(Broden(tmp_path, split="val")) == len(Broden(tmp_path, limit=1)) == 1
    colours = Broden(tmp_path, categories=["color"])
    assert len(colours) == 1 and colours.concepts[300].category == "color"
    found = dissect(lambda x: x, whole, quantile=0.2)
    assert found.iou.shape == (3, 4)
    with pytest.raises(ValueError, match=r"no category faces \(categories: "):
        Broden(tmp_path, categories=["faces"])
    with pytest.raises(ValueError, match="no images with labels of object"):
        Broden(tmp_path, categories=["object"])
    with pytest.raises(ValueError, match="Broden's layout"):
        Broden(tmp_path / "images")


def test_drawn_images_are_the_same_each_time():
    concepts = DrawnConcepts(6, side=40)
    first, again = list(concepts), list(concepts)
    assert len(first) == 6 and len({c.name for c in concepts.concepts.values()}) == 19
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.labels, b.labels)
        assert a.image.min() >= 0 and a.image.max() <= 1
    red = next(n for n, c in concepts.concepts.items() if c.name == "red")
    for x in DrawnConcepts(30, side=40):
        plain = (x.labels[0] == red) & (x.labels[1] == 0)
        if plain.any():
            assert x.image[plain].mean(0).argmax() == 0
            return
    pytest.fail("no red shape in thirty images")


def test_quantiles_of_few_values_are_exact():
    values = np.random.default_rng(0).normal(size=(90, 3)).astype(np.float32)
    sketch = StreamingQuantiles(3, 100)
    for part in np.array_split(values, 7):
        sketch.add(part)
    for share in (0.5, 0.99, 0.995, 1.0):
        expected = np.quantile(values, share, axis=0, method="inverted_cdf")
        np.testing.assert_array_equal(sketch.quantile(share), expected)


def test_quantiles_of_many_in_little_memory():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.gamma(2, size=(150_000, 2)), np.zeros((50_000, 2))])
    values = rng.permutation(values).astype(np.float32)
    sketch = StreamingQuantiles(2, 2048)
    for part in np.array_split(values, 23):
        sketch.add(part)
    assert sketch.count == 200_000 and sketch.held < 2048 * 8
    for share in (0.9, 0.995):
        above = (values > sketch.quantile(share)).mean(0)
        np.testing.assert_allclose(above, 1 - share, atol=0.002)
    with pytest.raises(ValueError, match=r"share: expected .*, got .* of 0 values"):
        StreamingQuantiles(1).quantile(0.5)
    with pytest.raises(ValueError, match=r"values: expected shape .*, got \(3, 5\)"):
        sketch.add(np.zeros((3, 5)))


def test_the_command_writes_a_table(tmp_path, capsys):
    words = ["analyse", "dissect", "--map", "conv1:17", "conv2:3", "--no-cache"]
    output = tmp_path / "out"
    assert main([*words, "--images", "8", "--batch", "4", "-o", str(output)]) == 0
    with (output / "dissection.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["map"] for r in rows] == ["conv1:17"] * 5 + ["conv2:3"] * 5
    for name in ("conv1:17", "conv2:3"):
        own = [float(r["iou"]) for r in rows if r["map"] == name]
        assert own == sorted(own, reverse=True) and own[0] > 0
    assert "2 maps over 8 images" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([*words, "--broden", str(tmp_path), "-o", str(output)])
    assert ended.value.code == 2
