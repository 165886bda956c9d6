"""The numbers of colour spaces, each once: weights, matrices, whites and knees.

A row holds the weights of red, green and blue. Where authors of metrics round a known
matrix in their own way, their rounding has a name here, since scores follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jax import Array

Row = tuple[float, float, float]

#: Luma of ITU-R BT.601.
BT601: Row = (0.299, 0.587, 0.114)
#: Luma of ITU-R BT.709, and the luminance of its linear light.
BT709: Row = (0.2126, 0.7152, 0.0722)
#: The luminance to six digits, as the authors of PU21 have it.
PU21_LUMINANCE: Row = (0.212656, 0.715158, 0.072186)
#: BT.601's luma to four digits, as MATLAB's documentation of ``rgb2gray`` has it.
BT601_FOUR_DIGITS: Row = (0.2989, 0.5870, 0.1140)
#: The same as ``rgb2gray`` computes it: the first row of MATLAB's YIQ, inverted.
BT601_MATLAB: Row = (0.298936021293775, 0.587043074451121, 0.114020904255103)

#: Chroma I and Q of NTSC's YIQ, to three digits and to four.
YIQ_CHROMA: tuple[Row, Row] = ((0.596, -0.274, -0.322), (0.211, -0.523, 0.312))
YIQ_CHROMA_FOUR_DIGITS: tuple[Row, Row] = (
    (0.5959, -0.2746, -0.3213),
    (0.2115, -0.5227, 0.3112),
)

#: Opponent colours of Geusebroek et al. (2001): luminance L, chroma M and N.
OPPONENT_LUMINANCE: Row = (0.06, 0.63, 0.27)
OPPONENT_CHROMA: tuple[Row, Row] = ((0.30, 0.04, -0.35), (0.34, -0.60, 0.17))

#: ITU-R BT.601 with head-room, on the scale 0..255 as MATLAB's ``rgb2ycbcr`` has it:
#: Y in [16, 235], Cb and Cr in [16, 240].
TO_YCBCR = np.array(
    [
        [65.481, 128.553, 24.966],
        [-37.797, -74.203, 112.0],
        [112.0, -93.786, -18.214],
    ]
)
YCBCR_OFFSET = np.array([16.0, 128.0, 128.0])

#: Linear sRGB to XYZ, seven decimals after IEC 61966-2-1 (B. Lindbloom's table).
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
#: The way back, and Bradford's adaptation of D50 to D65, of the same tables.
FROM_XYZ = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
D50_TO_D65 = np.array(
    [
        [0.9555766, -0.0230393, 0.0631636],
        [-0.0282895, 1.0099416, 0.0210077],
        [0.0122982, -0.0204830, 1.3299098],
    ]
)
#: Tristimulus values of the whites D65 (that of sRGB) and D50.
D65 = np.array([0.95047, 1.0, 1.08883])
D50 = np.array([0.9642, 1.0, 0.8251])
#: D50 to five digits, as in the tables of ``D50_TO_D65``.
D50_FIVE_DIGITS = np.array([0.96422, 1.0, 0.82521])

#: The same as FLIP has it: whole numbers from the primaries of ITU-R BT.709 and D65,
#: the white that follows and its reciprocal, and the inverse to nine decimals.
FLIP_TO_XYZ = np.array(
    [
        [10135552 / 24577794, 8788810 / 24577794, 4435075 / 24577794],
        [2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897],
        [1425312 / 73733382, 8788810 / 73733382, 70074185 / 73733382],
    ]
)
FLIP_WHITE = np.array([0.950428545, 1.0, 1.088900371])
FLIP_OVER_WHITE = np.array([1.052156925, 1.0, 0.918357670])
FLIP_FROM_XYZ = np.array(
    [
        [3.241003275, -1.537398934, -0.498615861],
        [-0.969224334, 1.875930071, 0.041554224],
        [0.055639423, -0.204011202, 1.057148933],
    ]
)

#: Linear sRGB to the light that long, medium and short cones absorb, and what is added
#: to each before the cube root, in libjxl's XYB.
TO_CONES = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
    ]
)
CONE_BIAS = 0.0037930732552754493

#: From the responses f(X/Xn), f(Y/Yn), f(Z/Zn) to L* + 16, a*, b*.
TO_LAB = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]])
#: Below this response the cube root gives way to its tangent (CIE 15).
LAB_KNEE = 6 / 29


def weighted(row: Sequence[float] | np.ndarray, planes: Sequence[Array]) -> Array:
    """``row[0] red + row[1] green + row[2] blue`` of three planes of any shape.

    A sum of planes: a product with three columns would not vectorise, and accelerators
    would multiply in fewer bits.
    """
    red, green, blue = planes
    return float(row[0]) * red + float(row[1]) * green + float(row[2]) * blue


def all_weighted(
    matrix: Sequence[Row] | np.ndarray, planes: Sequence[Array]
) -> list[Array]:
    """``weighted`` for every row of a matrix."""
    return [weighted(row, planes) for row in matrix]
