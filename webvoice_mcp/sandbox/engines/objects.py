"""Things that stand in front of a landscape, drawn on a square tile; the words that call for them."""

import math
from collections.abc import Callable
from typing import NamedTuple

from webvoice_mcp.sandbox.engines.canvas import Pen
from webvoice_mcp.sandbox.engines.palette import Colour, mix

_INK: Colour = (28, 26, 38)
_CREAM: Colour = (250, 243, 226)
_SKIN: Colour = (232, 180, 146)


def bicycle(pen: Pen, colour: Colour) -> None:
    """A bicycle, seen from the side."""
    rear, crank, saddle, head, front = (0.24, 0.76), (0.46, 0.77), (0.40, 0.47), (0.67, 0.46), (0.76, 0.76)
    for x, y in (rear, front):
        for spoke in range(12):
            turn = math.tau * spoke / 12
            pen.line([(x, y), (x + 0.2 * math.cos(turn), y + 0.2 * math.sin(turn))], 0.003, (150, 150, 158))
        pen.ring(x, y, 0.215, 0.02, _INK)
        pen.ring(x, y, 0.198, 0.006, (196, 196, 202))
        pen.disc(x, y, 0.017, _INK)
    for tube in ((rear, crank), (rear, saddle), (saddle, crank), (crank, head), ((0.42, 0.52), (0.675, 0.5))):
        pen.line(tube, 0.024, colour)
    pen.line([(0.655, 0.4), head, (0.70, 0.6), front], 0.022, colour)
    pen.line([saddle, (0.385, 0.4)], 0.017, (190, 190, 198))
    pen.line([(0.32, 0.385), (0.46, 0.395)], 0.034, _INK)
    pen.line([(0.655, 0.41), (0.645, 0.355), (0.72, 0.335), (0.755, 0.37)], 0.02, _INK)
    pen.ring(*crank, 0.05, 0.012, _INK)
    pen.line([(0.425, 0.70), crank, (0.495, 0.845)], 0.014, _INK)
    pen.line([(0.465, 0.85), (0.53, 0.845)], 0.018, _INK)


def boat(pen: Pen, colour: Colour) -> None:
    """A sailing boat."""
    pen.line([(0.5, 0.06), (0.5, 0.84)], 0.012, _INK)
    pen.polygon([(0.49, 0.1), (0.49, 0.76), (0.2, 0.76)], _CREAM)
    pen.polygon([(0.52, 0.16), (0.52, 0.76), (0.78, 0.76)], colour)
    pen.polygon([(0.16, 0.82), (0.86, 0.82), (0.76, 0.94), (0.26, 0.94)], mix(colour, _INK, 0.72))
    pen.polygon([(0.16, 0.82), (0.86, 0.82), (0.845, 0.84), (0.175, 0.84)], _CREAM)


def balloon(pen: Pen, colour: Colour) -> None:
    """A hot-air balloon."""
    pen.line([(0.3, 0.5), (0.46, 0.82)], 0.006, _INK)
    pen.line([(0.7, 0.5), (0.54, 0.82)], 0.006, _INK)
    pen.polygon([(0.215, 0.5), (0.785, 0.5), (0.57, 0.74), (0.43, 0.74)], colour)
    pen.disc(0.5, 0.37, 0.32, colour, 0.33)
    for width, stripe in ((0.2, mix(colour, _CREAM, 0.75)), (0.075, colour)):
        pen.polygon([(0.5 - width, 0.5), (0.5 + width, 0.5), (0.5 + width / 4, 0.74), (0.5 - width / 4, 0.74)], stripe)
        pen.disc(0.5, 0.37, width, stripe, 0.33)
    pen.box((0.45, 0.82, 0.55, 0.92), mix(colour, _INK, 0.7), 0.015)


