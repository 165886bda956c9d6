"""The metrics with their signatures, for editors and type checkers.

Written by scripts/maintenance/metric_types.py.
"""

from collections.abc import Mapping
from typing import Any

from jax import Array

from jiqa.core.deep_metric import DeepMetric
from jiqa.core.images import Image
from jiqa.core.metric import Metric
from jiqa.metrics.video import vmaf_frames as vmaf_frames
from jiqa.metrics.video import vmaf_motion as vmaf_motion
from jiqa.ops.display import Display

FOLDERS: tuple[str, ...]

def all_metrics() -> Mapping[str, Metric[...]]: ...

class _Adists(DeepMetric[...]):
    """Locally adaptive structure and texture similarity."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        output: str = "score",
    ) -> Array: ...

adists: _Adists

class _Adm(Metric[...]):
    """Detail loss of the additive distortion measure."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        scale: int | None = None,
        gain_limit: float = 100.0,
        luma: str = "bt709-limited",
        bits: int | None = None,
    ) -> Array: ...

adm: _Adm

class _Brisque(Metric[...]):
    """Blind/referenceless image spatial quality evaluator."""

    def __call__(
        self,
        image: Image,
        *,
        flat: str = "snap",
        luma: str = "matlab",
    ) -> Array: ...

brisque: _Brisque

class _Butteraugli(Metric[...]):
    """Butteraugli."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        pooling: str = "max",
        intensity_target: float = 80.0,
        hf_asymmetry: float | None = None,
        preset: str = "libjxl",
        output: str = "score",
    ) -> Array: ...

butteraugli: _Butteraugli

class _Cambi(Metric[...]):
    """Contrast aware multiscale banding index."""

    def __call__(
        self,
        image: Image,
        *,
        yuv: str = "bt709-limited-420",
        bits: int = 8,
    ) -> Array: ...

cambi: _Cambi

class _Ciede2000Db(Metric[...]):
    """Colour difference in decibels."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        yuv: str = "bt709-limited-420",
        bits: int = 8,
        quantise: bool = True,
    ) -> Array: ...

ciede2000_db: _Ciede2000Db

class _CnnHistogram(DeepMetric[...]):
    """Similarity of CNN feature histograms."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        net: str = "alexnet",
        layers: tuple[str, ...] | None = None,
        levels: tuple[int, ...] = (0, 1, 2, 3),
        level_weights: str = "reciprocal",
        pool_layer: str = "geometric",
        output: str = "score",
    ) -> Array: ...

cnn_histogram: _CnnHistogram

class _CnnIqm(DeepMetric[...]):
    """Image quality metric on CNN feature maps."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        net: str = "alexnet",
        layers: tuple[str, ...] | None = None,
        metric: str = "ssim",
        border: str = "replicate",
        peak: float | None = None,
        pool_layer: str = "geometric",
        per_map: bool = False,
        output: str = "score",
    ) -> Array: ...

cnn_iqm: _CnnIqm

class _ContentLoss(DeepMetric[...]):
    """Content loss."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        net: str = "vgg16",
        layers: tuple[str, ...] | None = None,
        output: str = "score",
    ) -> Array: ...

content_loss: _ContentLoss

class _Cvvdp(Metric[...]):
    """ColorVideoVDP for still images."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        display: str | Display = "standard_4k",
        output: str = "score",
    ) -> Array: ...

cvvdp: _Cvvdp

class _CwSsim(Metric[...]):
    """Complex wavelet structural similarity."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        level: int = 4,
        orientations: int = 8,
        k: float = 0.0,
    ) -> Array: ...

cw_ssim: _CwSsim

class _Deepsim(DeepMetric[...]):
    """DeepSim."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        layers: tuple[str, ...] = ...,
        classifier: bool = False,
        pool_map: str = "avg",
        pool_channel: str = "avg",
        pool_layer: str = "avg",
        preset: str | None = None,
        resize: int | None = None,
        output: str = "score",
    ) -> Array: ...

deepsim: _Deepsim

class _Deepwsd(DeepMetric[...]):
    """Wasserstein distance of deep features."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        output: str = "score",
    ) -> Array: ...

deepwsd: _Deepwsd

class _DeltaE(Metric[...]):
    """Colour difference."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        formula: str = "ciede2000",
        factors: tuple[float, float, float] = (1.0, 1.0, 1.0),
        output: str = "score",
    ) -> Array: ...

