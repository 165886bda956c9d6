"""A display and its surroundings: the light that pixels emit, and their visual size."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from jax import Array

from jiqa.checks import expected
from jiqa.ops.colour import to_linear

INCH = 0.0254


@dataclass(frozen=True, kw_only=True)
class Display:
    """A display for sRGB images, the room around it and where it is seen from.

    The defaults are those of a 30-inch 4K monitor in an office, two of its heights
    away (``"standard_4k"`` of ColorVideoVDP).

    Attributes:
        peak: luminance of white in cd/m^2.
        contrast: that luminance over black's, in a dark room.
        ambient: the room's light on the screen, in lux.
        reflectivity: share of it that the screen returns.
        resolution: columns and rows of pixels.
        diagonal: its length in inches.
        distance: from the eye, in metres.
        pixels_per_degree: where this is known; resolution, diagonal and distance then
            have no part. ``None`` computes it from them, for the centre of the screen.

    Raises:
        ValueError: a number that is not positive (0 is none of the room's light).
    """

    peak: float = 200.0
    contrast: float = 1000.0
    ambient: float = 250.0
    reflectivity: float = 0.005
    resolution: tuple[int, int] = (3840, 2160)
    diagonal: float = 30.0
    distance: float = 0.7472
    pixels_per_degree: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers; a list of columns and rows will do, too."""
        object.__setattr__(self, "resolution", tuple(self.resolution))
        for field in fields(self):
            value = getattr(self, field.name)
            numbers = value if field.name == "resolution" else (value,)
            allowed = field.name in ("ambient", "reflectivity")
            for number in () if value is None else numbers:
                if not (0 < number < math.inf or (allowed and number == 0)):
                    wanted = "0 or more" if allowed else "a number above 0"
                    raise ValueError(expected(field.name, wanted, repr(value)))

    @property
    def black(self) -> float:
        """Luminance of black in cd/m^2, the room's light included."""
        return self.peak / self.contrast + self.reflected

    @property
    def reflected(self) -> float:
        """Luminance of the room's light on the screen, in cd/m^2."""
        return self.ambient * self.reflectivity / math.pi

    @property
    def density(self) -> float:
        """Pixels per degree of visual angle."""
        if self.pixels_per_degree is not None:
            return self.pixels_per_degree
        # Pixels are square: a diagonal of so many pixels has that length.
        pixel = INCH * self.diagonal / math.hypot(*self.resolution)
        return 1 / (2 * math.degrees(math.atan(0.5 * pixel / self.distance)))

    def light(self, x: Array) -> Array:
        """Light in cd/m^2 of sRGB samples of any shape in [0, 1]."""
        return (self.peak - self.peak / self.contrast) * to_linear(x) + self.black
