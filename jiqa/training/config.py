"""The settings of a training run: one record, kept as JSON in the run's folder."""

from __future__ import annotations

import ast
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jiqa.checks import did_you_mean, expected, one_of
from jiqa.io.json_files import read_json
from jiqa.training.stage import STAGES
from jiqa.weights.run_sets import RUN

#: The record's file in a run's folder.
FILE = "config.json"

#: What ``weights`` begin with that are an earlier run's: all of it, or its backbone.
ALONE = "backbone:"
OF_RUNS = (RUN, ALONE)

#: What settings that are words may be.
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stage": tuple(STAGES),
        "scores": ("mapped", "own"),
        "optimiser": ("sgd", "adam", "adamw"),
        "schedule": ("constant", "step", "exponential", "cosine"),
    }
)

#: The settings of a model that is fitted in one pass; it takes no others.
_FITTED = ("model", "model_config", "data", "stage")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of a training run: model, data, optimisation.

    Attributes:
        model: name of the model.
        model_config: options of the model that are not at their defaults.
        data: what it learns from, as ``jiqa.data.splits.FORMS`` has it, or the path of
            a user's table or that of a folder that ``jiqa distort`` has written.
        validation: what decides when to stop and which state is best; empty for
            ``hold_out`` of ``data``.
        hold_out: the share of the references in ``data`` (of the images, where there
            are none) that is kept for validation.
        divisions: parts into which ``data`` is divided by reference. Each is held out
            once, of a training on the others; together they say how good the settings
            are and after how many updates to stop, and a last training has all images.
            0 for one division by ``hold_out``. ``None`` for 5 where ``hold_out`` would
            keep too few to decide on: fewer than 20 images or 8 references.
        held_part: which of these parts is held out, from 1; 0 for the run that trains
            on all of them. jiqa sets it itself.
        baseline: no-reference metrics, with commas, that are compared with on the
            images held out; empty for none.
        test: what the finished run is reported on; it decides nothing.
        stage: what is learned. ``"scores"``, ``"ranks"`` (all levels of a distortion of
            a reference stand together, in each batch), ``"kinds"`` (which distortion it
            is), ``"methods"`` (how far each method is from the score, on the scale of
            the data set) or ``"photographs"`` (good ones, by a model that is fitted in
            one pass and takes no other settings). The model has defaults for each.
        scores: whether subjective scores are mapped. ``"mapped"``: from the data set's
            scale to the model's span, [0, 1] for most, higher is better; the run's
            scores are mapped back. ``"own"``: as they are.
        pristine: whether the reference ranks above level 1 (stage ranks).
        weights: what the arrays begin with: ``"random"``, ``"imagenet"`` (the backbone
            as published), ``"run:FOLDER"`` of an earlier run, ``"backbone:FOLDER"`` of
            its backbone alone, or several of these with commas, the later over the
            earlier. A head that none has is random; ``backbone`` and ``levels`` are an
            earlier run's unless they are given. Empty for ``"imagenet"``, or
            ``"random"`` if the model has no published backbone.
        frozen: leave the backbone as it is. Its features of one fixed crop an image
            are then computed once and kept on disk. ``None`` for yes where there is no
            GPU and the backbone is a published one or an earlier run's.
        optimiser: the rule of an update.
        momentum: of sgd.
        backbone_rate: learning rate of the backbone.
        head_rate: learning rate of all else.
        schedule: how the rates fall (``"cosine"``: to 0).
        decay: what the rates are multiplied by at each step of the schedule, or over
            that time if it is exponential.
        decay_every: how long that is, in epochs.
        weight_decay: times the kernels, added to their gradients (sgd, adam) or taken
            from them (adamw).
        clip: largest norm of all gradients together; 0 for any.
        batch_size: images of one update, over all devices; in stage ranks, groups of
            all levels.
        accumulation: parts of a batch that a device takes one after the other, for
            what does not fit into its memory. Batch statistics are then of a part. 0
            for as many as the free memory asks for.
        epochs: passes over all images.
        steps: updates, instead of ``epochs``; 0 for those.
        bfloat16: compute in half precision; parameters stay float32.
        ema: how much of the mean of the parameters is kept at each update; that mean
            is then what is validated and given. 0 for none.
        validate_every: updates between validations; 0 for once an epoch.
        checkpoint_every: updates between checkpoints beside those of validations; 0
            for none.
        patience: validations without a better one after which to stop; 0 for never.
        seed: of initial arrays, order, crops and dropout.
        select_on_test: allow a test split as ``validation``, as some papers did. The
            figure on it is then no measure of anything new.
    """

    model: str
    data: str
    model_config: Mapping[str, Any] = field(default_factory=dict)
    validation: str = ""
    hold_out: float = 0.1
    divisions: int | None = None
    held_part: int = 0
    baseline: str = "brisque"
    test: str = ""
    stage: str = "scores"
    scores: str = "mapped"
    pristine: bool = True
    weights: str = ""
    frozen: bool | None = None
    optimiser: str = "adam"
    momentum: float = 0.9
    backbone_rate: float = 1e-5
    head_rate: float = 1e-4
    schedule: str = "constant"
    decay: float = 0.1
    decay_every: float = 10.0
    weight_decay: float = 0.0
    clip: float = 0.0
    batch_size: int = 16
    accumulation: int = 0
    epochs: int = 10
    steps: int = 0
    bfloat16: bool = False
    ema: float = 0.0
    validate_every: int = 0
    checkpoint_every: int = 0
    patience: int = 0
    seed: int = 0
    select_on_test: bool = False

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            ValueError: names the field, what was expected and what was given.
        """
        one_of("stage", self.stage, *CHOICES["stage"])
        mine = [
            f.name
            for f in dataclasses.fields(self)
            if f.name not in self.applying and getattr(self, f.name) != f.default
        ]
        if mine:
            raise ValueError(
                f"{self.model} is fitted in one pass, and takes no {', '.join(mine)}"
            )
        for name in ("scores", "optimiser", "schedule"):
            one_of(name, getattr(self, name), *CHOICES[name])
        for part in self.weights.split(",") if self.weights else ():
            if not part.startswith(OF_RUNS):
                known = "imagenet", "random", *(f"{name}FOLDER" for name in OF_RUNS)
                one_of("weights", part, *known)
        for name in ("model", "data"):
            if not getattr(self, name):
                raise ValueError(expected(name, "a name", "nothing"))
        for name in ("backbone_rate", "head_rate", "weight_decay", "clip"):
            self._need(name, "0 or more", getattr(self, name) >= 0)
        if not isinstance(self.frozen, bool | None):
            self._need("frozen", "true, false or none", False)
        for name in ("batch_size", "epochs"):
            self._need(name, "1 or more", getattr(self, name) >= 1)
        for name in (
            *("steps", "validate_every", "checkpoint_every", "patience", "seed"),
            "accumulation",
        ):
            self._need(name, "0 or more", getattr(self, name) >= 0)
        for name in ("ema", "momentum"):
            self._need(name, "from 0 to below 1", 0 <= getattr(self, name) < 1)
        self._need("decay", "above 0, at most 1", 0 < self.decay <= 1)
        self._need("decay_every", "above 0", self.decay_every > 0)
        most = self.divisions or 0
        self._need("divisions", "0, or 2 or more", most == 0 or most > 1)
        self._need("held_part", f"from 0 to {most}", 0 <= self.held_part <= most)
        if self.validation and most:
            raise ValueError("divisions and validation: expected one of them, got both")
        if not self.validation:
            self._need("hold_out", "above 0 and below 1", 0 < self.hold_out < 1)

    def _need(self, name: str, wanted: str, given: bool) -> None:
        if not given:
            raise ValueError(expected(name, wanted, repr(getattr(self, name))))

    @property
    def parts(self) -> int:
        """Parts of a batch that are taken one after the other; 1 if undecided."""
        return max(1, self.accumulation)

    @property
    def applying(self) -> tuple[str, ...]:
        """Return the settings that matter for the stage."""
        every = tuple(f.name for f in dataclasses.fields(self))
        return _FITTED if STAGES[self.stage].fitted else every

    def to_json(self) -> str:
        """Return the settings as they stand in the run's folder."""
        record = dataclasses.asdict(self)
        return json.dumps({k: record[k] for k in self.applying}, indent=2) + "\n"

    def differences(self, other: TrainingConfig) -> list[str]:
        """Describe each field that differs, comparing what JSON makes of tuples."""
        mine, theirs = (json.loads(each.to_json()) for each in (self, other))
        return [
            f"{k} {mine[k]!r}, not {theirs[k]!r}" for k in mine if mine[k] != theirs[k]
        ]


