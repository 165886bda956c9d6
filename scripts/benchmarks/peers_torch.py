"""The peers of metrics.py that are built on PyTorch."""

from __future__ import annotations

import functools
import importlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peer import Peer

_STAND_IN = "stand-in parameters of the released size: only the time counts"
_DOUBLE = "computes in float64"
_EACH: dict[str, Any] = {"reduction": "none"}
_FOLDER = tempfile.TemporaryDirectory(prefix="jiqa-peers-")
_KEPT: list[Any] = []  # operators are declared for as long as their library lives


def set_up(
    device: str, threads: int
) -> tuple[Callable[[np.ndarray], Any], Callable[[Any], Any]]:
    """Prepare PyTorch: true float32, no gradients, no downloads.

    Returns:
        How to lay out images, and how to wait for a result.

    Raises:
        Exception: PyTorch is missing, or sees no GPU where one is asked for.
    """
    torch: Any = importlib.import_module("torch")
    if device == "gpu" and not torch.cuda.is_available():
        raise RuntimeError("this PyTorch sees no GPU")
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.hub.download_url_to_file = _refuse
    if not _KEPT:
        _import_torchvision(torch)

    def prepare(x: np.ndarray) -> Any:
        return torch.from_numpy(np.moveaxis(x, -1, 1).copy()).to(_place(device))

    def wait(out: Any) -> Any:
        if device == "gpu":
            torch.cuda.synchronize()
        return out

    return prepare, wait


def cases(name: str, device: str) -> dict[str, Peer]:
    """The metrics of one library by the label of jiqa's."""
    if name == "pyiqa":
        return _pyiqa(_place(device))
    if name == "cvvdp":
        return _cvvdp(_place(device))
    return {
        "piq": _piq,
        "torchmetrics": _torchmetrics,
        "pytorch-msssim": _pytorch_msssim,
    }[name]()


def _place(device: str) -> str:
    return "cuda" if device == "gpu" else "cpu"


def _refuse(url: str, *_: Any, **__: Any) -> None:
    raise RuntimeError(f"skipped, since it would download {url}")


