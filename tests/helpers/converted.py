"""What a converted file must hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from jiqa.weights import safetensors_files as files


def check_converted(
    path: Path, state: dict[str, torch.Tensor], keys: dict[str, str]
) -> dict[str, np.ndarray]:
    """Bit for bit: a kernel's axes turned, anything else as it is."""
    params, metadata = files.read(path)
    assert set(params) == set(keys)
    for key, theirs in keys.items():
        wanted = state[theirs].numpy()
        if key.endswith(".kernel"):
            order = {4: (2, 3, 1, 0), 2: (1, 0)}[wanted.ndim]
            wanted = wanted.transpose(order)
        np.testing.assert_array_equal(params[key], wanted, err_msg=key)
        assert params[key].dtype == np.float32
    assert metadata["licence"]
    assert metadata["source"]
    return params
