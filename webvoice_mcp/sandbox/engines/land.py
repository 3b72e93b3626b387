"""Land and water of a procedural picture, each drawn over what is there already."""

from collections.abc import Callable
from random import Random

from webvoice_mcp.sandbox.engines.canvas import Canvas, Point, Scene, Stencil, pillow
from webvoice_mcp.sandbox.engines.curves import STEPS, crested, rough, soft, waves
from webvoice_mcp.sandbox.engines.palette import mix


def mountains(scene: Scene) -> None:
    """Three ranges of rough mountains, the nearer the darker."""
    _ranges(scene, 3, 0.2, rough, snow=True)


def hills(scene: Scene) -> None:
    """Four ranges of soft hills."""
    _ranges(scene, 4, 0.085, soft)


def dunes(scene: Scene) -> None:
    """Four ranges of sand."""
    _ranges(scene, 4, 0.1, crested)


def forest(scene: Scene) -> None:
    """Rows of firs, the nearer the larger and darker."""
    canvas, rng = scene.canvas, scene.rng
    for row in range(4):
        near = row / 3
        ground = scene.horizon + (canvas.height - scene.horizon) * (0.06 + 0.84 * near**1.3)
        height = canvas.unit * (0.13 + 0.3 * near)
        ridge = waves(rng, 3)
        stencil = canvas.stencil()
        foot = [(x, y + height * 0.12) for x, y in _outline(canvas, ridge, ground, canvas.unit * 0.03)]
        stencil.polygon([*foot, (canvas.width, canvas.height), (0, canvas.height)])
        x = -height * 0.2
        while x < canvas.width + height * 0.2:
            top = ground + ridge(x / canvas.width) * canvas.unit * 0.03
            _fir(stencil, x, top + height * 0.16, height * rng.uniform(0.62, 1.08))
            x += height * rng.uniform(0.16, 0.34)
        colour = mix(scene.palette.far, scene.palette.near, 0.15 + 0.85 * near)
        haze = mix(colour, scene.palette.sky[-1], 0.55 * (1 - near))
        canvas.lay(stencil, canvas.gradient((colour, haze), ground - height, ground + height * 0.5))


def water(scene: Scene) -> None:
    """Water from the horizon down: it mirrors what is above, with a path of light."""
    canvas, rng, palette = scene.canvas, scene.rng, scene.palette
    image, filters = pillow("Image"), pillow("ImageFilter")
    top, depth = round(scene.horizon), canvas.height - round(scene.horizon)
    above = canvas.image.crop((0, max(0, top - depth), canvas.width, top))
    mirrored = above.transpose(image.Transpose.FLIP_TOP_BOTTOM).resize((canvas.width, depth))
    mirrored = mirrored.filter(filters.BoxBlur((canvas.unit * 0.012, canvas.unit * 0.004)))
    deep = canvas.gradient((mix(palette.sky[2], palette.far, 0.5), palette.near), top, canvas.height)
    deep = deep.crop((0, top, canvas.width, canvas.height))
    canvas.image.paste(image.blend(mirrored, deep, 0.52), (0, top))
    path, ripples = canvas.stencil(), canvas.stencil()
    for number in range(110):
        down = (number / 110) ** 1.5
        y = top + depth * down + canvas.unit * 0.003
        height = canvas.unit * (0.0012 + 0.0045 * down)
        spread = canvas.unit * (0.05 + 0.16 * down)
        width = spread * rng.uniform(0.15, 1.0)
        path.bar(scene.light[0] + rng.gauss(0, 0.4) * spread - width / 2, y, width, height, round(190 - 120 * down))
        width = canvas.unit * rng.uniform(0.03, 0.16) * (0.5 + down)
        ripples.bar(rng.random() * canvas.width, y, width, height, 34)
    canvas.lay(ripples, mix(palette.sky[2], palette.light, 0.5))
    canvas.lay(path, palette.light)


def _ranges(
    scene: Scene, count: int, height: float, make: Callable[[Random], Callable[[float], float]], *, snow: bool = False
) -> None:
    canvas, palette = scene.canvas, scene.palette
    for number in range(count):
        near = number / (count - 1)
        base = scene.horizon + (canvas.height - scene.horizon) * (0.02 + 0.74 * near)
        reach = canvas.unit * height * (1.0 - 0.35 * near)
        outline = _outline(canvas, make(scene.rng), base, reach)
        stencil = canvas.stencil()
        stencil.polygon([*outline, (canvas.width, canvas.height), (0, canvas.height)])
        colour = mix(palette.far, palette.near, near)
        haze = mix(colour, palette.sky[-1], 0.62 * (1 - near) + 0.08)
        top = min(y for _, y in outline)
        canvas.lay(stencil, canvas.gradient((colour, haze), top, top + reach * 2.6))
        if snow and not number:
            _cap(scene, outline, top, reach)


def _cap(scene: Scene, outline: list[Point], top: float, reach: float) -> None:
    """Snow on the peaks: what is above a ragged line."""
    canvas, edge = scene.canvas, rough(scene.rng)
    line = [(x, max(y, top + reach * (0.3 + 0.22 * edge(x / canvas.width * 3)))) for x, y in outline]
    stencil = canvas.stencil()
    stencil.polygon([*outline, *reversed(line)], 200)
    canvas.lay(stencil, mix(scene.palette.light, scene.palette.sky[1], 0.18))


def _outline(canvas: Canvas, ridge: Callable[[float], float], base: float, reach: float) -> list[Point]:
    steps = [step / STEPS for step in range(STEPS + 1)]
    return [(canvas.width * step, base + ridge(step) * reach) for step in steps]


def _fir(stencil: Stencil, x: float, foot: float, height: float) -> None:
    stencil.box(x - height * 0.014, foot - height * 0.14, x + height * 0.014, foot + height * 0.1)
    for tier in range(4):
        top, bottom = 1 - tier * 0.21, 0.66 - tier * 0.19
        half = height * (0.085 + 0.04 * tier)
        stencil.polygon(
            [(x, foot - height * top), (x + half, foot - height * bottom), (x - half, foot - height * bottom)]
        )


def shore(scene: Scene) -> None:
    """Dark ground close to who looks."""
    canvas, palette = scene.canvas, scene.palette
    outline = _outline(canvas, soft(scene.rng), canvas.height * 0.885, canvas.unit * 0.035)
    stencil = canvas.stencil()
    stencil.polygon([*outline, (canvas.width, canvas.height), (0, canvas.height)])
    ground = mix(palette.near, (8, 8, 14), 0.25)
    canvas.lay(stencil, canvas.gradient((mix(ground, palette.far, 0.25), ground), canvas.height * 0.85))
