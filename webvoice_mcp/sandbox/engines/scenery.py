"""Landscapes, weather and patterns as SVG, made with the templates of drawings.svg.

Lengths are in thousandths of the picture's shorter side. The origin is the upper left corner.
"""

from dataclasses import dataclass
from random import Random

from webvoice_mcp.sandbox.engines.palette import is_dark, mix

_WALLS = ("#f0d6b2", "#e29e80", "#d6bac4", "#b0c8c4", "#f4e8d0")  # of houses in a street


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture's size, palette and random number generator.

    Attributes:
        horizon: the upper edge of the land, from the top.
        ground: the lower edge of the land; if there is water below, the horizon.
    """

    width: float
    height: float
    horizon: float
    ground: float
    palette: dict[str, str]
    rng: Random


def use(name: str, left: float, foot: float, height: float, color: str = "", ratio: float = 1, more: str = "") -> str:
    """Return a template whose lower edge is at `foot`; `ratio` is its width to its height."""
    box = f'x="{left:.0f}" y="{foot - height:.0f}" width="{height * ratio:.0f}" height="{height:.0f}"'
    return f'<use href="#{name}" {box} color="{color}" {more}/>'


def band(scene: Scene, top: float, bottom: float, fill: str) -> str:
    """Return a filled rectangle as wide as the picture."""
    return f'<path d="M0 {top:.0f}H{scene.width:.0f}V{bottom:.0f}H0z" fill="{fill}"/>'


def strokes(scene: Scene, step: str, color: str, opacity: float, top: float = 0, bottom: float = 0) -> str:
    """Return dots or short lines of three widths at random places; `step` is the line in the syntax of a path."""
    paths, count = "", round(0.07 * scene.width)
    for width in (2, 4, 6):
        ys = [scene.rng.uniform(top, bottom or scene.height) for _ in range(count)]
        lines = "".join(f"M{scene.rng.random() * scene.width:.0f} {y:.0f}{step}" for y in ys)
        paths += f'<path d="{lines}" stroke="{color}" stroke-opacity="{opacity}" stroke-width="{width}"/>'
    return f'<g stroke-linecap="round">{paths}</g>'


def sky(scene: Scene) -> str:
    """Return stars and a moon, or a sun and clouds. Without land there is neither sun nor moon."""
    rng, parts = scene.rng, [band(scene, 0, scene.horizon + 2, "url(#sky)")]
    dark, side = is_dark(scene.palette), scene.horizon * rng.uniform(0.55, 0.8)
    if dark:
        parts.append(strokes(scene, "h0", scene.palette["light"], 0.8, bottom=scene.horizon))
    if scene.horizon < scene.height:
        x = scene.width * rng.choice((rng.uniform(0.2, 0.38), rng.uniform(0.62, 0.8)))
        parts.append(use("moon" if dark and rng.random() < 0.5 else "sun", x - side / 2, side * 0.95, side))
    for _ in range(0 if dark else round(3 + scene.width / 500)):
        x, foot = rng.uniform(-0.1, 1) * scene.width, rng.uniform(0.1, 0.65) * scene.horizon
        parts.append(use("cloud", x, foot, rng.uniform(50, 120), ratio=2.5))
    return "".join(parts)


def rows(scene: Scene, template: str, ratio: float, numbers: tuple[float, ...]) -> str:
    """Return rows of a template, with mist between them; nearer rows are darker. drawings.svg explains the numbers."""
    count, height, growth, step, jitter = numbers
    rng, palette, parts = scene.rng, scene.palette, [band(scene, scene.horizon, scene.ground, scene.palette["far"])]
    start, end = (scene.horizon - 90, scene.horizon) if scene.ground < scene.height else (scene.horizon, scene.height)
    for row in range(round(count)):
        foot, tall = start + (end - start) * (row + 0.2) / count, height + growth * row
        colour, x = mix(palette["far"], palette["near"], (row + 0.5) / count), -rng.random() * tall * ratio
        while x < scene.width:
            size = tall * (1 - jitter * rng.random())
            wall = mix(rng.choice(_WALLS), palette["near"], 0.6 if is_dark(palette) else 0.1)
            parts.append(use(template, x, foot, size, wall if count == 1 else colour, ratio))
            x += size * ratio * step
        parts.append(band(scene, foot - 1, scene.ground, colour))
        if row < count - 1:
            parts.append(band(scene, foot - tall / 2, min(foot + 200, scene.ground), "url(#mist)"))
    return "".join(parts)


def water(scene: Scene) -> str:
    """Return water below the horizon; it mirrors the group "view" above the horizon."""
    mirrored = f'<use href="#view" transform="matrix(1 0 0 -1 0 {2 * scene.horizon:.0f})"/><g fill-opacity=".6">'
    ripples = strokes(scene, "h90", scene.palette["light"], 0.15, scene.horizon + 5)
    return f"{mirrored}{band(scene, scene.horizon, scene.height, 'url(#deep)')}</g>{ripples}"


def tiles(scene: Scene) -> str:
    """Return a pattern of the templates tile0 to tile5 in the palette's colours."""
    parts, side = [], 200
    for top in range(0, round(scene.height), side):
        for left in range(0, round(scene.width), side):
            ground, ink = scene.rng.sample(list(scene.palette.values()), 2)
            turn = f'transform="rotate({scene.rng.randrange(4) * 90} {left + side / 2} {top + side / 2})"'
            parts.append(f'<path d="M{left} {top}h{side}v{side}h-{side}z" fill="{ground}"/>')
            parts.append(use(f"tile{scene.rng.randrange(6)}", left, top + side, side, ink, more=turn))
    return "".join(parts)


def stage(scene: Scene) -> str:
    """Return a plain background with a bright disc and a table, for a single subject."""
    disc = use("disc", scene.width / 2 - 450, scene.height * 0.46 + 450, 900, scene.palette["light"])
    table = band(scene, scene.height * 0.8, scene.height, "url(#deep)")
    return band(scene, 0, scene.height, "url(#sky)") + disc + table
