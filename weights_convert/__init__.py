"""Formats and keys of published files of weights.

It reads PyTorch's ``.pth`` in both of its formats, safetensors, Keras's HDF5 and
MatConvNet's ``.mat``; it needs none of the frameworks, and no file can run anything.
``tables`` has the keys of each network, ``mapping`` applies them;
``jiqa.weights.convert`` writes the safetensors files that jiqa reads.

Example:
    python -m weights_convert resnet50 resnet50-0676ba61.pth weights/
"""

from weights_convert.formats import Source as Source
from weights_convert.formats import read_source as read_source