delta_e: _DeltaE

class _DfbIqa(DeepMetric[...]):
    """Deep feature based image quality."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        net: str = "vgg16",
        layers: tuple[str, ...] | None = None,
        cosine: str = "place",
        output: str = "score",
    ) -> Array: ...

dfb_iqa: _DfbIqa

class _Dists(DeepMetric[...]):
    """Deep image structure and texture similarity."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        output: str = "score",
    ) -> Array: ...

dists: _Dists

class _Dss(Metric[...]):
    """DCT subband similarity."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        sigma: float = 1.55,
        dc_constant: float = 1000.0,
        ac_constant: float = 300.0,
    ) -> Array: ...

dss: _Dss

class _Flip(Metric[...]):
    """FLIP, a difference evaluator for alternating images."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        pixels_per_degree: float | None = None,
        distance: float | None = None,
        width: float | None = None,
        resolution: float | None = None,
        output: str = "score",
    ) -> Array: ...

flip: _Flip

class _Fsim(Metric[...]):
    """Feature similarity."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        output: str = "score",
    ) -> Array: ...

fsim: _Fsim

class _Fsimc(Metric[...]):
    """Feature similarity with chroma."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        output: str = "score",
    ) -> Array: ...

fsimc: _Fsimc

class _Gmsd(Metric[...]):
    """Gradient magnitude similarity deviation."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        output: str = "score",
    ) -> Array: ...

gmsd: _Gmsd

class _Haarpsi(Metric[...]):
    """Haar wavelet-based perceptual similarity index."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        subsample: bool = True,
        output: str = "score",
    ) -> Array: ...

haarpsi: _Haarpsi

class _Hdrflip(Metric[...]):
    """HDR-FLIP, for linear light of high dynamic range."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        tone_mapper: str = "aces",
        start: float | None = None,
        stop: float | None = None,
        exposures: int | None = None,
        pixels_per_degree: float | None = None,
        distance: float | None = None,
        width: float | None = None,
        resolution: float | None = None,
        output: str = "score",
    ) -> Array: ...

hdrflip: _Hdrflip

class _Ifc(Metric[...]):
    """Information fidelity criterion."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        pad: str = "none",
        sigma_nsq: float = 1e-10,
    ) -> Array: ...

ifc: _Ifc

class _IwMse(Metric[...]):
    """Information content weighted mean squared error."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        sigma_nsq: float = 0.4,
        parent: bool = True,
    ) -> Array: ...

iw_mse: _IwMse

class _IwPsnr(Metric[...]):
    """Information content weighted peak signal-to-noise ratio."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        sigma_nsq: float = 0.4,
        parent: bool = True,
    ) -> Array: ...

iw_psnr: _IwPsnr

class _IwSsim(Metric[...]):
    """Information content weighted structural similarity."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        sigma_nsq: float = 0.4,
        parent: bool = True,
    ) -> Array: ...

iw_ssim: _IwSsim

class _Lpips(DeepMetric[...]):
    """Learned perceptual image patch similarity."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        net: str = "alex",
        version: str = "0.1",
        output: str = "score",
    ) -> Array: ...

lpips: _Lpips

class _Mad(Metric[...]):
    """Most apparent distortion."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        release: str = "2011",
        saturate: bool = False,
        output: str = "score",
    ) -> Array: ...

mad: _Mad

class _Mae(Metric[...]):
    """Mean absolute error."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        colour: str = "rgb",
        luma: str = "bt601",
        data_range: float = 1.0,
    ) -> Array: ...

mae: _Mae

class _Mdsi(Metric[...]):
    """Mean deviation similarity index."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        combination: str = "sum",
        output: str = "score",
    ) -> Array: ...

mdsi: _Mdsi

class _MsGmsd(Metric[...]):
    """Multi-scale gradient magnitude similarity deviation."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        chromatic: bool = False,
        luma: str = "bt601",
        chroma_scale: int = 4,
        border: str = "zero",
        sample: bool = False,
    ) -> Array: ...

ms_gmsd: _MsGmsd

