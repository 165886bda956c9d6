"""KADID-10k and KADIS-700k: 25 types of distortion at 5 levels.

Each distorts as the authors' MATLAB generator does: the image is stretched to the
whole range [0, 1], distorted, and stretched again. Two types sweep from one side of
the reference to the other in the data set; here every type starts with the weakest,
and ``published_level`` gives the number in the data set's file names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, unknown
from jiqa.distortions.kinds import Kind, without_key
from jiqa.distortions.operations import blurs, codecs, colours, local, noises, tones
from jiqa.distortions.operations.dct_denoising import (
    Denoiser,
    dct_threshold,
    noise_after_denoiser,
)
from jiqa.distortions.operations.palettes import dithered_mean_colours
from jiqa.distortions.operations.quantisation import quantise_unrounded
from jiqa.distortions.operations.rounding import full_range

SOURCE = (
    "Lin, Hosu, Saupe: KADID-10k: a large-scale artificially distorted IQA database. "
    "QoMEX 2019. doi:10.1109/QoMEX.2019.8743252. Types, levels and definitions as in "
    "the MATLAB generator that the authors publish with KADIS-700k (imdist_generator.m "
    "and what it calls; no licence stated): facts only, none of their code is here."
)

_SWEEP = (
    "The data set numbers its levels from one side of the reference to the other; here "
    "they are sorted by the mean opinion score of each level in KADID-10k."
)


class _Row(NamedTuple):
    name: str
    operation: Callable[..., Any]
    levels: tuple[float, ...]
    #: Whether the parameter shapes the program, may be an array, or nothing is traced.
    strength: Literal["static", "traced", "host"] = "traced"
    note: str = ""
    #: The data set's number of each of these levels.
    published: tuple[int, ...] = (1, 2, 3, 4, 5)


#: In the data set's order, type 1 to 25.
_TABLE = (
    _Row(
        "gaussian_blur",
        without_key(blurs.gaussian_smoothing),
        (0.1, 0.5, 1, 2, 5),
        "static",
    ),
    _Row("lens_blur", without_key(blurs.lens_blur), (1, 2, 4, 6, 8), "static"),
    _Row("motion_blur", blurs.motion_blur, (1, 2, 4, 6, 10), "static"),
    _Row(
        "colour_diffusion",
        without_key(colours.colour_diffusion),
        (1, 3, 6, 8, 12),
        "static",
    ),
    _Row(
        "colour_shift",
        colours.colour_shift,
        (1, 3, 6, 8, 12),
        note="The authors' gradient was not found; central differences are taken.",
    ),
    _Row(
        "colour_quantization",
        without_key(dithered_mean_colours),
        (64, 48, 32, 16, 8),
        "host",
        "Wu's palette and Pillow's dithering for MATLAB's rgb2ind.",
    ),
    _Row(
        "colour_saturation_1",
        without_key(colours.saturation_hsv),
        (0.4, 0.2, 0.1, 0, -0.4),
    ),
    _Row("colour_saturation_2", without_key(colours.saturation_lab), (1, 2, 3, 6, 9)),
    _Row(
        "jpeg2000",
        without_key(codecs.jpeg2000_at_ratio),
        (16, 32, 45, 120, 400),
        "host",
        "OpenJPEG's rate control, which is not MATLAB's coder.",
    ),
    _Row("jpeg", without_key(codecs.jpeg), (43, 36, 24, 7, 4), "host"),
    _Row(
        "white_noise", noises.clipped_gaussian_noise, (0.001, 0.002, 0.003, 0.005, 0.01)
    ),
    _Row(
        "white_noise_colour_component",
        noises.clipped_ycbcr_noise,
        (0.0001, 0.0005, 0.001, 0.002, 0.003),
    ),
    _Row(
        "impulse_noise",
        noises.clipped_salt_and_pepper,
        (0.001, 0.005, 0.01, 0.02, 0.03),
    ),
    _Row(
        "multiplicative_noise",
        noises.uniform_speckle,
        (0.001, 0.005, 0.01, 0.02, 0.05),
    ),
    _Row(
        "denoise",
        noise_after_denoiser,
        (0.01, 0.03, 0.05, 0.1, 0.15),
        note=(
            "The authors' denoiser is MATLAB's pretrained DnCNN, which is not to be "
            "had; here it is a threshold on windowed cosine transforms unless another "
            "is given (kinds(denoiser=...))."
        ),
    ),
    _Row("brighten", without_key(tones.brighten), (0.1, 0.2, 0.4, 0.7, 1.1)),
    _Row(
        "darken",
        without_key(tones.darken),
        (0.05, 0.1, 0.2, 0.4, 0.8),
        note="The authors' function was not found; two ports agree on the definition.",
    ),
    _Row(
        "mean_shift",
        without_key(tones.clipped_mean_shift),
        (0, 0.08, -0.08, 0.15, -0.15),
        note=(
            f"{_SWEEP} The stretch turns the shift into brighter highlights or darker "
            "shadows, cut off."
        ),
        published=(3, 2, 4, 1, 5),
    ),
    _Row("jitter", local.jitter, (0.05, 0.1, 0.2, 0.5, 1)),
    _Row(
        "non_eccentricity_patch",
        local.copied_patches,
        (20, 40, 60, 80, 100),
    ),
    _Row(
        "pixelate", without_key(local.pixelate), (0.01, 0.05, 0.1, 0.2, 0.5), "static"
    ),
    _Row(
        "quantization",
        without_key(quantise_unrounded),
        (20, 16, 13, 10, 7),
        note="The best thresholds, where MATLAB's multithresh may stop at lesser ones.",
    ),
    _Row("colour_block", local.random_colour_blocks, (2, 4, 6, 8, 10)),
    _Row("high_sharpen", without_key(blurs.unsharp_masking), (1, 2, 3, 6, 12)),
    _Row(
        "contrast_change",
        without_key(tones.s_curve),
        (0, -0.4, 0.15, 0.3, -0.6),
        note=_SWEEP,
        published=(3, 4, 2, 1, 5),
    ),
)


def kinds(
    *, stretch: bool = True, denoiser: Denoiser = dct_threshold
) -> tuple[Kind, ...]:
    """The 25 types, in the data set's order.

    Args:
        stretch: stretch the image to [0, 1] before and after each distortion, as the
            authors' generator does. It hardly touches photographs, which fill the
            range, but changes crops and dim images; ``False`` leaves it out.
        denoiser: what ``denoise`` calls; see ``noise_after_denoiser``.
    """
    return tuple(
        Kind(
            row.name,
            functools.partial(_RUN[row.strength], _operation(row, denoiser), stretch),
            row.levels,
            "codec" if row.strength == "host" else "jax",
            number,
            row.note,
        )
        for number, row in enumerate(_TABLE, 1)
    )


def _operation(row: _Row, denoiser: Denoiser) -> Callable[..., Any]:
    if row.name == "denoise":
        return functools.partial(row.operation, denoiser=denoiser)
    return row.operation


def _distorted(
    operation: Callable[..., Any],
    stretch: bool,
    image: Array,
    parameter: float,
    key: Array,
) -> Array:
    if not stretch:
        return jnp.clip(operation(image, parameter, key), 0, 1)
    return jnp.clip(full_range(operation(full_range(image), parameter, key)), 0, 1)


def _on_host(
    operation: Callable[..., Any],
    stretch: bool,
    image: Array | np.ndarray,
    parameter: float,
    key: Array,
) -> np.ndarray:
    def coded(x: Array, parameter: float, key: Array) -> Array:
        return jnp.asarray(operation(np.asarray(x), parameter, key))

    out = _distorted(coded, stretch, jnp.asarray(image), parameter, key)
    return np.asarray(out).astype(image.dtype)


# Compiled here, since loops that run outside jit would be compiled at every call.
_RUN: dict[str, Callable[..., Any]] = {
    "static": jax.jit(_distorted, static_argnums=(0, 1, 3)),
    "traced": jax.jit(_distorted, static_argnums=(0, 1)),
    "host": _on_host,
}


def published_level(name: str, level: int) -> int:
    """The data set's number, in its file names, of a type's ``level`` here.

    Raises:
        ValueError: no such type or level.
    """
    for row in _TABLE:
        if row.name == name:
            if 1 <= level <= len(row.published):
                return row.published[level - 1]
            raise ValueError(
                expected("level", f"1 to {len(row.published)}", repr(level))
            )
    types = [row.name for row in _TABLE]
    hint = f"types: {', '.join(types)}"
    raise ValueError(unknown("type of KADID-10k", name, types, hint))


KINDS = kinds()
