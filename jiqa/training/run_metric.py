"""Folders of training runs as metrics: ``run:FOLDER`` wherever a name is taken."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.deep_metric import DeepMetric
from jiqa.core.feature_spec import DeepSteps, FeatureSpec, Params, options_of
from jiqa.core.metric import IMAGES, Info, Metric
from jiqa.io.json_files import read_json
from jiqa.models.model import Model, Variables
from jiqa.models.parts.method_choice import Methods
from jiqa.models.registry import get_model
from jiqa.ops.extent import Extent
from jiqa.registry import identity
from jiqa.weights.load import load
from jiqa.weights.run_sets import RUN, WEIGHTS, run_folder
from jiqa.weights.safetensors_files import read, read_metadata

__all__ = ["FACTS", "RUN", "WEIGHTS", "Run", "open_run", "run_metric"]

#: The facts of a run that ``config.json`` does not say.
FACTS = "run.json"


@dataclass(frozen=True)
class Run:
    """A run's model, ready to score.

    Attributes:
        folder: where it is.
        model: what was trained.
        options: its configuration.
        params: keys and shapes of its parameters.
        state: keys and shapes of its statistics.
        factor: with ``summand``, what turns a score on the data's scale into the
            model's; its sign is negative where the data's lower scores are better.
        summand: see ``factor``.
        facts: what ``run.json`` says.
    """

    folder: Path
    model: Model
    options: Any
    params: Mapping[str, tuple[int, ...]]
    state: Mapping[str, tuple[int, ...]]
    factor: float
    summand: float
    facts: Mapping[str, Any]

    @property
    def images(self) -> tuple[str, ...]:
        """The names of the images that a call takes."""
        return IMAGES[self.model.info.kind]

    @property
    def any_size(self) -> bool:
        """Whether ``score`` takes an ``extent``."""
        return self.methods is None and self.model.any_size(self.options)

    def score(
        self,
        params: Mapping[str, Any],
        *images: Array,
        extent: Extent | None = None,
    ) -> Array:
        """Score one image ``[H, W, C]`` in [0, 1], or a pair, on the scale of the data.

        Args:
            params: all arrays of the model, flat, and by ``SET/KEY`` those of the
                metrics that it chooses among.
            images: of float32 or more, in whose precision all is computed.
            extent: what of the arrays is the image, where that is not all.
        """
        image = images[-1]
        if len(images) == 2:
            wide = (jnp.broadcast_to(x, (*x.shape[:2], 3)) for x in images[::-1])
            image = jnp.concatenate(list(wide), -1)
        arrays = {k: jnp.asarray(v).astype(image.dtype) for k, v in params.items()}
        if self.methods is not None:
            return self.methods.score(self.choice(arrays, image), arrays, image)
        padded = {} if extent is None else {"extent": extent}
        variables = self._variables(arrays)
        found = self.model.score(self.options, variables, image, **padded)
        return (found - self.summand) / self.factor

    def choice(self, params: Mapping[str, Any], image: Array) -> Array:
        """Return the index of the metric chosen for an image, for a model that chooses.

        Args:
            params: see ``score``.
            image: ``[H, W, C]`` in [0, 1].

        Raises:
            ValueError: another model.
        """
        if self.model.choose is None:
            raise ValueError(
                f"{self.folder}: {self.model.info.name} does not choose metrics"
            )
        arrays = {k: jnp.asarray(v).astype(image.dtype) for k, v in params.items()}
        return self.model.choose(self.options, self._variables(arrays), image)

    def _variables(self, arrays: Mapping[str, Any]) -> Variables:
        return Variables(
            {k: arrays[k] for k in self.params}, {k: arrays[k] for k in self.state}
        )

    @functools.cached_property
    def methods(self) -> Methods | None:
        """The metrics that it chooses among.

        Raises:
            ValueError: metrics that jiqa does not have, or a run that does not know how
                their scores were computed.
        """
        if self.model.choose is None:
            return None
        try:
            return Methods.of(self.options.names, self.options.recipes)
        except ValueError as error:
            raise ValueError(f"run:{self.folder}: {error}") from None

    def arrays(self, weights_folder: Path | str | None = None) -> dict[str, Any]:
        """Read all arrays that ``score`` needs.

        Args:
            weights_folder: where weights of other metrics are looked for first.
        """
        found, _ = read(self.folder / WEIGHTS)
        for name in self.methods.weights if self.methods else ():
            run_params = load(name, weights_folder).params
            found |= {f"{name}/{key}": value for key, value in run_params.items()}
        return found


def open_run(folder: Path | str) -> Run:
    """Read what a run's folder says of its model; its arrays are read elsewhere.

    Raises:
        ValueError: no run, one without a model yet, or one of a model that this
            version does not have.
    """
    folder = Path(folder)
    missing = [
        name
        for name in ("config.json", FACTS, WEIGHTS)
        if not (folder / name).is_file()
    ]
    if missing:
        raise ValueError(
            f"{folder} is not a run of jiqa train, or has no validated model yet: "
            f"it lacks {', '.join(missing)}"
        )
    config = read_json(folder / "config.json")
    facts = read_json(folder / FACTS)
    model = get_model(config["model"])
    options = model.options(config["stage"], config["model_config"])
    arrays = jax.eval_shape(lambda key: model.init(key, options), jax.random.key(0))
    params, state = ({k: v.shape for k, v in part.items()} for part in arrays)
    affine = facts["score"]
    return Run(
        folder,
        model,
        options,
        params,
        state,
        affine["factor"],
        affine["summand"],
        facts,
    )


def make(name: str, file: str) -> Metric:
    """Return the metric of the run in the folder ``file``, for ``jiqa.registry``."""
    return run_metric(name)


def run_metric(name: str) -> DeepMetric:
    """The metric ``run:FOLDER``.

    Of a model that chooses among metrics its option is ``output``: ``"score"``, or
    ``"choice"`` for the index of the chosen one, which is not computed itself then.

    Raises:
        ValueError: see ``open_run``.
    """
    folder = run_folder(name)
    path = folder / WEIGHTS
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    methods = open_run(folder).methods
    recipes = methods.recipes if methods is not None else ()
    return _metric(name, changed, tuple(identity(r.metric) for r in recipes))


@functools.lru_cache(maxsize=16)
def _metric(name: str, changed: int, methods: tuple[str, ...]) -> DeepMetric:
    """Return a metric, the same until its model, or one it chooses, is rewritten."""
    run = open_run(run_folder(name))
    spec = _spec(name, run)

    def spec_of(options: Any) -> FeatureSpec:
        one_of("output", getattr(options, "output", "score"), "score", "choice")
        return spec

    def compare(params: Any, options: Any, *found: Any, extents: Any = None) -> Any:
        images = tuple(each["image"] for each in found)
        if spec.apart:
            params = {k.removeprefix(f"{name}/"): v for k, v in params.items()}
        if getattr(options, "output", "score") == "choice":
            return run.choice(params, *images).astype(images[0].dtype)
        extent = extents and extents["image"]
        return run.score(params, *images, extent=extent)

    def features(params: Any, options: Any, image: Any, extent: Any = None) -> Any:
        return {"image": image}

    declared = _declared(run)
    declared.__name__ = declared.__qualname__ = name
    info = replace(_info(name, run), min_side=spec.min_side, weights=spec.weights)
    chosen = run.methods.metrics if run.methods is not None else ()
    return DeepMetric(
        declared,
        info,
        DeepSteps(
            options_of(declared),
            spec_of,
            features,
            compare,
            any_size=lambda options: run.any_size,
        ),
        digest="; ".join(repr(each) for each in (info, *(m.info for m in chosen))),
    )


def _declared(run: Run) -> Callable[..., Any]:
    """The signature of a run's metric."""

    def choosing(params: Params, image: Array, *, output: str = "score") -> Any:
        """Score images ``[..., H, W, C]`` with all arrays of the run, flat."""

    def alone(params: Params, image: Array) -> Any:
        """Score images ``[..., H, W, C]`` with all arrays of the run, flat."""

    def paired(params: Params, reference: Array, distorted: Array) -> Any:
        """Score pairs ``[..., H, W, C]`` with all arrays of the run, flat."""

    if run.model.choose is not None:
        return choosing
    return paired if len(run.images) == 2 else alone


