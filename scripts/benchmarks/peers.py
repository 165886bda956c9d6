"""The other libraries as metrics.py calls them.

Every peer gets its own layout (NCHW tensors, NHWC arrays, lists of NumPy images),
laid out before the clock starts, and computes the same thing as jiqa as nearly as its
options allow. Where jiqa works on luma and the peer takes any number of channels, the
peer's time includes the conversion, as jiqa's does.

A case is labelled as the command line labels it: ``metric(option=value)``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from peer import Peer

NAMES = (
    *("piq", "torchmetrics", "pytorch-msssim", "pyiqa", "cvvdp"),
    *("scikit-image", "dm-pix", "flip-evaluator"),
)


@dataclass(frozen=True)
class Library:
    """A peer that could be imported.

    Attributes:
        prepare: lays out float32 images ``[N, H, W, 3]``.
        wait: blocks until a result is there and returns it.
        cases: its metrics by the label of jiqa's.
    """

    prepare: Callable[[np.ndarray], Any]
    wait: Callable[[Any], Any]
    cases: dict[str, Peer]


def load(name: str, device: str, threads: int) -> Library:
    """Import one peer.

    Args:
        name: one of ``NAMES``.
        device: ``"cpu"`` or ``"gpu"``.
        threads: that it may use.

    Raises:
        Exception: whatever its import raises, or that it cannot use the device.
    """
    if name == "scikit-image":
        if device == "gpu":
            raise RuntimeError("it runs on the CPU only")
        return Library(list, lambda out: out, _scikit_image())
    if name == "flip-evaluator":
        if device == "gpu":
            raise RuntimeError("the package runs on the CPU only")
        return Library(list, lambda out: out, _flip_evaluator())
    if name == "dm-pix":
        import jax

        return Library(jax.device_put, jax.block_until_ready, _dm_pix())
    import peers_torch as torch_peers

    prepare, wait = torch_peers.set_up(device, threads)
    return Library(prepare, wait, torch_peers.cases(name, device))


def _scikit_image() -> dict[str, Peer]:
    metrics: Any = importlib.import_module("skimage.metrics")
    color: Any = importlib.import_module("skimage.color")

    def pairs(colour: str, one: Callable[..., Any], **options: Any) -> Peer:
        """Applied to one image after the other, as the library is used."""

        def call(references: Any, distorted: Any) -> Any:
            pair = zip(references, distorted, strict=True)
            if colour == "luma":
                return np.array([one(_grey(r), _grey(d), **options) for r, d in pair])
            return np.array([one(r, d, **options) for r, d in pair])

        return Peer(colour, call)

    def difference(formula: Callable[..., Any]) -> Callable[..., Any]:
        return lambda r, d: formula(color.rgb2lab(r), color.rgb2lab(d)).mean()

    unit = {"data_range": 1.0}
    channels = unit | {"channel_axis": -1}
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    ssim, psnr = metrics.structural_similarity, metrics.peak_signal_noise_ratio
    return {
        "mse": pairs("rgb", metrics.mean_squared_error),
        "psnr": pairs("rgb", psnr, **unit),
        "psnr(colour=luma)": pairs("luma", psnr, **unit),
        "ssim": pairs("luma", ssim, **unit, **wang),
        "ssim(preset=tensorflow)": pairs("rgb", ssim, **channels, **wang),
        "ssim(preset=scikit-image)": pairs("rgb", ssim, **channels),
        "delta_e(formula=cie1976)": pairs("rgb", difference(color.deltaE_cie76)),
        "delta_e": pairs("rgb", difference(color.deltaE_ciede2000)),
    }


def _flip_evaluator() -> dict[str, Peer]:
    """The authors' C++ through their package, one image after the other."""
    package: Any = importlib.import_module("flip_evaluator")

    def pairs(dynamic_range: str) -> Peer:
        def call(references: Any, distorted: Any) -> Any:
            return np.array(
                [
                    package.evaluate(r, d, dynamic_range, applyMagma=False)[1]
                    for r, d in zip(references, distorted, strict=True)
                ]
            )

        return Peer("rgb", call)

    return {"flip": pairs("LDR"), "hdrflip": pairs("HDR")}


def _dm_pix() -> dict[str, Peer]:
    import jax

    pix: Any = importlib.import_module("dm_pix")

    def on_luma(r: Any, d: Any) -> Any:
        return pix.ssim(_grey(r)[..., None], _grey(d)[..., None])

    plain = {n: getattr(pix, n) for n in ("mse", "rmse", "mae", "psnr")}
    plain["ssim(preset=tensorflow)"] = lambda r, d: pix.ssim(r, d)
    found = {name: Peer("rgb", jax.jit(call)) for name, call in plain.items()}
    return found | {"ssim": Peer("luma", jax.jit(on_luma))}


def _grey(x: Any) -> Any:
    """Luma of ``[..., H, W, 3]``, float32 for arrays of NumPy and of JAX."""
    return 0.299 * x[..., 0] + 0.587 * x[..., 1] + 0.114 * x[..., 2]
