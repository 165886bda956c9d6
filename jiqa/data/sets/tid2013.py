"""TID2013: 25 references, 24 types of distortion, 5 levels, 3,000 rated images."""

from __future__ import annotations

from pathlib import Path

from jiqa.data.builder import QualityDataset
from jiqa.data.folder import Folder
from jiqa.data.schema import Contents, Info, Scale
from jiqa.data.tampere import LAYOUT, read_tampere

DISTORTIONS = (
    "additive Gaussian noise",
    "additive noise in colour components",
    "spatially correlated noise",
    "masked noise",
    "high frequency noise",
    "impulse noise",
    "quantization noise",
    "Gaussian blur",
    "image denoising",
    "JPEG compression",
    "JPEG2000 compression",
    "JPEG transmission errors",
    "JPEG2000 transmission errors",
    "non eccentricity pattern noise",
    "local block-wise distortions",
    "mean shift",
    "contrast change",
    "change of color saturation",
    "multiplicative Gaussian noise",
    "comfort noise",
    "lossy compression of noisy images",
    "image color quantization with dither",
    "chromatic aberrations",
    "sparse sampling and reconstruction",
)


class Tid2013(QualityDataset):
    """TID2013 as its archive unpacks."""

    INFO = Info(
        title="TID2013",
        kind="full-reference",
        layout=LAYOUT + "\nmos_std.txt               deviations, optional",
        citation=(
            "Ponomarenko et al.: Image database TID2013: Peculiarities, results and "
            "perspectives. Signal Processing: Image Communication 30, 2015. "
            "doi:10.1016/j.image.2014.10.009"
        ),
        homepage="https://www.ponomarenko.info/tid2013.htm",
        scales={"": Scale("MOS", "higher", 0.0, 9.0, deviation="mean")},
        images=3000,
        references=25,
        distortions=DISTORTIONS,
    )

    def read(self, root: Path) -> Contents:
        """Find the images that ``mos_with_names.txt`` names."""
        return read_tampere(Folder(root), self.INFO)
