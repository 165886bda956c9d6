"""Convert a published file of weights to the parameters, and the file, of a set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jiqa.weights import safetensors_files as files
from jiqa.weights.heads import published_keys
from jiqa.weights.registry import get_set
from jiqa.weights.weight_set import WeightSet
from weights_convert.formats import Source, read_source
from weights_convert.mapping import Shapes, parameters
from weights_convert.tables import Table, layouts, table

#: Layouts of files that do not follow PyTorch's conventions.
_OTHER_FAMILIES = ("keras", "matconvnet")


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        path: the new file.
        params: by jiqa's flat key.
        layout: whose keys the source had; empty for a set outside the networks.
        source: the published file.
        official: whether its SHA-256 is that of the owners' file; ``None`` if jiqa
            does not know that one.
    """

    path: Path
    params: dict[str, np.ndarray]
    layout: str
    source: Source
    official: bool | None


def convert(
    name: str, source: Path | str, destination: Path | str, *, layout: str | None = None
) -> Converted:
    """Write the safetensors file of a set.

    Args:
        name: a set of ``jiqa.weights.all_sets()``.
        source: the published file.
        destination: the file to write, or a folder for ``NAME.safetensors``.
        layout: whose keys the source has (``"torchvision"``, ``"timm"``, ``"keras"``,
            ...); by default the one that fits best.

    Raises:
        FileNotFoundError: no source.
        ModuleNotFoundError: the file needs h5py, which is not installed.
        ValueError: no such set or layout; a format not known, a hostile or damaged
            file; keys missing, unexpected or misshapen (all are named).
    """
    wanted = get_set(name)
    read = read_source(source)
    params, layout = parameters_of(wanted, read, layout)
    destination = Path(destination)
    if destination.is_dir() or destination.suffix != ".safetensors":
        destination = destination / wanted.file
    official = read.sha256.startswith(wanted.digest) if wanted.digest else None
    files.write(
        destination,
        params,
        source=wanted.source
        if official
        else f"the file {read.path.name}, given as {wanted.source}",
        licence=wanted.licence,
        sha256=read.sha256,
    )
    return Converted(destination, params, layout, read, official)


def parameters_of(
    wanted: WeightSet, source: Source, layout: str | None = None
) -> tuple[dict[str, np.ndarray], str]:
    """Read the parameters of a set from a file, and the layout of its keys.

    Raises:
        ValueError: see ``convert``.
    """
    shapes: Shapes = {**wanted.shapes, **wanted.extra}
    published = published_keys(wanted)
    if not wanted.network:
        return parameters(source, published, wanted.ignored, shapes), ""
    tables = _tables(wanted.network, source, layout)
    source = _without_outer_name(source, tables)
    # The one with the most keys in the file; of equals the first.
    layout = max(
        tables, key=lambda n: sum(k in source.arrays for k in tables[n].keys.values())
    )
    known = {
        key: theirs.removeprefix("module.")
        for key, theirs in tables[layout].keys.items()
        if key in shapes
    }
    ignored = (*tables[layout].ignored, *_outside(tables[layout], shapes))
    keys = _present(known, wanted, source) | published
    return parameters(source, keys, ignored, shapes), layout


def _without_outer_name(source: Source, tables: Mapping[str, Table]) -> Source:
    """The file as if its network stood alone, where its keys have a name before them.

    A training script may keep the network as a part of its model (``backbone.``,
    ``model.encoder.``), beside other parts. Chosen is the name under which most keys of
    a table are found, if that is more than there are without one.
    """
    known = {theirs for t in tables.values() for theirs in t.keys.values()}
    found: dict[str, int] = {}
    for key in source.arrays:
        parts = key.split(".")
        for k in range(len(parts)):
            if ".".join(parts[k:]) in known:
                name = "".join(f"{part}." for part in parts[:k])
                found[name] = found.get(name, 0) + 1
    best = max(found, key=lambda name: (found[name], -len(name)), default="")
    if not best:
        return source
    inside = {
        key.removeprefix(best): value
        for key, value in source.arrays.items()
        if key.startswith(best)
    }
    return replace(source, arrays=inside)


def _outside(known: Table, shapes: Shapes) -> tuple[str, ...]:
    """Keys that the file may hold although the set has no use for them."""
    return tuple(v for key, v in known.keys.items() if key not in shapes)


def _present(
    keys: Mapping[str, str], wanted: WeightSet, source: Source
) -> dict[str, str]:
    """Without a classifier, or an auxiliary one, of which the file has nothing at all.

    Such a file was cut on purpose; one that has only some of it is damaged.
    """
    groups: dict[str, list[str]] = {}
    for key in wanted.extra:
        groups.setdefault(_head(key), []).append(key)
    absent = {
        key
        for group in groups.values()
        if not any(keys.get(key) in source.arrays for key in group)
        for key in group
    }
    return {key: theirs for key, theirs in keys.items() if key not in absent}


def _head(key: str) -> str:
    return key.split("_")[0] if key.startswith("aux") else "classifier"


def _tables(network: str, source: Source, layout: str | None) -> dict[str, Table]:
    """The tables that may fit the file, by layout."""
    known = layouts(network)
    fitting = [
        name
        for name in known
        if source.family == (name if name in _OTHER_FAMILIES else "torch")
        and layout in (None, name)
    ]
    if not fitting:
        asked = f"layout {layout!r}" if layout else "layout"
        raise ValueError(
            f"{source.path}: no {asked} of {network} fits a file in the format of "
            f"{source.family} (layouts: {', '.join(known)})"
        )
    return {name: table(network, name) for name in fitting}