def _spec(name: str, run: Run) -> FeatureSpec:
    network = run.model.backbone(run.options)
    run_spec = FeatureSpec(
        weights=(name,),
        shapes={**run.params, **run.state},
        min_side=run.model.min_side(run.options),
        # From them, what a pass through the network needs of memory is estimated.
        nodes=network.layers() if network is not None else (),
        taps=(network.trunk,) if network is not None else (),
    )
    methods = run.methods
    if methods is None:
        return run_spec
    return replace(
        run_spec,
        weights=(name, *methods.weights),
        shapes={f"{name}/{k}": v for k, v in run_spec.shapes.items()} | methods.shapes,
        min_side=max(run_spec.min_side, methods.min_side),
        apart=True,
    )


def _info(name: str, run: Run) -> Info:
    info, facts = run.model.info, run.facts
    ends = run.model.span(run.options) if facts["score"]["scale"] else info.range
    low, high = ((end - run.summand) / run.factor for end in ends)
    data = facts["data"]["training"]["spec"]
    metadata = read_metadata(run.folder / WEIGHTS)
    lower_better = (run.factor < 0) != (info.direction == "lower")
    scale = facts["score"]["scale"]
    finite = math.isfinite(info.range[0]) and math.isfinite(low)
    if scale and not facts["score"]["mapped"]:
        lower_better = scale["direction"] == "lower"
    return replace(
        info,
        name=name,
        title=f"{info.title}, trained on {data}",
        direction="lower" if lower_better else "higher",
        # Beyond the ends of the data's scale lie scores of unfamiliar images.
        range=(min(low, high), max(low, high)) if finite else info.range,
        fidelity_note=(
            f"a run of jiqa train: {run.options}, {run.factor:g}, {run.summand:g}; "
            f"{metadata['source']}; arrays {metadata['fingerprint'][:16]}"
        ),
    )
