"""SHA-256 digests of files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256_of_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes in hexadecimal; large files are not held in memory.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
