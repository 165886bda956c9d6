"""The orientation that metadata give."""

from __future__ import annotations

import pytest

from jiqa.io.formats.header import exif_orientation
from tests.helpers.image_files import exif


@pytest.mark.parametrize("prefix", [b"Exif\0\0", b""])
def test_exif_counts_before_xmp(prefix):
    block = prefix + exif(6)[6:]
    assert exif_orientation(block) == 6
    assert exif_orientation(block, b'tiff:Orientation="3"') == 6
    assert exif_orientation(b"", b'tiff:Orientation="3"') == 3
    assert exif_orientation(b"", b"<tiff:Orientation>8</tiff:Orientation>") == 8


def test_nonsense_is_upright():
    assert exif_orientation(b"") == 1
    assert exif_orientation(exif(9)) == 1
    assert exif_orientation(exif(0)) == 1
    assert exif_orientation(b"Exif\0\0nonsense", b'tiff:Orientation="9"') == 1