def lighthouse(pen: Pen, colour: Colour) -> None:
    """A lighthouse with its beam."""
    pen.polygon([(0.5, 0.19), (1.0, 0.06), (1.0, 0.32)], mix((255, 240, 180), _CREAM, 0.3))
    pen.polygon([(0.43, 0.28), (0.57, 0.28), (0.62, 0.96), (0.38, 0.96)], _CREAM)
    for step in (0, 2):
        top, bottom = 0.36 + step * 0.12, 0.48 + step * 0.12
        wide = [0.07 + 0.05 * (y - 0.28) / 0.68 for y in (top, bottom)]
        corners = [(0.5 - wide[0], top), (0.5 + wide[0], top), (0.5 + wide[1], bottom), (0.5 - wide[1], bottom)]
        pen.polygon(corners, colour)
    pen.box((0.40, 0.25, 0.60, 0.285), _INK)
    pen.box((0.445, 0.145, 0.555, 0.25), (255, 236, 160))
    pen.pie((0.43, 0.07, 0.57, 0.22), 180, 360, colour)
    pen.polygon([(0.2, 1.0), (0.34, 0.93), (0.66, 0.93), (0.82, 1.0)], _INK)


def cabin(pen: Pen, colour: Colour) -> None:
    """A small house with lit windows."""
    pen.box((0.62, 0.24, 0.69, 0.5), mix(colour, _INK, 0.7))
    pen.box((0.2, 0.5, 0.8, 0.92), mix(colour, _INK, 0.45))
    pen.polygon([(0.12, 0.55), (0.5, 0.22), (0.88, 0.55), (0.82, 0.59), (0.5, 0.31), (0.18, 0.59)], _INK)
    pen.polygon([(0.2, 0.575), (0.5, 0.31), (0.8, 0.575)], mix(colour, _INK, 0.45))
    for left in (0.28, 0.59):
        pen.box((left, 0.6, left + 0.13, 0.74), (255, 221, 140))
        pen.box((left + 0.06, 0.6, left + 0.07, 0.74), _INK)
    pen.box((0.445, 0.66, 0.555, 0.92), colour, 0.01)


def tree(pen: Pen, colour: Colour) -> None:
    """A round tree."""
    pen.polygon([(0.475, 0.5), (0.525, 0.5), (0.545, 1.0), (0.455, 1.0)], (70, 48, 44))
    pen.line([(0.5, 0.66), (0.62, 0.52)], 0.022, (70, 48, 44))
    crown = ((0.5, 0.26, 0.2), (0.34, 0.4, 0.17), (0.66, 0.4, 0.17), (0.5, 0.46, 0.2))
    for x, y, radius in crown:
        pen.disc(x, y, radius, mix(colour, _INK, 0.28))
    for x, y, radius in crown:
        pen.disc(x - 0.03, y - 0.035, radius * 0.8, colour)


def cat(pen: Pen, colour: Colour) -> None:
    """A cat that sits and looks away, at the view."""
    ink = mix(colour, _INK, 0.82)
    pen.arc((0.52, 0.6, 0.92, 1.02), 40, 190, 0.05, ink)
    pen.disc(0.46, 0.76, 0.2, ink, 0.24)
    pen.polygon([(0.33, 0.42), (0.59, 0.42), (0.65, 0.8), (0.27, 0.8)], ink)
    pen.disc(0.46, 0.35, 0.145, ink, 0.13)
    pen.polygon([(0.325, 0.35), (0.33, 0.14), (0.45, 0.25)], ink)
    pen.polygon([(0.595, 0.35), (0.59, 0.14), (0.47, 0.25)], ink)


