"""The deep metrics of other libraries, on the very weights that jiqa uses."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from peers_torch import set_up

from jiqa import weights
from weights_convert.tables import table

__all__ = ["cases", "set_up"]

#: Torchvision's names of the networks whose weights are available.
_NETWORKS = ("alexnet", "vgg16")

Call = Callable[[Any, Any], Any]


def cases(name: str, device: str) -> dict[str, Call]:
    """The metrics of one library: ``call(reference, distorted)`` by jiqa's label."""
    place = "cuda" if device == "gpu" else "cpu"
    _give_weights()
    return {"lpips": _lpips, "piq": _piq, "pyiqa": _pyiqa, "pytorch": _pytorch}[name](
        place
    )


def _give_weights() -> None:
    """Let torchvision and torch.hub find weights without a network connection."""
    hub: Any = importlib.import_module("torch.hub")
    api: Any = importlib.import_module("torchvision.models._api")

    def load(url: str, *_: Any, **__: Any) -> Any:
        for name in _NETWORKS:
            if f"/{name}-" in url:
                return _state(name)
        if "lpips_weights" in url:
            return _heads("vgg")
        if "dists_weights" in url:
            return _dists()
        raise RuntimeError(f"no stand-in for {url}")

    hub.load_state_dict_from_url = api.load_state_dict_from_url = load


def _state(name: str) -> dict[str, Any]:
    """Torchvision's parameters; the classifier, which no metric uses, is zeros."""
    torch: Any = importlib.import_module("torch")
    models: Any = importlib.import_module("torchvision.models")
    with torch.device("meta"):
        empty = getattr(models, name)(weights=None)
    state = {k: torch.zeros(v.shape) for k, v in empty.state_dict().items()}
    keys = table(name, "torchvision").keys
    for key, value in weights.load(name).params.items():
        value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value
        state[keys[key]] = torch.from_numpy(np.ascontiguousarray(value))
    return state


def _heads(net: str) -> list[Any]:
    torch: Any = importlib.import_module("torch")
    params = weights.load(f"lpips-{net}-v0.1").params
    return [torch.from_numpy(v).reshape(1, -1, 1, 1) for v in params.values()]


def _dists() -> dict[str, Any]:
    torch: Any = importlib.import_module("torch")
    params = weights.load("dists").params
    return {
        part: torch.from_numpy(params[f"dists.{part}"]).reshape(1, -1, 1, 1)
        for part in ("alpha", "beta")
    }


def _lpips(place: str) -> dict[str, Call]:
    package: Any = importlib.import_module("lpips")

    def metric(net: str) -> Call:
        made = package.LPIPS(net=net, verbose=False).to(place)
        return lambda r, d: made(r, d, normalize=True).reshape(-1)

    return {"lpips": metric("alex"), "lpips(net=vgg)": metric("vgg")}


def _piq(place: str) -> dict[str, Call]:
    piq: Any = importlib.import_module("piq")
    perceptual: Any = importlib.import_module("piq.perceptual")
    dists = piq.DISTS(reduction="none").to(place)
    # Without its resizing of images above 256 pixels.
    plain = perceptual.ContentLoss.forward
    return {
        "lpips(net=vgg)": piq.LPIPS(reduction="none").to(place),
        "dists": lambda r, d: 1 - plain(dists, d, r),
        "content_loss": piq.ContentLoss(reduction="none").to(place),
    }


def _pyiqa(place: str) -> dict[str, Call]:
    torch: Any = importlib.import_module("torch")
    arch: Any = importlib.import_module("pyiqa.archs.lpips_arch")
    dists_arch: Any = importlib.import_module("pyiqa.archs.dists_arch")

    def metric(net: str) -> Call:
        made = arch.LPIPS(net=net, pretrained=False).to(place)
        for layer, head in zip(made.lins, _heads(net), strict=True):
            layer.model[-1].weight = torch.nn.Parameter(head.to(place))
        return lambda r, d: made(d, r).reshape(-1)

    dists = dists_arch.DISTS(pretrained=False).to(place)
    for part, value in _dists().items():
        setattr(dists, part, torch.nn.Parameter(value.to(place)))
    return {
        "lpips": metric("alex"),
        "lpips(net=vgg)": metric("vgg"),
        "dists": lambda r, d: dists(d, r),
    }


def _pytorch(place: str) -> dict[str, Call]:
    models: Any = importlib.import_module("torchvision.models")

    def forward(name: str) -> Call:
        net = getattr(models, name)(weights="IMAGENET1K_V1").features.eval().to(place)
        return lambda r, _: net(r)

    return {f"{name} features": forward(name) for name in _NETWORKS}
