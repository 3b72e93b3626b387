"""The sky of a procedural picture and what is in it, each drawn over what is there already."""

import math

from webvoice_mcp.sandbox.engines.canvas import Canvas, Scene, Stencil, pillow
from webvoice_mcp.sandbox.engines.curves import waves
from webvoice_mcp.sandbox.engines.palette import mix

_STEPS = 384  # strokes of a curtain of light


def sky(scene: Scene) -> None:
    """The sky, and in the dark its stars."""
    canvas, rng = scene.canvas, scene.rng
    canvas.image.paste(canvas.gradient(scene.palette.sky, 0, scene.horizon))
    if not scene.palette.dark:
        return
    stars = canvas.stencil()
    for _ in range(round(150 * canvas.width * canvas.height / canvas.unit**2)):
        x, y = rng.random() * canvas.width, rng.random() ** 1.4 * scene.horizon
        stars.disc(x, y, canvas.unit * rng.choice((0.0006, 0.0009, 0.0016)), rng.randrange(70, 255))
    canvas.lay(stars, scene.palette.light)


def luminary(scene: Scene, *, high: bool = False) -> None:
    """Sun or moon with its glow; `high` above roofs."""
    canvas, rng, light = scene.canvas, scene.rng, scene.palette.light
    dark = scene.palette.dark
    radius = canvas.unit * rng.uniform(0.06, 0.085) * (1 if dark else 1.45)
    x = canvas.width * rng.choice((rng.uniform(0.22, 0.4), rng.uniform(0.6, 0.78)))
    y = scene.horizon * (rng.uniform(0.25, 0.42) if dark or high else rng.uniform(0.5, 0.75))
    canvas.glow(x, y, radius * 6, light, 0.55)
    canvas.glow(x, y, radius * 2.4, light, 0.5)
    disc = canvas.stencil()
    disc.disc(x, y, radius)
    if dark and rng.random() < 0.4:
        disc.disc(x + radius * 0.42, y - radius * 0.2, radius * 0.86, 0)  # a crescent
    canvas.lay(disc, light)
    scene.light = (x, y)


def clouds(scene: Scene) -> None:
    """A few long, flat clouds."""
    canvas, rng = scene.canvas, scene.rng
    stencil = canvas.stencil()
    for _ in range(rng.randint(4, 7)):
        x, y = rng.random() * canvas.width, scene.horizon * rng.uniform(0.1, 0.72)
        width, height = canvas.unit * rng.uniform(0.16, 0.42), canvas.unit * rng.uniform(0.008, 0.016)
        for layer in range(rng.randint(2, 3)):
            left = x - width / 2 + rng.uniform(-0.25, 0.25) * width
            top = y + layer * height * 1.7
            stencil.bar(left, top, width * rng.uniform(0.5, 1.0), height, 46)
    canvas.lay(stencil, mix(scene.palette.light, (255, 255, 255), 0.5))


def aurora(scene: Scene) -> None:
    """Curtains of light in the sky."""
    canvas, rng = scene.canvas, scene.rng
    for colour in ((70, 240, 170), (120, 110, 250)):
        stencil = canvas.stencil()
        base, wave = scene.horizon * rng.uniform(0.42, 0.6), waves(rng, 3)
        for step in range(_STEPS):
            x = canvas.width * step / (_STEPS)
            foot = base + wave(step / (_STEPS)) * canvas.unit * 0.1
            reach = canvas.unit * (0.2 + 0.1 * wave(step / 40 + 5))
            stencil.line([(x, foot), (x, foot - reach)], canvas.width / _STEPS + 1, 120)
        blur = pillow("ImageFilter").BoxBlur((canvas.unit * 0.006, canvas.unit * 0.05))
        canvas.image.paste(colour, (0, 0, canvas.width, canvas.height), stencil.mask().filter(blur))


def planets(scene: Scene) -> None:
    """A large planet with a ring, and a small one."""
    canvas, rng, palette = scene.canvas, scene.rng, scene.palette
    x, y = canvas.width * rng.uniform(0.3, 0.7), canvas.height * rng.uniform(0.36, 0.5)
    radius = canvas.unit * rng.uniform(0.17, 0.23)
    canvas.glow(canvas.width - x, canvas.height * 0.3, canvas.unit * 0.9, palette.sky[3], 0.5)
    canvas.glow(x, y, radius * 2.2, palette.sky[3], 0.6)
    tilt = rng.uniform(-0.45, -0.2)
    canvas.lay(_ring(canvas, (x, y, radius), tilt, math.pi), mix(palette.light, palette.accent, 0.5))
    globe = canvas.stencil()
    globe.disc(x, y, radius)
    canvas.lay(
        globe, canvas.gradient((palette.accent, mix(palette.accent, palette.near, 0.85)), y - radius, y + radius)
    )
    canvas.lay(_ring(canvas, (x, y, radius), tilt, 0.0), mix(palette.light, palette.accent, 0.5))
    moon, at = canvas.stencil(), (canvas.width - x * 0.6, y - radius * 1.2)
    moon.disc(*at, radius * 0.24)
    canvas.lay(moon, canvas.gradient((palette.light, palette.far), at[1] - radius * 0.3, at[1] + radius * 0.35))


def rain(scene: Scene) -> None:
    """Slanting rain."""
    canvas, rng = scene.canvas, scene.rng
    stencil = canvas.stencil()
    for _ in range(260):
        x, y = rng.uniform(-0.1, 1.1) * canvas.width, rng.random() * canvas.height
        length = canvas.unit * rng.uniform(0.02, 0.06)
        stencil.line([(x, y), (x - length * 0.22, y + length)], canvas.unit * 0.0014, rng.randrange(40, 110))
    canvas.lay(stencil, mix(scene.palette.light, (220, 232, 255), 0.6))


def snowfall(scene: Scene) -> None:
    """Falling snow."""
    canvas, rng = scene.canvas, scene.rng
    stencil = canvas.stencil()
    for _ in range(240):
        radius = canvas.unit * rng.choice((0.0016, 0.0024, 0.0044))
        stencil.disc(rng.random() * canvas.width, rng.random() * canvas.height, radius, rng.randrange(110, 240))
    canvas.lay(stencil, (255, 255, 255))


def _ring(canvas: Canvas, globe: tuple[float, float, float], tilt: float, start: float) -> Stencil:
    """Half of a planet's ring; the far one from pi, the near one from 0."""
    x, y, radius = globe
    stencil = canvas.stencil()
    for reach, width in ((1.75, 0.09), (1.5, 0.05)):
        points = []
        for step in range(65):
            turn = start + math.pi * step / 64
            across, down = math.cos(turn) * radius * reach, math.sin(turn) * radius * reach * 0.24
            points.append((x + across * math.cos(tilt) - down * math.sin(tilt), y + across * math.sin(tilt) + down))
        stencil.line(points, radius * width, 210)
    return stencil