def portrait(pen: Pen, colour: Colour) -> None:
    """Head and shoulders of a person."""
    hair = (58, 36, 34)
    pen.disc(0.5, 0.37, 0.235, hair, 0.27)
    pen.box((0.265, 0.38, 0.735, 0.74), hair, 0.1)
    pen.pie((0.1, 0.66, 0.9, 1.4), 180, 360, colour)
    pen.polygon([(0.43, 0.52), (0.57, 0.52), (0.6, 0.7), (0.5, 0.79), (0.4, 0.7)], mix(_SKIN, hair, 0.2))
    pen.disc(0.5, 0.41, 0.158, _SKIN, 0.2)
    pen.pie((0.315, 0.13, 0.665, 0.53), 165, 330, hair)
    pen.pie((0.46, 0.15, 0.68, 0.45), 210, 400, hair)
    for x in (0.435, 0.565):
        pen.arc((x - 0.036, 0.395, x + 0.036, 0.44), 10, 170, 0.009, hair)
        pen.arc((x - 0.045, 0.355, x + 0.045, 0.405), 200, 340, 0.01, hair)
    pen.line([(0.5, 0.42), (0.488, 0.482), (0.505, 0.486)], 0.007, mix(_SKIN, hair, 0.45))
    pen.arc((0.455, 0.49, 0.545, 0.545), 15, 165, 0.016, (186, 74, 78))
    for x in (0.422, 0.578):
        pen.disc(x, 0.475, 0.026, mix(_SKIN, (226, 96, 92), 0.32), 0.018)


def burger(pen: Pen, colour: Colour) -> None:
    """A burger with everything."""
    bun = (214, 140, 70)
    pen.box((0.14, 0.72, 0.86, 0.86), mix(bun, _INK, 0.1), 0.06)
    pen.box((0.12, 0.63, 0.88, 0.74), (92, 52, 38), 0.05)
    pen.polygon([(0.14, 0.6), (0.86, 0.6), (0.74, 0.64), (0.66, 0.73), (0.56, 0.64), (0.3, 0.64)], (246, 190, 60))
    pen.box((0.14, 0.55, 0.86, 0.61), (206, 62, 50), 0.03)
    for step in range(9):
        pen.disc(0.14 + step * 0.09, 0.545, 0.055, (122, 178, 74), 0.036)
    pen.pie((0.14, 0.16, 0.86, 0.9), 180, 360, bun)
    pen.arc((0.2, 0.21, 0.8, 0.86), 200, 262, 0.02, mix(bun, _CREAM, 0.45))
    for x, y in ((0.36, 0.33), (0.48, 0.25), (0.6, 0.3), (0.7, 0.4), (0.52, 0.39), (0.28, 0.44), (0.62, 0.44)):
        pen.disc(x, y, 0.017, _CREAM, 0.011)
    pen.box((0.1, 0.86, 0.9, 0.9), mix(colour, _CREAM, 0.6), 0.02)


def cup(pen: Pen, colour: Colour) -> None:
    """A cup with steam."""
    for x in (0.4, 0.5):
        pen.arc((x - 0.05, 0.14, x + 0.03, 0.26), 90, 270, 0.014, _CREAM)
        pen.arc((x - 0.09, 0.26, x - 0.01, 0.38), 270, 450, 0.014, _CREAM)
    pen.ring(0.73, 0.6, 0.11, 0.035, colour)
    pen.box((0.24, 0.46, 0.7, 0.6), colour)
    pen.pie((0.24, 0.34, 0.7, 0.86), 0, 180, colour)
    pen.disc(0.47, 0.46, 0.23, mix(colour, _CREAM, 0.4), 0.045)
    pen.disc(0.47, 0.465, 0.2, (82, 48, 36), 0.033)
    pen.disc(0.47, 0.89, 0.34, mix(colour, _CREAM, 0.55), 0.035)


