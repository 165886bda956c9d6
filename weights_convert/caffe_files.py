"""Why Caffe's ``.caffemodel`` files are not read.

Such a file is a protocol buffer of Caffe's own schema. Caffe's Python package is no
longer built for the Pythons that jiqa supports, the packages that ship the generated
schema come with a whole framework or have seen no release for years, and every network
here has an official file in another format. So the file is recognised, and refused with
the way around.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn


def read(path: Path) -> NoReturn:
    """Refuse.

    Raises:
        ValueError: always; says what to convert from instead.
    """
    raise ValueError(
        f"{path}: Caffe's files are not read; convert from the network's PyTorch, "
        "safetensors, Keras or MatConvNet file (`jiqa weights list` names it)"
    )
