"""Files that are not read say what they are, and what is."""

from __future__ import annotations

import pytest

from weights_convert.formats import read_source


def test_a_file_of_caffe_is_named_with_what_to_convert_instead(tmp_path):
    path = tmp_path / "bvlc_alexnet.caffemodel"
    path.write_bytes(b"\n\x07AlexNet" + bytes(600))
    with pytest.raises(ValueError, match=r"PyTorch, safetensors.*got a file of Caffe"):
        read_source(path)
