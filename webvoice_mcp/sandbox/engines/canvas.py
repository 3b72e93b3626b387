"""Drawing with smooth edges: what the procedural pictures are drawn on, and with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from webvoice_mcp.sandbox.engines import load
from webvoice_mcp.sandbox.engines.palette import Colour, Palette, ramp

Point = tuple[float, float]

ENGINE = "pillow"

_FINE = 2  # stencils are drawn at so many times the size, then made smaller
_FINER = 3
_EDGE = 178  # of Pillow's radial gradient, in the middle of its sides; 255 is in its corners


def pillow(module: str) -> Any:
    """A module of Pillow, such as "Image". Raises EngineUnavailable."""
    return load(f"PIL.{module}", ENGINE)


class Stencil:
    """Shapes, in the canvas's pixels, through which a colour is laid on it. `strength` is from 0 to 255."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._image = pillow("Image").new("L", (size[0] * _FINE, size[1] * _FINE))
        self._draw = pillow("ImageDraw").Draw(self._image)

    def polygon(self, points: Sequence[Point], strength: int = 255) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * _FINE, y * _FINE) for x, y in points], fill=strength)

    def box(self, left: float, top: float, right: float, bottom: float, strength: int = 255) -> None:
        """A filled rectangle."""
        self._draw.rectangle((left * _FINE, top * _FINE, right * _FINE, bottom * _FINE), fill=strength)

    def disc(self, x: float, y: float, radius: float, strength: int = 255) -> None:
        """A filled circle."""
        box = ((x - radius) * _FINE, (y - radius) * _FINE, (x + radius) * _FINE, (y + radius) * _FINE)
        self._draw.ellipse(box, fill=strength)

    def quarter(self, left: float, top: float, side: float, corner: int) -> None:
        """A quarter circle in a square, around one of its corners; 0 is the upper left, then clockwise."""
        x, y = left + side * (corner in (1, 2)), top + side * (corner in (2, 3))
        box = [each * _FINE for each in (x - side, y - side, x + side, y + side)]
        self._draw.pieslice(box, 90 * corner, 90 * corner + 90, fill=255)

    def line(self, points: Sequence[Point], width: float, strength: int = 255) -> None:
        """A line through some points."""
        self._draw.line([(x * _FINE, y * _FINE) for x, y in points], strength, max(1, round(width * _FINE)))

    def bar(self, left: float, top: float, width: float, height: float, strength: int) -> None:
        """A flat bar with pointed ends."""
        middle, tip, right = top + height / 2, min(width / 3, height * 6), left + width
        upper = [(left, middle), (left + tip, top), (right - tip, top), (right, middle)]
        self.polygon([*upper, (right - tip, top + height), (left + tip, top + height)], strength)

    def mask(self) -> Any:
        """The stencil at the canvas's size."""
        return self._image.reduce(_FINE)


class Canvas:
    """A picture in the making. `unit` is its shorter side: what is measured in it looks alike in all sizes."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.width, self.height = size
        self.unit = min(size)
        self.image = pillow("Image").new("RGB", size)

    def stencil(self) -> Stencil:
        """An empty stencil for the whole canvas."""
        return Stencil((self.width, self.height))

    def lay(self, stencil: Stencil, ink: Colour | Any) -> None:
        """Lay a colour, or a picture of the canvas's size, through a stencil."""
        self.image.paste(ink, (0, 0, self.width, self.height), stencil.mask())

    def gradient(self, colours: tuple[Colour, ...], top: float = 0.0, bottom: float | None = None) -> Any:
        """A picture of the canvas's size that goes through some colours from `top` to `bottom`, in pixels."""
        span = max(1.0, (self.height if bottom is None else bottom) - top)
        column = pillow("Image").new("RGB", (1, self.height))
        column.putdata([ramp(colours, (y - top) / span) for y in range(self.height)])
        return column.resize((self.width, self.height))

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Light around a place, which fades to nothing at `radius`."""
        image = pillow("Image")
        fade = [round(255 * strength * max(0.0, 1 - each / _EDGE) ** 2) for each in range(256)]
        side = max(2, round(radius * 2))
        mask = image.radial_gradient("L").point(fade).resize((side, side), image.Resampling.BICUBIC)
        self.image.paste(colour, (round(x - radius), round(y - radius)), mask)

    def place(
        self, draw: "Callable[[Pen, Colour], None]", colour: Colour, x: float, bottom: float, side: float
    ) -> None:
        """Draw an object of a given size, with the middle of its foot at a place."""
        tile = Pen(max(8, round(side)))
        draw(tile, colour)
        image = tile.image()
        self.image.paste(image, (round(x - side / 2), round(bottom - side)), image)


class Pen:
    """Draws an object on a square tile; all measures are shares of its side, from the upper left corner."""

    def __init__(self, side: int) -> None:
        self._side = side * _FINER
        self._image = pillow("Image").new("RGBA", (self._side, self._side))
        self._draw = pillow("ImageDraw").Draw(self._image)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A line with round joints and ends."""
        self._draw.line(self._scaled(points), colour, self._thick(width), joint="curve")
        for x, y in (points[0], points[-1]):
            self.disc(x, y, width / 2, colour)

    def ring(self, x: float, y: float, radius: float, width: float, colour: Colour) -> None:
        """The outline of a circle."""
        self._draw.ellipse(self._around(x, y, radius, radius), outline=colour, width=self._thick(width))

    def disc(self, x: float, y: float, radius: float, colour: Colour, height: float | None = None) -> None:
        """A filled circle, or an ellipse that is `height` high from its middle."""
        self._draw.ellipse(self._around(x, y, radius, radius if height is None else height), fill=colour)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(self._scaled(points), fill=colour)

    def box(self, box: tuple[float, float, float, float], colour: Colour, rounding: float = 0.0) -> None:
        """A filled rectangle (left, top, right, bottom)."""
        self._draw.rounded_rectangle([each * self._side for each in box], rounding * self._side, fill=colour)

    def pie(self, box: tuple[float, float, float, float], start: float, end: float, colour: Colour) -> None:
        """A slice of an ellipse, clockwise between two angles; 0 is to the right."""
        self._draw.pieslice([each * self._side for each in box], start, end, fill=colour)

    def arc(self, box: tuple[float, float, float, float], start: float, end: float, width: float, ink: Colour) -> None:
        """A part of an ellipse's outline, clockwise between two angles."""
        self._draw.arc([each * self._side for each in box], start, end, fill=ink, width=self._thick(width))

    def image(self) -> Any:
        """The object on a transparent ground."""
        return self._image.reduce(_FINER)

    def _scaled(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._side, y * self._side) for x, y in points]

    def _around(self, x: float, y: float, across: float, down: float) -> list[float]:
        return [each * self._side for each in (x - across, y - down, x + across, y + down)]

    def _thick(self, width: float) -> int:
        return max(1, round(width * self._side))


@dataclass(slots=True)
class Scene:
    """A picture in the making, its colours, its chance, and where horizon and sun or moon are, in pixels."""

    canvas: Canvas
    palette: Palette
    rng: Random
    horizon: float
    light: Point = (0.0, 0.0)