class _MsSsim(Metric[...]):
    """Multi-scale structural similarity."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        pooling: str = "product",
        preset: str = "wang2003",
        weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
        k1: float = 0.01,
        k2: float = 0.03,
    ) -> Array: ...

ms_ssim: _MsSsim

class _Mse(Metric[...]):
    """Mean squared error."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        colour: str = "rgb",
        luma: str = "bt601",
        data_range: float = 1.0,
    ) -> Array: ...

mse: _Mse

class _Msvd(Metric[...]):
    """Singular value decomposition measure."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        block: int = 8,
        partial: str = "drop",
        middle: str = "mean",
        output: str = "score",
    ) -> Array: ...

msvd: _Msvd

class _Niqe(Metric[...]):
    """Natural image quality evaluator."""

    def __call__(
        self,
        image: Image,
        *,
        flat: str = "snap",
        luma: str = "matlab",
    ) -> Array: ...

niqe: _Niqe

class _Nlpd(Metric[...]):
    """Normalised Laplacian pyramid distance."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
    ) -> Array: ...

nlpd: _Nlpd

class _Nqm(Metric[...]):
    """Noise quality measure."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        heights: float = 3.5,
    ) -> Array: ...

nqm: _Nqm

class _Pieapp(DeepMetric[...]):
    """Perceptual image-error assessment through pairwise preference."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        stride: int = 27,
    ) -> Array: ...

pieapp: _Pieapp

class _Piqe(Metric[...]):
    """Perception-based image quality evaluator."""

    def __call__(
        self,
        image: Image,
        *,
        border: str = "replicate",
        luma: str = "matlab",
    ) -> Array: ...

piqe: _Piqe

class _Psnr(Metric[...]):
    """Peak signal-to-noise ratio."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        colour: str = "rgb",
        luma: str = "bt601",
        data_range: float = 1.0,
    ) -> Array: ...

psnr: _Psnr

class _PsnrB(Metric[...]):
    """PSNR with the blocking effect."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        block_size: int = 8,
        luma: str = "bt601",
    ) -> Array: ...

psnr_b: _PsnrB

class _PsnrHa(Metric[...]):
    """PSNR-HVS after changes of mean and contrast."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        plane: str = "all",
        quantise: bool = True,
    ) -> Array: ...

psnr_ha: _PsnrHa

class _PsnrHma(Metric[...]):
    """PSNR-HVS with masking, after changes of mean and contrast."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        plane: str = "all",
        quantise: bool = True,
    ) -> Array: ...

psnr_hma: _PsnrHma

class _PsnrHvs(Metric[...]):
    """PSNR with the eye's contrast sensitivity."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        preset: str = "egiazarian2006",
        luma: str = "bt601",
        plane: str = "all",
        yuv: str = "bt709-limited-420",
        bits: int = 8,
    ) -> Array: ...

psnr_hvs: _PsnrHvs

class _PsnrHvsM(Metric[...]):
    """PSNR with the eye's contrast sensitivity and masking."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
    ) -> Array: ...

psnr_hvs_m: _PsnrHvsM

class _PuPsnr(Metric[...]):
    """PSNR of PU21-encoded light."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        scale: float = 1.0,
        peak: float | None = None,
        colour: str = "rgb",
        encoding: str = "banding_glare",
        data_range: float = 256.0,
    ) -> Array: ...

pu_psnr: _PuPsnr

class _PuSsim(Metric[...]):
    """SSIM of PU21-encoded light."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        scale: float = 1.0,
        peak: float | None = None,
        encoding: str = "banding_glare",
    ) -> Array: ...

pu_ssim: _PuSsim

class _Quality(DeepMetric[...]):
    """Quality of a photograph, with a deviation and an interval."""

    def __call__(
        self,
        params: Mapping[str, Any],
        image: Image,
        *,
        output: str = "score",
        coverage: float = 0.9,
    ) -> Array: ...

quality: _Quality

class _Rmse(Metric[...]):
    """Root mean squared error."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        colour: str = "rgb",
        luma: str = "bt601",
        data_range: float = 1.0,
    ) -> Array: ...

rmse: _Rmse

class _Simse(Metric[...]):
    """Scale-invariant mean squared error."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        data_range: float = 1.0,
    ) -> Array: ...