def _import_torchvision(torch: Any) -> None:
    """Import torchvision also beside a PyTorch that its compiled part was not made for.

    No metric here calls its operators, so that declaring them is enough.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for module in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        library = torch.library.Library("torchvision", "DEF")
        for name in (
            "nms qnms roi_align roi_pool ps_roi_align ps_roi_pool deform_conv2d"
        ).split():
            library.define(f"{name}(Tensor x) -> Tensor")
            library.define(f"_{name}_backward(Tensor x) -> Tensor")
        _KEPT.append(library)
    except ImportError:
        pass  # not every peer needs it; one that does says so


def _luma(x: Any) -> Any:
    return 0.299 * x[:, 0:1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:3]


def _on_luma(function: Callable[..., Any], note: str = "", **options: Any) -> Peer:
    """A metric ``(distorted, reference)`` of any channels, given luma."""
    return Peer("luma", lambda r, d: function(_luma(d), _luma(r), **options), note)


def _on_rgb(function: Callable[..., Any], colour: str = "rgb", **options: Any) -> Peer:
    """A metric that is given RGB; ``colour`` says what it makes of it."""
    return Peer(colour, lambda r, d: function(d, r, **options))


def _piq() -> dict[str, Peer]:
    piq: Any = importlib.import_module("piq")
    torch: Any = importlib.import_module("torch")
    support = tuple(torch.from_numpy(x) for x in _brisque_parameters())
    brisque: Any = sys.modules["piq.brisque"]
    # Copies, since piq transposes what it gets in place.
    brisque.load_url = lambda *_, **__: tuple(x.clone() for x in support)
    luma = functools.partial(_on_rgb, colour="luma", **_EACH)
    rgb = functools.partial(_on_rgb, **_EACH)
    return {
        "psnr": rgb(piq.psnr),
        "psnr(colour=luma)": luma(piq.psnr, convert_to_greyscale=True),
        "ssim": _on_luma(piq.ssim, downsample=False, **_EACH),
        "ssim(downsample=auto)": _on_luma(piq.ssim, **_EACH),
        "ssim(preset=tensorflow)": rgb(piq.ssim, downsample=False),
        "ms_ssim": _on_luma(piq.multi_scale_ssim, **_EACH),
        "iw_ssim": luma(piq.information_weighted_ssim),
        "vifp": luma(piq.vif_p),
        "fsim": luma(piq.fsim, chromatic=False),
        "fsimc": rgb(piq.fsim),
        "sr_sim": luma(piq.srsim),
        "gmsd": luma(piq.gmsd),
        "ms_gmsd": luma(piq.multi_scale_gmsd),
        "vsi": rgb(piq.vsi),
        "mdsi": rgb(piq.mdsi),
        "haarpsi": rgb(piq.haarpsi),
        "dss": luma(piq.dss),
        "brisque": Peer("luma", lambda _, d: piq.brisque(d, **_EACH), _STAND_IN),
    }


def _torchmetrics() -> dict[str, Peer]:
    metrics: Any = importlib.import_module("torchmetrics.functional")
    image: Any = importlib.import_module("torchmetrics.functional.image")
    unit: dict[str, Any] = _EACH | {"data_range": 1.0}
    ssim = image.structural_similarity_index_measure
    psnr = functools.partial(image.peak_signal_noise_ratio, dim=(1, 2, 3), **unit)

    def vifp(d: Any, r: Any) -> Any:  # fixed to the scale of 8-bit levels
        return image.visual_information_fidelity(d * 255, r * 255, **_EACH)

    return {
        "mse": _on_rgb(metrics.mean_squared_error),
        "rmse": _on_rgb(metrics.mean_squared_error, squared=False),
        "mae": _on_rgb(metrics.mean_absolute_error),
        "psnr": _on_rgb(psnr),
        "psnr(colour=luma)": _on_luma(psnr),
        "ssim": _on_luma(ssim, **unit),
        "ssim(preset=tensorflow)": _on_rgb(ssim, **unit),
        "ms_ssim": _on_luma(
            image.multiscale_structural_similarity_index_measure, **unit
        ),
        "uqi": _on_luma(
            image.universal_image_quality_index,
            "Gaussian window of 11, where the authors have a box of 8",
            **_EACH,
        ),
        "vifp": _on_luma(vifp),
    }


def _pytorch_msssim() -> dict[str, Peer]:
    peer: Any = importlib.import_module("pytorch_msssim")
    unit: dict[str, Any] = {"data_range": 1.0, "size_average": False}
    return {
        "ssim": _on_luma(peer.ssim, **unit),
        "ssim(preset=tensorflow)": _on_rgb(peer.ssim, **unit),
        "ms_ssim": _on_luma(peer.ms_ssim, **unit),
    }


def _pyiqa(place: str) -> dict[str, Peer]:
    pyiqa: Any = importlib.import_module("pyiqa")
    torch: Any = importlib.import_module("torch")
    scipy_io: Any = importlib.import_module("scipy.io")

    def metric(name: str, options: dict[str, Any]) -> Callable[..., Any]:
        made = functools.cache(
            lambda: pyiqa.create_metric(name, device=place, **options)
        )
        return lambda *images: made()(*images)

    def pair(name: str, colour: str = "luma", note: str = "", **options: Any) -> Peer:
        call = metric(name, options)
        return Peer(colour, lambda r, d: call(d, r), note)

    def blind(name: str, model: Path) -> Peer:
        call = metric(name, {"pretrained_model_path": str(model)})
        return Peer("luma", lambda _, d: call(d), _STAND_IN)

    niqe, brisque = (Path(_FOLDER.name) / name for name in ("niqe.mat", "brisque.pth"))
    scipy_io.savemat(
        niqe, {"mu_prisparam": np.ones((1, 36)), "cov_prisparam": np.eye(36)}
    )
    torch.save(tuple(torch.from_numpy(x) for x in _brisque_parameters()), brisque)
    return {
        "psnr": pair("psnr", "rgb"),
        "psnr(colour=luma)": pair("psnry"),
        "ssim": pair("ssim", note=_DOUBLE),
        "ssim(downsample=auto)": pair("ssim", note=_DOUBLE, downsample=True),
        "ssim(preset=tensorflow)": pair("ssimc", "rgb", _DOUBLE),
        "ms_ssim": pair("ms_ssim", note=_DOUBLE),
        "cw_ssim": pair("cw_ssim", note=_DOUBLE),
        "fsim": pair("fsim", chromatic=False),
        "fsimc": pair("fsim", "rgb"),
        "vif": pair("vif"),
        "gmsd": pair("gmsd"),
        "nlpd": pair("nlpd"),
        "vsi": pair("vsi", "rgb", _DOUBLE),
        "mad": pair("mad", note=_DOUBLE),
        "niqe": blind("niqe", niqe),
        "brisque": blind("brisque", brisque),
    }


def _cvvdp(device: str) -> dict[str, Peer]:
    """The authors' ColorVideoVDP on a batch of images."""
    torch: Any = importlib.import_module("torch")
    package: Any = importlib.import_module("pycvvdp")
    metric = package.cvvdp(quiet=True, device=torch.device(device))

    def call(reference: Any, distorted: Any) -> Any:
        score, _ = metric.predict(distorted, reference, dim_order="BCHW")
        return score.reshape(-1)

    return {"cvvdp": Peer("rgb", call)}


def _brisque_parameters() -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and support vectors, as many as the released model has."""
    draw = np.random.default_rng(0)
    coefficients = draw.standard_normal((774, 1))
    vectors = draw.uniform(-1, 1, (774, 36))
    return coefficients.astype(np.float32), vectors.astype(np.float32)
