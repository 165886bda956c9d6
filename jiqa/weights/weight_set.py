"""What jiqa knows about one set of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Carrier:
    """An installable package that has a set among its files.

    Attributes:
        package: name and version, as pip takes them.
        member: the file's path inside the installation folder.
        sha256: of that file.
        keys: jiqa's key to the file's, for every key of the set; empty where the file
            is the published one, which ``weights_convert`` reads.
        ignored: prefixes of keys in the file that belong to no key of the set.
        extra: the extra of jiqa that installs it, if one does.
    """

    package: str
    member: str
    sha256: str
    keys: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    extra: str = ""


@dataclass(frozen=True)
class WeightSet:
    """One set of weights; on disk ``NAME.safetensors``.

    Attributes:
        name: the name that it is loaded by.
        feeds: the network or metric, in words.
        shapes: every key that it must have, with shapes.
        licence: under which its owners give it.
        source: where the numbers come from.
        optional: prefixes of other keys that a file may have; they are left unread.
        extra: keys beside ``shapes`` that a complete file has (a classifier), with
            shapes; read on request.
        network: whose key table converts the published file; empty where the set is no
            network's.
        address: of the official file, as its owners publish it.
        digest: the SHA-256 of that file, or how it begins, where that is known.
        pointer: address of a text that states it, where the owners keep one (a Git LFS
            pointer).
        carriers: packages that have it.
        shipped: whether jiqa itself has it, in ``weights/shipped/NAME.npz``.
        sha256: fingerprint of the published parameters (``files.fingerprint``), where
            it is known.
        path: the only file that has it, where it is no published one.
        ignored: patterns (of ``fnmatch``) for keys of the published file that the set
            has no use for; of a network's file the key table names them.
    """

    name: str
    feeds: str
    shapes: Shapes
    licence: str
    source: str
    optional: tuple[str, ...] = ()
    extra: Shapes = field(default_factory=dict)
    network: str = ""
    address: str = ""
    digest: str = ""
    pointer: str = ""
    carriers: tuple[Carrier, ...] = ()
    shipped: bool = False
    sha256: str = ""
    path: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of its file in a folder of weights."""
        return f"{self.name}.safetensors"

    @property
    def published_file(self) -> str:
        """The name of the official file, empty where there is none.

        Where it has no address of its own, that of the file in a package.
        """
        members = (carrier.member for carrier in self.carriers if not carrier.keys)
        return (self.address or next(members, "")).rsplit("/", 1)[-1]
