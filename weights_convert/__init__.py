"""Published files of weights to the safetensors files that jiqa reads.

Read are PyTorch's ``.pth`` in both of its formats, safetensors, Keras's HDF5 and
MatConvNet's ``.mat``; none of the frameworks is needed, and no file can run anything.
``tables`` has the keys of each network, ``mapping`` applies them.

Example:
    python -m weights_convert resnet50 resnet50-0676ba61.pth weights/
"""

from weights_convert.converting import Converted as Converted
from weights_convert.converting import convert as convert
from weights_convert.converting import parameters_of as parameters_of
from weights_convert.formats import Source as Source
from weights_convert.formats import read_source as read_source