def rocket(pen: Pen, colour: Colour) -> None:
    """A rocket on its way."""
    pen.polygon([(0.42, 0.78), (0.58, 0.78), (0.5, 1.0)], (255, 190, 70))
    pen.polygon([(0.455, 0.78), (0.545, 0.78), (0.5, 0.91)], (255, 244, 200))
    pen.polygon([(0.4, 0.54), (0.27, 0.8), (0.41, 0.74)], colour)
    pen.polygon([(0.6, 0.54), (0.73, 0.8), (0.59, 0.74)], colour)
    hull = [(0.125 * math.sin(math.pi * step / 27) ** 0.9, 0.06 + 0.7 * step / 23) for step in range(24)]
    pen.polygon([(0.5 - half, y) for half, y in hull] + [(0.5 + half, y) for half, y in reversed(hull)], _CREAM)
    nose = hull[:8]
    pen.polygon([(0.5 - half, y) for half, y in nose] + [(0.5 + half, y) for half, y in reversed(nose)], colour)
    pen.box((0.44, 0.74, 0.56, 0.785), _INK)
    pen.disc(0.5, 0.42, 0.062, colour)
    pen.disc(0.5, 0.42, 0.045, (150, 214, 236))


def flower(pen: Pen, colour: Colour) -> None:
    """A flower on its stalk."""
    stalk = (58, 118, 78)
    pen.line([(0.5, 0.4), (0.49, 0.7), (0.5, 1.0)], 0.022, stalk)
    pen.disc(0.6, 0.76, 0.1, stalk, 0.036)
    pen.disc(0.4, 0.84, 0.1, stalk, 0.036)
    for petal in range(8):
        turn = math.tau * petal / 8
        ink = colour if petal % 2 else mix(colour, _CREAM, 0.3)
        pen.disc(0.5 + 0.14 * math.cos(turn), 0.3 + 0.14 * math.sin(turn), 0.088, ink)
    pen.disc(0.5, 0.3, 0.085, (246, 200, 84))


def birds(pen: Pen, _colour: Colour) -> None:
    """A few birds, far off."""
    for x, y, span in ((0.2, 0.3, 0.1), (0.42, 0.18, 0.13), (0.62, 0.36, 0.09), (0.8, 0.22, 0.11), (0.5, 0.5, 0.07)):
        pen.arc((x - span, y, x, y + span), 200, 325, 0.014, _INK)
        pen.arc((x, y, x + span, y + span), 215, 340, 0.014, _INK)


class Thing(NamedTuple):
    """An object: how it is drawn, its size (1 for the picture's shorter side) and where its foot is (1 for the bottom).

    `close`: it wants a plain ground rather than a landscape. `ashore`: it does not stand in water.
    """

    draw: Callable[[Pen, Colour], None]
    size: float
    foot: float
    close: bool = False
    ashore: bool = True


_THINGS = {
    "bicycle bike cyclist bicicletta bici": Thing(bicycle, 0.62, 0.955),
    "boat sailboat ship yacht sailing barca nave": Thing(boat, 0.3, 0.8, ashore=False),
    "balloon balloons mongolfiera": Thing(balloon, 0.36, 0.52, ashore=False),
    "lighthouse faro": Thing(lighthouse, 0.56, 0.84, ashore=False),
    "house cabin cottage hut home casa": Thing(cabin, 0.32, 0.84),
    "tree oak albero": Thing(tree, 0.52, 0.9),
    "cat kitten gatto": Thing(cat, 0.34, 0.93),
    "portrait woman man person girl boy face character ritratto donna uomo selfie": Thing(
        portrait, 0.86, 0.96, close=True
    ),
    "burger cheeseburger hamburger food sandwich": Thing(burger, 0.66, 0.88, close=True),
    "cup coffee tea mug espresso cappuccino": Thing(cup, 0.6, 0.86, close=True),
    "rocket spaceship astronaut razzo": Thing(rocket, 0.5, 0.8, ashore=False),
    "flower flowers rose tulip sunflower fiore": Thing(flower, 0.66, 0.93, close=True),
    "bird birds seagull gull seagulls uccelli": Thing(birds, 0.34, 0.45, ashore=False),
}
THINGS = {word: thing for words, thing in _THINGS.items() for word in words.split()}
