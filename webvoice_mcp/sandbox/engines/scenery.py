"""Landscapes, towns, weather and patterns, as SVG that uses the templates of drawings.svg.

Lengths are in thousandths of the picture's shorter side, from the upper left corner.
"""

from dataclasses import dataclass
from functools import partial
from random import Random

from webvoice_mcp.sandbox.engines.palette import is_dark, mix

_WALLS = ("#f0d6b2", "#e29e80", "#d6bac4", "#b0c8c4", "#f4e8d0")
_TILES = 6  # templates, tile0 to tile5


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture's measures, its colours by their names in drawings.svg, and its source of chance.

    Attributes:
        horizon, ground: where the land begins and ends; with water below, it ends at the horizon.
    """

    width: float
    height: float
    horizon: float
    ground: float
    palette: dict[str, str]
    rng: Random


def use(template: str, left: float, foot: float, height: float, more: str = "", ratio: float = 1.0) -> str:
    """Return a template that stands at `foot`; `ratio` is its width to its height."""
    box = f'x="{left:.0f}" y="{foot - height:.0f}" width="{height * ratio:.0f}" height="{height:.0f}"'
    return f'<use href="#{template}" {box} {more}/>'


def band(scene: Scene, top: float, bottom: float, fill: str) -> str:
    """Return a filled rectangle as wide as the picture."""
    return f'<path d="M0 {top:.0f}H{scene.width:.0f}V{bottom:.0f}H0z" fill="{fill}"/>'


def sky(scene: Scene) -> str:
    """By night stars and a moon, by day a sun and clouds; stars alone where there is no land."""
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


def rows(
    scene: Scene, templates: str, count: int, height: float, growth: float, ratio: float, step: float, jitter: float
) -> str:
    """Rows of templates by chance, the nearer the darker, with mist between them.

    Args:
        height: of the farthest row, which `growth` is added to for each nearer one.
        ratio: of a template's width to its height; `step` is how much of that width lies between two of them.
        jitter: share of the height that chance takes away at most.
    """
    rng, palette, parts = scene.rng, scene.palette, [band(scene, scene.horizon, scene.ground, scene.palette["far"])]
    start, end = (scene.horizon - 90, scene.horizon) if scene.ground < scene.height else (scene.horizon, scene.height)
    for row in range(count):
        foot, tall = start + (end - start) * (row + 0.2) / count, height + growth * row
        colour, x = mix(palette["far"], palette["near"], (row + 0.5) / count), -rng.random() * tall * ratio
        while x < scene.width:
            size = tall * (1 - jitter * rng.random())
            ink = mix(rng.choice(_WALLS), palette["near"], 0.1 + 0.5 * is_dark(palette)) if count == 1 else colour
            parts.append(use(rng.choice(templates.split()), x, foot, size, f'color="{ink}"', ratio))
            x += size * ratio * step
        parts.append(band(scene, foot - 1, scene.ground, colour))
        if row < count - 1:
            parts.append(band(scene, foot - tall / 2, min(foot + 200, scene.ground), "url(#mist)"))
    return "".join(parts)


def water(scene: Scene) -> str:
    """Water from the horizon down, which mirrors the group "view" above it."""
    mirrored = f'<use href="#view" transform="matrix(1 0 0 -1 0 {2 * scene.horizon:.0f})"/><g fill-opacity=".6">'
    ripples = strokes(scene, "h90", scene.palette["light"], 0.2, scene.horizon + 5)
    return f"{mirrored}{band(scene, scene.horizon, scene.height, 'url(#deep)')}</g>{ripples}"


def strokes(
    scene: Scene, step: str, color: str, opacity: float, top: float = 0, bottom: float = 0, scale: float = 1
) -> str:
    """Dots or short lines by chance, of three widths; `step` is the line as a path has it."""
    paths = ""
    for width in (2, 3, 5):
        ys = [scene.rng.uniform(top, bottom or scene.height) for _ in range(round(0.07 * scene.width))]
        lines = "".join(f"M{scene.rng.random() * scene.width:.0f} {y:.0f}{step}" for y in ys)
        ink = f'stroke="{color}" stroke-opacity="{opacity}" stroke-width="{width * scale}" stroke-linecap="round"'
        paths += f'<path d="{lines}" {ink}/>'
    return paths


def geometry(scene: Scene) -> str:
    """Tiles of circles, quarters and stripes in the palette's colours."""
    parts, side = [], 200
    for top in range(0, round(scene.height), side):
        for left in range(0, round(scene.width), side):
            ground, ink = scene.rng.sample(list(scene.palette.values()), 2)
            turn = f'color="{ink}" transform="rotate({scene.rng.randrange(4) * 90} {left + side / 2} {top + side / 2})"'
            parts.append(f'<path d="M{left} {top}h{side}v{side}h-{side}z" fill="{ground}"/>')
            parts.append(use(f"tile{scene.rng.randrange(_TILES)}", left, top + side, side, turn))
    return "".join(parts)


def stage(scene: Scene) -> str:
    """A plain ground with a disc of light and a table, for one subject."""
    disc = use("disc", scene.width / 2 - 450, scene.height * 0.46 + 450, 900, f'color="{scene.palette["light"]}"')
    return (
        band(scene, 0, scene.height, "url(#sky)") + disc + band(scene, scene.height * 0.8, scene.height, "url(#deep)")
    )


# Parts of a landscape by the words that call for them, the farthest first.
LAND = {
    "mountain mountains alps peak peaks snow snowy winter": partial(
        rows, templates="peak0 peak1", count=3, height=400, growth=-90, ratio=1.6, step=0.45, jitter=0.5
    ),
    "hill hills field fields meadow valley countryside landscape desert dunes": partial(
        rows, templates="hill", count=4, height=90, growth=30, ratio=9, step=0.35, jitter=0.7
    ),
    "city skyline downtown cyberpunk neon metropolis bay harbor office rooftop": partial(
        rows, templates="tower0 tower1 tower2", count=3, height=480, growth=-110, ratio=0.4, step=0.95, jitter=0.6
    ),
    "street village town alley road square market houses": partial(
        rows, templates="townhouse", count=1, height=470, growth=0, ratio=0.46, step=0.93, jitter=0.25
    ),
    "forest woods jungle pine pines firs trees": partial(
        rows, templates="fir", count=4, height=160, growth=60, ratio=0.7, step=0.5, jitter=0.4
    ),
    "sea ocean lake bay harbor river water beach coast boat ship sailboat yacht lighthouse waves": water,
}
WEATHER = {
    "rain rainy storm": partial(strokes, step="l-9 42", color="#dce8ff", opacity=0.3),
    "snow snows snowy snowfall blizzard": partial(strokes, step="h0", color="#ffffff", opacity=0.9, scale=2),
}
