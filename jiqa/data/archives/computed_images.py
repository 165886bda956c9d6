"""Images that are computed while a data set is prepared."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jiqa.io.decode import DecodeError, read_image


@dataclass(frozen=True)
class Distorted:
    """A distorted version of a photograph, made when its bytes are asked for.

    Attributes:
        name: what it is called.
        reference: the photograph.
        kind: the distortion, ``set/name`` of ``jiqa.distortions``.
        level: its strength.
        seed: with the name, what chance depends on: the same image each time, in
            whatever order and process it is made.
    """

    name: str
    reference: Path
    kind: str
    level: int
    seed: int

    def __str__(self) -> str:
        """The name."""
        return self.name

    def read_bytes(self) -> bytes:
        """The image as an 8-bit PNG file.

        Raises:
            DecodeError: the photograph cannot be read, or not be distorted.
        """
        from PIL import Image

        from jiqa.distortions import distort
        from jiqa.distortions.operations.rounding import to_uint8

        image = read_image(self.reference)
        if image.shape[-1] == 1:
            image = np.repeat(image, 3, axis=-1)
        digest = hashlib.sha256(f"{self.seed}\n{self.name}".encode()).digest()
        key = int.from_bytes(digest[:4], "little")
        try:
            result = distort(image, self.kind, self.level, key)
        except ValueError as error:  # too small for this kind, for example
            raise DecodeError(f"{self.name}: cannot be made: {error}") from error
        file = io.BytesIO()
        Image.fromarray(np.asarray(to_uint8(result))).save(file, "PNG")
        return file.getvalue()
