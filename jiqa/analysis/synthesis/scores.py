"""Scores that images are made for, and the images that were made for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.core.images import as_image, check_range, to_float
from jiqa.core.loaded import Loaded
from jiqa.core.metric import Info, Metric
from jiqa.io.decode import read_image
from jiqa.registry import bound_metric, load

#: A metric by name, or one of ``jiqa.load`` or ``jiqa.metrics``.
AnyMetric = str | Loaded[Any, Info] | Metric[Any]


@dataclass(frozen=True)
class Scorer:
    """A metric that scores images, with or without their reference.

    Attributes:
        metric: takes ``(reference, image)`` or ``(image)``.
        label: its name, with options that are not the default.
    """

    metric: Any
    label: str

    @property
    def info(self) -> Info:
        """What is known about the metric."""
        return self.metric.info

    @property
    def needs_reference(self) -> bool:
        """Whether the metric compares with a reference."""
        return self.info.kind == "full-reference"

    def rises(self, goal: str) -> bool:
        """Whether scores rise on the way to the ``"best"``, or ``"worst"``, one."""
        return (self.info.direction == "higher") == (goal == "best")

    def score(self, image: Any, reference: Any) -> Array:
        """Score one image ``[H, W, C]``; also inside ``jit`` and ``grad``."""
        images = (reference, image) if self.needs_reference else (image,)
        return self.metric(*images)

    def check(self, image: Any, reference: Any) -> float:
        """Score the images that are begun with.

        Raises:
            ValueError: images that the metric does not take, or an output other than
                one number.
        """
        score = self.score(image, reference)
        if jnp.ndim(score):
            got = f"shape {jnp.shape(score)}"
            raise ValueError(expected(self.label, "one score of an image", got))
        return float(score)


def scorer(
    metric: AnyMetric,
    options: Mapping[str, Any] | None = None,
    weights_folder: Path | str | None = None,
) -> Scorer:
    """Take a metric whose gradient can be followed.

    Args:
        metric: a name that ``jiqa.load`` takes, or a metric.
        options: of the metric, if it is a name.
        weights_folder: where to look first for learned weights, if it is a name.

    Raises:
        ValueError: an unknown metric or option, one whose gradient says nothing, or one
            of linear light.
        FileNotFoundError: weights that are nowhere.
    """
    if isinstance(metric, str):
        bound = bound_metric(metric, options)
        _check(bound.metric.info)
        given = {"weights_folder": weights_folder, **(options or {})}
        return Scorer(load(metric, **given), bound.label)
    if not isinstance(metric.info, Info):
        raise TypeError(expected("metric", "a single metric", repr(metric)))
    _check(metric.info)
    return Scorer(metric, metric.info.name)


def _check(info: Info) -> None:
    if not info.differentiable:
        got = "one that counts, whose gradient is 0"
        raise ValueError(expected(info.name, "a differentiable metric", got))
    if info.takes_light:
        wanted = "a metric of images in [0, 1]"
        raise ValueError(expected(info.name, wanted, "one of linear light"))


def read_images(images: tuple[Any, ...], background: float) -> list[Array]:
    """Return images ``[H, W, C]`` in [0, 1] with as many channels each.

    Args:
        images: files, or arrays of uint8, uint16 or floats; a grey image beside one in
            colour counts as three equal channels.
        background: grey level in [0, 1] behind transparent pixels of files.

    Raises:
        ValueError: no single images, or of different sizes.
    """
    pixels = [
        read_image(x, background=background) if isinstance(x, str | Path) else x
        for x in images
    ]
    checked = [as_image(x, "images") for x in pixels]
    for image in checked:
        if image.ndim != 3:
            got = f"shape {tuple(image.shape)}"
            raise ValueError(expected("images", "single images [H, W, C]", got))
        check_range(image, "images")
    shapes = {image.shape[:2] for image in checked}
    if len(shapes) > 1:
        got = " and ".join(f"{h}x{w}" for h, w in sorted(shapes))
        raise ValueError(expected("images", "images of one size", got))
    channels = max(image.shape[-1] for image in checked)
    return [
        jnp.clip(jnp.repeat(x, channels // x.shape[-1], axis=-1), 0, 1)
        for x in map(to_float, checked)
    ]


@dataclass(frozen=True)
class Picture:
    """An image that was made, as it was found and as 8 bits hold it.

    Attributes:
        name: of a file and in tables, such as ``"best"``.
        image: ``[H, W, C]`` in [0, 1].
        psnr: in dB, against the reference.
        scores: by the metrics' labels.
        psnr_saved: of the image rounded to 8 bits.
        scores_saved: of the image rounded to 8 bits.
    """

    name: str
    image: np.ndarray
    psnr: float
    scores: Mapping[str, float]
    psnr_saved: float
    scores_saved: Mapping[str, float]

    @property
    def pixels(self) -> np.ndarray:
        """The image rounded to 8 bits, ``[H, W, C]``, uint8."""
        return to_bytes(self.image)


def picture(name: str, image: Any, reference: Any, *scorers: Scorer) -> Picture:
    """Score an image, and what is left of it when it is saved in 8 bits.

    Args:
        name: see ``Picture``.
        image: ``[H, W, C]`` in [0, 1].
        reference: of the same shape.
        *scorers: the metrics.
    """
    saved = to_float(to_bytes(image)).astype(jnp.asarray(image).dtype)
    return Picture(
        name,
        np.asarray(image),
        psnr_of(image, reference),
        {s.label: float(s.score(image, reference)) for s in scorers},
        psnr_of(saved, reference),
        {s.label: float(s.score(saved, reference)) for s in scorers},
    )


def to_bytes(image: Any) -> np.ndarray:
    """Round an image in [0, 1] to 8 bits."""
    return np.round(255 * np.clip(np.asarray(image), 0, 1)).astype(np.uint8)


def psnr_of(image: Any, reference: Any) -> float:
    """The PSNR in dB of all samples alike; infinite of equal images."""
    difference = np.asarray(image, np.float64) - np.asarray(reference, np.float64)
    mse = float(np.square(difference).mean())
    return float(-10 * np.log10(mse)) if mse > 0 else float("inf")


def squared_distance(shape: tuple[int, ...], psnr: float) -> float:
    """The sum of squared differences in [0, 1] that a PSNR in dB stands for."""
    return float(np.prod(shape)) * 10 ** (-psnr / 10)
