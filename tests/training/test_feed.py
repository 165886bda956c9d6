"""Batches of training: groups to rank in, mapped scores, pairs, kept features."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from jiqa.data.schema import Scale
from jiqa.data.store import prepare
from jiqa.data.user_tables.resolve import resolved
from jiqa.io.decode import read_image
from jiqa.models import cnniqa, rank
from jiqa.training import frozen_features
from jiqa.training.config import TrainingConfig, with_settings
from jiqa.training.feed import feed
from jiqa.training.initial_weights import InitialWeights, initial_weights
from jiqa.training.run_data import Source, Sources, open_sources
from jiqa.training.setup import Setup, completed
from jiqa.weights.safetensors_files import write
from tests.helpers import tiny_model, training_data

_OPTIONS = tiny_model.Config()


@pytest.fixture(scope="module")
def ladder(tmp_path_factory) -> Source:
    root = tmp_path_factory.mktemp("ladder")
    folder = training_data.ladder(root / "in", count=5)
    dataset = prepare("table/ladder", folder, root / "out")
    return Source("ladder", dataset, dataset.entries())


def _config(**fields: Any) -> TrainingConfig:
    return TrainingConfig(**{"model": "tiny", "data": "x", "stage": "ranks", **fields})


def _setup(
    config: TrainingConfig,
    source: Source | None = None,
    *,
    model: Any = tiny_model.MODEL,
    options: Any = _OPTIONS,
) -> Setup:
    data = Sources(source, source, None) if source else None
    return Setup(config=config, model=model, options=options, data=data)


def _feed(source: Source, config: TrainingConfig, *, model: Any = None, **given: Any):
    given = {"training": True, **given}
    setup = _setup(config, model=model or tiny_model.MODEL)
    return feed(setup, source, **given)


def test_all_levels_of_a_group_stand_together(ladder):
    entries = {e.name: e for e in ladder.entries}
    config = _config(batch_size=3, epochs=2)
    found = _feed(ladder, config)
    assert found.levels == 4 and found.loader.batches_per_epoch == 3  # 10 groups
    seen = set()
    batches = list(found.loader)
    assert len(batches) == 6
    for batch in batches:
        rows = found.finish(batch)
        assert rows["image"].shape == (12, 16, 16, 3) and rows["mask"].all()
        np.testing.assert_array_equal(rows["group"], np.repeat(np.arange(3), 4))
        np.testing.assert_array_equal(rows["level"], np.tile(np.arange(4), 3))
        for group in range(3):
            names = [str(n) for n in batch["name"][4 * group : 4 * group + 4]]
            members = [entries[name] for name in names]
            assert len({e.reference for e in members}) == 1
            assert len({e.distortion for e in members[1:]}) == 1
            seen.add((members[1].reference, members[1].distortion))
    assert len(seen) > 6  # two epochs leave out others
    without = _feed(ladder, _config(batch_size=10, epochs=1, pristine=False))
    assert without.levels == 3


def test_levels_show_the_same_piece_of_a_picture(ladder):
    found = _feed(ladder, _config(batch_size=10, epochs=4))
    places = set()
    dark = {e.name for e in ladder.entries if e.distortion == "made/darkness"}
    for batch in found.loader:
        for row in range(0, 40, 4):
            if str(batch["name"][row + 1]) not in dark:
                continue
            pristine, weak = (batch["image"][row + k].astype(int) for k in (0, 1))
            # A fifth darker, pixel by pixel: so they show the same.
            assert np.abs(0.8 * pristine - weak).max() <= 1
            places.add(pristine.tobytes())
    assert len(places) > 8  # and epochs show other pieces


def test_groups_that_lack_a_level_are_filled_up(ladder):
    lacking = [e for e in ladder.entries if not (e.level == 3 and "noise" in e.name)]
    found = _feed(dataclasses.replace(ladder, entries=lacking), _config(batch_size=10))
    (batch,) = list(found.loader)[:1]
    rows = found.finish(batch)
    filled = ~rows["mask"].reshape(10, 4)
    assert filled.sum() == 5 and not filled[:, :3].any()
    assert not rows["image"].reshape(10, 4, -1)[filled].any()


def test_each_of_two_processes_has_its_groups(ladder, monkeypatch):
    config = _config(batch_size=4)
    whole = _feed(ladder, config)
    rows = whole.finish(next(iter(whole.loader)))
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    for process in range(2):
        monkeypatch.setattr(jax, "process_index", lambda p=process: p)
        half = _feed(ladder, config)
        part = half.finish(next(iter(half.loader)))
        for key, value in part.items():
            own = rows[key][8 * process : 8 * process + 8]
            np.testing.assert_array_equal(value, own, err_msg=key)


@pytest.mark.parametrize(
    ("direction", "span", "expected"),
    [
        ("higher", (0.0, 1.0), [0.0, 0.5, 1.0]),
        ("lower", (0.0, 1.0), [1.0, 0.5, 0.0]),
        ("higher", (1.0, 10.0), [1.0, 5.5, 10.0]),
        ("lower", (1.0, 10.0), [10.0, 5.5, 1.0]),
    ],
)
def test_scores_are_mapped_to_the_span_of_the_model(direction, span, expected):
    model = dataclasses.replace(tiny_model.MODEL, span=lambda _: span)
    scale = Scale("MOS", direction, 20, 60)
    source: Any = SimpleNamespace(dataset=SimpleNamespace(scale=scale))
    affine = _setup(_config(stage="scores"), model=model).affine(source)
    scores = np.array([20, 40, 60]) * affine.factor + affine.summand
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    for fields in ({"stage": "scores", "scores": "own"}, {"stage": "methods"}):
        own = _setup(_config(**fields), model=model).affine(source)
        assert (own.factor, own.summand) == (1, 0)


def test_a_reference_stands_beside_its_image(ladder):
    seen: list[Any] = []

    def crop(config: Any, image: np.ndarray, rng: Any) -> np.ndarray:
        seen.append(image)
        return image

    info = dataclasses.replace(tiny_model.MODEL.info, kind="full-reference")
    model = dataclasses.replace(tiny_model.MODEL, info=info, prepare=crop)
    found = _feed(ladder, _config(stage="kinds", batch_size=7), model=model)
    batch = next(iter(found.loader))
    rows = found.finish(batch)
    entries = {e.name: e for e in ladder.entries}
    for row, name in enumerate(map(str, batch["name"])):
        entry = entries[name]
        beside = ladder.dataset.reference(entry)
        assert beside is not None
        pair = read_image(ladder.dataset.image(entry)), read_image(beside)
        np.testing.assert_array_equal(rows["image"][row], np.concatenate(pair, -1))
        kinds = ["made/noise", "made/darkness"]
        place = kinds.index(entry.distortion) if entry.distortion else -1
        assert rows["group"][row] == place
    with pytest.raises(ValueError, match="35 images have no reference"):
        entries = [dataclasses.replace(e, reference="") for e in ladder.entries]
        alone = dataclasses.replace(ladder, entries=entries)
        _feed(alone, _config(stage="kinds"), model=model)


def test_kept_features_go_on_where_they_were_broken_off(ladder, tmp_path, monkeypatch):
    monkeypatch.setattr(frozen_features, "_ROWS", 4)
    variables = tiny_model.init(jax.random.key(2), _OPTIONS)
    left: list[int] = []

    def keep(folder: Path, stop: int | None = None, source=ladder):
        @contextlib.contextmanager
        def bar(_: str, total: int, done: int):
            left.append(total - done)
            count = iter(range(total))

            def advance() -> None:
                if next(count) == stop:
                    raise KeyboardInterrupt

            yield advance

        return frozen_features.keep_features(
            _setup(_config()), source, variables, folder=folder, progress=bar
        )

    whole = keep(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        keep(tmp_path / "broken", stop=4)
    parts = keep(tmp_path / "broken")
    assert left == [9, 9, 4]  # 35 images, of which 20 were done
    np.testing.assert_array_equal(whole[:], parts[:])
    np.testing.assert_array_equal(whole.sound, np.ones(35, bool))
    # A part of the images, in another order, finds its features there.
    some = dataclasses.replace(ladder, entries=ladder.entries[20:3:-2])
    again = keep(tmp_path / "whole", source=some)
    assert len(left) == 3
    np.testing.assert_array_equal(again[:], whole[20:3:-2])
    # The same batches as of images, features in the images' place.
    config = _config(batch_size=5)
    kept = _feed(ladder, config, kept=whole)
    rows = kept.finish(next(iter(kept.loader)))
    plain = _feed(ladder, config)
    others = plain.finish(next(iter(plain.loader)))
    assert rows.keys() ^ others.keys() == {"features", "image"}
    np.testing.assert_array_equal(rows["level"], others["level"])
    entry = next(iter(kept.loader))
    name = str(entry["name"][2])
    found = next(e for e in ladder.entries if e.name == name)
    image = read_image(ladder.dataset.image(found))
    cut: Any = tiny_model.prepare(_OPTIONS, image, None)[None] / np.float32(255)
    alone, _ = tiny_model.features(
        _OPTIONS, variables, cut, train=False, key=None, axis=None
    )
    np.testing.assert_allclose(rows["features"][2], alone[0], rtol=1e-5)


def test_tables_of_one_name_are_told_apart(tmp_path):
    names = []
    for seed in (1, 2):
        table = training_data.rated(tmp_path / str(seed), 6, seed=seed)
        names += [resolved(f"{table}", tmp_path / "prepared") for _ in range(2)]
    assert names[0] == names[1] == "table/scores"
    assert names[2] == names[3] != names[0]
    assert names[2].startswith("table/scores_")


def test_parts_share_no_picture(ladder, tmp_path):
    data = str(ladder.dataset.folder.parents[2])
    given: dict[str, Any] = {"hold_out": 0.4, "seed": 3, "divisions": 0}
    config = _config(model="rank", data="table/ladder", **given)
    found = open_sources(config, data)
    mine, theirs = (
        {e.reference for e in s.entries} for s in (found.training, found.validation)
    )
    assert (len(mine), len(theirs)) == (3, 2) and not mine & theirs
    with pytest.raises(ValueError, match="share 3 pictures"):
        open_sources(dataclasses.replace(config, test="table/ladder"), data)


def test_settings_are_read_as_what_they_are():
    given = {"model": "tiny", "data": "x"}
    words = ["epochs=3", "head_rate=1", "frozen=true", "model.width=6", "decay=.5"]
    config = with_settings(given, words, tiny_model.Config)
    assert (config.epochs, config.head_rate, config.frozen) == (3, 1.0, True)
    assert config.model_config == {"width": 6} and config.decay == 0.5
    for word, said in (
        ("epoch=3", "did you mean epochs"),
        ("epochs=3.5", "expected a whole number, got 3.5"),
        ("model.width=x", "expected a whole number, got 'x'"),
        ("clip=-1", "clip: expected 0 or more, got -1.0"),
        ("weights=vgg", "weights: expected 'imagenet', 'random'.* got 'vgg'"),
    ):
        with pytest.raises(ValueError, match=said):
            with_settings(given, [word], tiny_model.Config)
    # Nearer in letters is backbone_rate.
    with pytest.raises(ValueError, match=r"did you mean model\.backbone\?"):
        with_settings(given, ["backbone=alexnet"], rank.Config)


def test_layers_that_two_models_share_are_computed_once(ladder, tmp_path):
    seen: list[int] = []

    @contextlib.contextmanager
    def bar(_: str, total: int, done: int):
        seen.append(total)
        yield lambda: None

    def keep(**changes):
        options = rank.Config(backbone="alexnet", crop=70, **changes)
        variables = rank.init(jax.random.key(0), rank.Config(backbone="alexnet"))
        setup = _setup(_config(), model=rank.MODEL, options=options)
        return frozen_features.keep_features(
            setup, ladder, variables, folder=tmp_path, progress=bar
        )

    several, last = keep(), keep(levels="last")
    assert seen == [5]
    np.testing.assert_array_equal(last[3:9]["relu5"], several[3:9]["relu5"])
    deviating = keep(levels="last", pooling="mean-deviation")
    assert seen == [5, 5]
    np.testing.assert_array_equal(deviating[:]["relu5"][:, :256], last[:]["relu5"])


def test_an_untrained_head_says_the_mean_of_the_scores(ladder):
    entries = [
        dataclasses.replace(e, score=2.0 + k % 3) for k, e in enumerate(ladder.entries)
    ]
    rated = dataclasses.replace(ladder, entries=entries)
    options = cnniqa.Config(kernels=2, hidden=3, offset=1.0, scale=4.0)
    config = TrainingConfig(model="cnniqa", data="x", weights="random", scores="own")

    def setup(source: Source | None) -> Setup:
        return _setup(config, source, model=cnniqa.MODEL, options=options)

    mean = setup(rated).mean_score
    assert mean == pytest.approx(np.mean([e.score for e in entries]))
    begun = initial_weights(setup(rated))
    bias = begun.variables.params["head.score.bias"]
    assert options.offset + options.scale * float(bias[0]) == pytest.approx(mean)
    # A ladder has levels, no scores.
    assert np.isnan(setup(ladder).mean_score) and np.isnan(setup(None).mean_score)
    other = initial_weights(setup(None)).variables.params
    assert float(other["head.score.bias"][0]) != float(bias[0])


def test_another_head_begins_on_a_trained_backbone(tmp_path):
    def config(**fields: Any) -> TrainingConfig:
        return TrainingConfig(model="rank", data="x", stage="ranks", **fields)

    def start(options: Any, config: TrainingConfig) -> InitialWeights:
        return initial_weights(_setup(config, model=rank.MODEL, options=options))

    several, last = (
        rank.Config(backbone="alexnet", levels=levels) for levels in ("multi", "last")
    )
    begun = start(several, config(weights="random", seed=3))
    arrays = {k: np.asarray(v) for k, v in begun.variables.params.items()}
    arrays |= {k: np.asarray(v) for k, v in begun.variables.state.items()}
    facts: dict[str, Any] = {"source": "a run", "licence": "none", "sha256": "0"}
    write(tmp_path / "model.safetensors", arrays, **facts)
    with pytest.raises(ValueError, match=r"head\.norm\.scale"):
        start(last, config(weights=f"run:{tmp_path}"))
    found = start(last, config(weights=f"backbone:{tmp_path}"))
    kernel = found.variables.params["backbone.conv1.kernel"]
    np.testing.assert_array_equal(kernel, arrays["backbone.conv1.kernel"])
    whole, alone = (
        start(several, config(weights=f"{opening}:{tmp_path}"))
        for opening in ("run", "backbone")
    )
    drawn = alone.variables.params["head.score.kernel"]
    np.testing.assert_array_equal(
        whole.variables.params["head.score.kernel"], arrays["head.score.kernel"]
    )
    assert not np.array_equal(drawn, arrays["head.score.kernel"])
    with pytest.raises(ValueError, match=r"backbone:FOLDER"):
        config(weights="trunk:x")


def test_what_a_run_begins_with_unless_it_is_told(ladder):
    sources = Sources(ladder, ladder, None)
    for model, wanted in ((rank.MODEL, "imagenet"), (cnniqa.MODEL, "random")):
        stage = next(iter(model.stages))
        config = TrainingConfig(model=model.info.name, data="x", stage=stage)
        assert completed(config, model, sources)[0].weights == wanted