simse: _Simse

class _Snr(Metric[...]):
    """Signal-to-noise ratio."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        colour: str = "rgb",
        luma: str = "bt601",
    ) -> Array: ...

snr: _Snr

class _SrSim(Metric[...]):
    """Spectral residual based similarity."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        output: str = "score",
    ) -> Array: ...

sr_sim: _SrSim

class _Ssim(Metric[...]):
    """Structural similarity."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        preset: str = "wang2004",
        luma: str = "bt601",
        downsample: str = "none",
        window_size: int | None = None,
        sigma: float | None = None,
        k1: float = 0.01,
        k2: float = 0.03,
        mask: Image | None = None,
        output: str = "score",
    ) -> Array: ...

ssim: _Ssim

class _Ssimulacra2(Metric[...]):
    """SSIMULACRA 2."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        output: str = "score",
        term: str = "structure",
        channel: str = "Y",
        scale: int = 0,
    ) -> Array: ...

ssimulacra2: _Ssimulacra2

class _Stlpips(DeepMetric[...]):
    """Shift-tolerant perceptual similarity."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        net: str = "alex",
        output: str = "score",
    ) -> Array: ...

stlpips: _Stlpips

class _StyleLoss(DeepMetric[...]):
    """Style loss."""

    def __call__(
        self,
        params: Mapping[str, Any],
        reference: Image,
        distorted: Image,
        *,
        net: str = "vgg16",
        layers: tuple[str, ...] | None = None,
        output: str = "score",
    ) -> Array: ...

style_loss: _StyleLoss

class _SvdProjection(Metric[...]):
    """Projection on the reference's singular vectors."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        block: int = 8,
        partial: str = "drop",
        off_diagonal: float = 0.0,
        tolerance: float = 1e-05,
        pooling: str = "mean",
        output: str = "score",
    ) -> Array: ...

svd_projection: _SvdProjection

class _Uqi(Metric[...]):
    """Universal quality index."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        window_size: int = 8,
        output: str = "score",
    ) -> Array: ...

uqi: _Uqi

class _Vif(Metric[...]):
    """Visual information fidelity."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        pad: str = "none",
        sigma_nsq: float = 0.4,
    ) -> Array: ...

vif: _Vif

class _Vifp(Metric[...]):
    """Visual information fidelity, pixel domain."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        noise: float = 2.0,
    ) -> Array: ...

vifp: _Vifp

class _Vmaf(Metric[...]):
    """Video multi-method assessment fusion."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        model: str = "v0.6.1",
        transform: bool = False,
        clip: bool = True,
        luma: str = "bt709-limited",
        bits: int | None = None,
    ) -> Array: ...

vmaf: _Vmaf

class _VmafVif(Metric[...]):
    """Visual information fidelity, pixel domain, as in VMAF."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        scale: int | None = None,
        gain_limit: float = 100.0,
        luma: str = "bt709-limited",
        bits: int | None = None,
    ) -> Array: ...

vmaf_vif: _VmafVif

class _Vsi(Metric[...]):
    """Visual saliency-induced index."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        output: str = "score",
    ) -> Array: ...

vsi: _Vsi

class _Vsnr(Metric[...]):
    """Visual signal-to-noise ratio."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        pad: str = "metrix-mux",
        quantise: bool = True,
        black_offset: float = 0.0,
        voltage_scale: float = 0.02874,
        gamma: float = 2.2,
        resolution: float = 96.0,
        distance: float = 19.1,
        alpha: float = 0.04,
    ) -> Array: ...

vsnr: _Vsnr

class _Wsnr(Metric[...]):
    """Weighted signal-to-noise ratio."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        luma: str = "bt601",
        frequency: float = 60.0,
    ) -> Array: ...

wsnr: _Wsnr

class _Xpsnr(Metric[...]):
    """Extended perceptually weighted peak signal-to-noise ratio."""

    def __call__(
        self,
        reference: Image,
        distorted: Image,
        *,
        plane: str = "y",
        yuv: str = "bt709-limited-420",
        bits: int = 8,
        quantise: bool = True,
    ) -> Array: ...

xpsnr: _Xpsnr
