"""What a prepared user data set keeps beside its index: facts, options, origin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jiqa.data.schema import Contents, Info, Scale


@dataclass(frozen=True)
class Facts:
    """How a set was prepared, as far as its builder does not determine it.

    Attributes:
        info: its description by its files; ``None`` for that of the builder.
        options: the user's options.
        fingerprint: SHA-256 of names, labels and file sizes; only for sets that the
            user names.
    """

    info: Info | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""

    def to_json(self) -> str:
        """As text; empty if there is nothing to say."""
        if not (self.info or self.options or self.fingerprint):
            return ""
        return json.dumps(asdict(self), ensure_ascii=False)


def facts_from_json(text: str) -> Facts:
    """What ``Facts.to_json`` wrote."""
    if not text:
        return Facts()
    data = json.loads(text)
    info = data.pop("info")
    if info is not None:
        info["scales"] = {key: Scale(**scale) for key, scale in info["scales"].items()}
        info["distortions"] = tuple(info["distortions"])
        info["histogram"] = tuple(info["histogram"])
        info = Info(**info)
    return Facts(info=info, **data)


def fingerprint(contents: Contents) -> str:
    """SHA-256 of everything but the pixels, and of the files' sizes."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        digest.update(json.dumps(value, sort_keys=True).encode())

    for record in contents.records:
        add(vars(record) | {"image": _size(record.image)})
    for key, image in contents.references.items():
        add([key, _size(image)])
    if contents.info:
        add(asdict(contents.info))
    return digest.hexdigest()


def _size(image: Any) -> str:
    if not isinstance(image, Path):
        return str(image)
    try:
        return str(image.stat().st_size)
    except OSError:
        return "not there"
