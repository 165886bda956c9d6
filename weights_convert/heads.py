"""Keys of what is no network of its own: heads and weights of channels."""

from __future__ import annotations

from jiqa.weights import WeightSet


def own_keys(wanted: WeightSet) -> dict[str, str]:
    """Keys of the published file by jiqa's, for parameters outside the network.

    LPIPS numbers its heads in the order of the taps; NIMA ends in one dense layer;
    PieAPP's layers have PyTorch's names for their parts.
    """
    theirs: dict[str, str] = {}
    mine = [key for key in wanted.shapes if key.startswith("lpips.")]
    theirs |= {key: f"lin{k}.model.1.weight" for k, key in enumerate(mine)}
    theirs |= {f"dists.{part}": part for part in ("alpha", "beta")}
    theirs |= {f"nima.{part}": f"dense_1/{part}" for part in ("kernel", "bias")}
    theirs |= {
        key: key.removeprefix("pieapp.").replace(".kernel", ".weight")
        for key in wanted.shapes
        if key.startswith("pieapp.")
    }
    return {key: theirs[key] for key in wanted.shapes if key in theirs}