_ALL = dataclasses.fields(TrainingConfig)

_KINDS = {bool: "true or false", int: "a whole number", float: "a number"}
_KINDS |= {tuple: "a list with commas"}


def read_config(folder: Path) -> TrainingConfig:
    """Read the record in a run's folder.

    Raises:
        FileNotFoundError: no run is there.
        ValueError: it is of another form, or has another version's fields.
    """
    path = folder / FILE
    try:
        found = read_json(path)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{folder} is not a training run: it lacks {FILE}"
        ) from None
    try:
        return TrainingConfig(**found)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def with_settings(
    given: Mapping[str, Any], settings: Sequence[str], model_config: type
) -> TrainingConfig:
    """Make a record from fields and ``KEY=VALUE`` settings, which come last.

    Args:
        given: fields by name.
        settings: of the record's fields, or ``model.KEY=VALUE`` of the model's.
        model_config: the class of the model's configuration.

    Raises:
        ValueError: no such key, or a value of another type.
    """
    settings_fields = {
        f.name: f for f in _ALL if f.name not in ("model", "model_config")
    }
    theirs = {f"model.{f.name}": f for f in dataclasses.fields(model_config)}
    fields, options = dict(given), dict(given.get("model_config", {}))
    for setting in settings:
        key, equals, text = (part.strip() for part in setting.partition("="))
        found = settings_fields.get(key) or theirs.get(key)
        if found is not None and not equals:
            default = _default(found)
            wanted = f"a value, as in {key}={default}"
            raise ValueError(expected(f"--set {setting}", wanted, "none"))
        if found is None:
            hint = f"; did you mean model.{key}?"  # a prefix that is easily forgotten
            if f"model.{key}" not in theirs:
                hint = did_you_mean(key, [*settings_fields, *theirs], 1)
            keys = ", ".join([*settings_fields, *theirs])
            raise ValueError(
                f"--set {setting}: unknown key {key!r}{hint} (keys: {keys})"
            )
        value = setting_value(setting, text, _default(found))
        if key in settings_fields:
            fields[key] = value
        else:
            options[found.name] = value
    return TrainingConfig(**{**fields, "model_config": options})


def _default(of: dataclasses.Field[Any]) -> Any:
    return None if of.default is dataclasses.MISSING else of.default


def setting_value(setting: str, text: str, default: Any) -> Any:
    """Parse the text of a ``--set`` by the type of the default.

    Raises:
        ValueError: a value of another type.
    """
    if isinstance(default, str):
        return text
    word = text.lower()
    if word in ("true", "false", "none"):
        value: Any = {"true": True, "false": False, "none": None}[word]
    else:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = text
    kind = type(default)
    if kind is float and type(value) is int:
        value = float(value)
    if kind is tuple and isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if kind is tuple and not isinstance(value, tuple):
        value = tuple(value) if isinstance(value, list) else (value,)
    if default is not None and type(value) is not kind:
        raise ValueError(expected(f"--set {setting}", _KINDS[kind], repr(value)))
    return value
