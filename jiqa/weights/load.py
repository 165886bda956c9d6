"""Load a set of weights by name, as checked parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jiqa.checks import expected
from jiqa.io.digest import sha256_of_file
from jiqa.nn import parameters
from jiqa.weights import safetensors_files as files
from jiqa.weights.convert import parameters_of
from jiqa.weights.locate import Candidate, Origin, find
from jiqa.weights.registry import get_set
from jiqa.weights.weight_set import Carrier, WeightSet
from weights_convert import read_source
from weights_convert import restricted_pickle as pickles


@dataclass(frozen=True)
class Weights:
    """A set of weights that was read.

    Attributes:
        name: of the set.
        params: float32 arrays by flat key.
        origin: ``"folder"``, ``"cache"``, ``"jiqa"`` (shipped) or ``"package"``.
        path: the file.
        source: where the numbers come from.
        licence: under which they are given.
        sha256: fingerprint of ``params``, whatever file held them.
        published: whether they are the published ones; ``None`` if jiqa does not
            know the fingerprint of those.
    """

    name: str
    params: dict[str, np.ndarray]
    origin: Origin
    path: Path
    source: str
    licence: str
    sha256: str
    published: bool | None


def load(
    name: str, folder: Path | str | None = None, *, whole: bool = False
) -> Weights:
    """Find, read and check one set of weights.

    Args:
        name: a set of ``registry.all_sets()``.
        folder: where to look first; by default the folder that JIQA_WEIGHTS names.
        whole: also the classifier, for the network's ``logits``; auxiliary classifiers
            where the file has them. Otherwise these are left unread.

    Raises:
        ValueError: no such set, or a file with missing, unexpected or misshapen keys
            (all are named), of an unknown hash or unsafe to read.
        WeightsNotFound: nothing holds it.
    """
    wanted = get_set(name)
    found = find(wanted, folder, whole=whole)
    source, licence = wanted.source, wanted.licence
    unread = wanted.optional if whole else (*wanted.optional, *wanted.extra)
    if found.carrier is not None:
        params = _from_package(wanted, found, found.carrier)
        if not found.carrier.keys:
            # The published file is read as a whole.
            params = {k: v for k, v in params.items() if not k.startswith(unread)}
        source += f", as {found.carrier.package} has it"
    elif found.path.suffix == ".npz":
        with np.load(found.path, allow_pickle=False) as archive:
            params = {key: archive[key] for key in archive.files}
    else:
        params, metadata = files.read(found.path, without=unread)
        source, licence = metadata["source"], metadata["licence"]
    shapes = dict(wanted.shapes)
    if whole:
        extra = wanted.extra.items()
        shapes |= {k: s for k, s in extra if k in params or not _auxiliary(k)}
    parameters.check(params, shapes, f"weights {name!r} in {found.path}")
    params = {key: params[key] for key in shapes}
    sha256 = files.fingerprint(params)
    published = None
    if wanted.sha256:
        needed = {key: params[key] for key in wanted.shapes}
        published = files.fingerprint(needed) == wanted.sha256
    return Weights(
        name, params, found.origin, found.path, source, licence, sha256, published
    )


def load_together(
    names: Sequence[str], folder: Path | str | None = None, *, whole: bool = False
) -> tuple[dict[str, np.ndarray], tuple[Weights, ...]]:
    """Load several sets as one flat dictionary, and each by itself; see ``load``."""
    sets = tuple(load(name, folder, whole=whole) for name in names)
    merged: dict[str, np.ndarray] = {}
    for weights in sets:
        merged |= weights.params
    return merged, sets


def store(weights: Weights, folder: Path | str) -> Path:
    """Write a set that was read anywhere as ``NAME.safetensors`` into a folder."""
    path = Path(folder) / get_set(weights.name).file
    files.write(
        path,
        weights.params,
        source=weights.source,
        licence=weights.licence,
        sha256=sha256_of_file(weights.path),
    )
    return path


def _auxiliary(key: str) -> bool:
    """Whether a key belongs to a classifier that only helped the training."""
    return key.startswith("aux")


def _from_package(
    wanted: WeightSet, found: Candidate, carrier: Carrier
) -> dict[str, np.ndarray]:
    data = found.path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != carrier.sha256:
        raise ValueError(
            expected(
                f"{found.path}",
                f"SHA-256 {carrier.sha256}, that of {carrier.package}",
                f"{digest}",
                "reinstall the package in that version",
            )
        )
    if not carrier.keys:
        return parameters_of(wanted, read_source(found.path))[0]
    stored = pickles.flat(pickles.read(data, found.path))
    mine = {theirs: key for key, theirs in carrier.keys.items()}
    return {
        # A key without a counterpart keeps its name, and the check will report it.
        mine.get(key, key): np.ascontiguousarray(value, np.float32)
        for key, value in stored.items()
        if not key.startswith(carrier.ignored)
    }
