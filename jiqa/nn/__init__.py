"""Backbones: pure functions from images to named feature maps, and to logits.

``jiqa.nn.modules`` wraps them as Flax NNX modules, for training; it alone imports
Flax, so that scoring images does not wait for it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from jiqa.nn import (
    alexnet,
    bn_inception,
    googlenet,
    inception_resnet_v2,
    inception_v3,
    mobilenet_v1,
    mobilenet_v2,
    resnet,
    scnn,
    squeezenet,
    vgg,
)
from jiqa.nn.layers import Network

__all__ = ["NETWORKS", "Network"]

#: The networks that have published weights, by name.
NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        "alexnet": alexnet.Config(),
        "vgg11": vgg.VGG11,
        "vgg11_bn": vgg.VGG11_BN,
        "vgg13": vgg.VGG13,
        "vgg13_bn": vgg.VGG13_BN,
        "vgg16": vgg.VGG16,
        "vgg16_bn": vgg.VGG16_BN,
        "vgg19": vgg.VGG19,
        "vgg19_bn": vgg.VGG19_BN,
        "resnet18": resnet.RESNET18,
        "resnet50": resnet.RESNET50,
        "squeezenet1_1": squeezenet.Config(),
        "mobilenet_v1": mobilenet_v1.Config(),
        "mobilenet_v2": mobilenet_v2.Config(),
        "googlenet": googlenet.Config(),
        "bn_inception": bn_inception.Config(),
        "inception_v3": inception_v3.Config(),
        "inception_resnet_v2": inception_resnet_v2.Config(),
        "scnn": scnn.PYTORCH,
        "scnn_plain": scnn.PYTORCH_PLAIN,
        "scnn_matconvnet": scnn.MATCONVNET,
    }
)
