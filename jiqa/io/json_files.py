"""JSON files: read with an error that names the file, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jiqa.io.atomic import write_text


def read_json(path: Path | str) -> Any:
    """Read a JSON file.

    Args:
        path: a file in UTF-8, with or without a byte order mark.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not valid JSON; names the file and the line.
    """
    try:
        return json.loads(Path(path).read_text("utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None


def write_json(path: Path | str, value: Any, **options: Any) -> None:
    """Write a value as JSON, whole or not at all; see ``jiqa.io.atomic.replacing``.

    Args:
        path: where the file is to be.
        value: what ``json.dumps`` takes.
        options: of ``json.dumps``; ``indent=2`` by default.
    """
    write_text(path, json.dumps(value, **{"indent": 2, **options}) + "\n")
