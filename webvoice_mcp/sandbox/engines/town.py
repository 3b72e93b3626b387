"""Towns of a procedural picture, each drawn over what is there already."""

from webvoice_mcp.sandbox.engines.canvas import Scene, Stencil
from webvoice_mcp.sandbox.engines.palette import mix

_PAINTS = ((240, 214, 178), (226, 158, 128), (214, 186, 196), (176, 200, 196), (244, 232, 208))


def city(scene: Scene) -> None:
    """Three rows of high houses; in the dark their windows are lit."""
    canvas, rng, palette = scene.canvas, scene.rng, scene.palette
    for row in range(3):
        near = row / 2
        walls, windows = canvas.stencil(), canvas.stencil()
        x = -canvas.unit * 0.05
        while x < canvas.width:
            width = canvas.unit * rng.uniform(0.045, 0.1) * (0.8 + 0.5 * near)
            middle = 1 - abs(x / canvas.width - 0.5)  # a town is highest in the middle
            height = canvas.unit * rng.uniform(0.1, 0.34) * (1.25 - 0.55 * near) * middle
            _tower(scene, walls, windows, (x, scene.horizon - height, width, height), near)
            x += width * rng.uniform(0.82, 1.12)
        walls.box(0, scene.horizon - 1, canvas.width, canvas.height)
        colour = mix(palette.far, palette.near, 0.25 + 0.7 * near)
        haze = mix(colour, palette.sky[-1], 0.5 - 0.35 * near)
        canvas.lay(walls, canvas.gradient((colour, haze), scene.horizon - canvas.unit * 0.35, scene.horizon))
        lamp = mix(palette.light, palette.accent, 0.25) if palette.dark else mix(colour, palette.light, 0.35)
        canvas.lay(windows, lamp)


def street(scene: Scene) -> None:
    """A row of small gabled houses along a pavement."""
    canvas, rng, palette, foot = scene.canvas, scene.rng, scene.palette, scene.horizon
    night = 0.72 if palette.dark else 0.0
    fronts = {paint: canvas.stencil() for paint in _PAINTS}
    roofs, holes = canvas.stencil(), canvas.stencil()
    x, paint = -canvas.unit * rng.uniform(0.02, 0.14), _PAINTS[0]
    while x < canvas.width:
        width, height = canvas.unit * rng.uniform(0.15, 0.21), canvas.unit * rng.uniform(0.25, 0.38)
        paint = rng.choice([each for each in _PAINTS if each != paint])
        fronts[paint].box(x, foot - height, x + width, foot)
        _roof_and_holes(roofs, holes, (x, foot - height, width, height), 2 if height < canvas.unit * 0.31 else 3)
        x += width
    for paint, front in fronts.items():
        canvas.lay(front, mix(mix(paint, palette.sky[2], 0.18), palette.near, night))
    canvas.lay(roofs, mix(mix(palette.accent, palette.near, 0.55), (120, 74, 60), 0.4))
    lamp, glass = mix(palette.light, palette.accent, 0.18), mix(palette.sky[2], palette.near, 0.68)
    canvas.lay(holes, lamp if palette.dark else glass)
    ground = canvas.stencil()
    ground.box(0, foot, canvas.width, canvas.height)
    stone = mix(mix(palette.sky[-1], palette.near, 0.42), palette.near, night * 0.6)
    canvas.lay(ground, canvas.gradient((mix(stone, palette.light, 0.25), stone), foot, canvas.height))
    kerb = canvas.stencil()
    kerb.box(0, foot, canvas.width, foot + canvas.unit * 0.012)
    canvas.lay(kerb, mix(stone, palette.light, 0.55))


def _tower(scene: Scene, walls: Stencil, windows: Stencil, box: tuple[float, float, float, float], near: float) -> None:
    rng, (x, y, width, height) = scene.rng, box
    walls.box(x, y, x + width, scene.horizon + 1)
    shape = rng.random()
    if shape < 0.22:
        walls.box(x + width * 0.28, y - height * 0.12, x + width * 0.72, y)
        walls.box(x + width * 0.49, y - height * 0.28, x + width * 0.51, y)
    elif shape < 0.36:
        walls.polygon([(x, y), (x + width, y), (x + width, y - width * 0.5)])
    if not near:
        return
    pitch = scene.canvas.unit * (0.009 + 0.007 * near)
    share = 0.5 if scene.palette.dark else 0.3
    for row in range(1, int(height / pitch)):
        for column in range(int(width / pitch) - 1):
            left, top = x + pitch * (column + 0.75), y + pitch * row
            if rng.random() < share:
                windows.box(left, top, left + pitch * 0.45, top + pitch * 0.5, rng.randrange(90, 235))


def _roof_and_holes(roofs: Stencil, holes: Stencil, box: tuple[float, float, float, float], rows: int) -> None:
    x, y, width, height = box
    roofs.polygon([(x - width * 0.05, y), (x + width / 2, y - width * 0.42), (x + width * 1.05, y)])
    for row in range(rows):
        for column in range(2):
            left, top = x + width * (0.17 + 0.38 * column), y + height * (0.1 + row * 0.8 / rows)
            if row == rows - 1 and column:
                holes.box(left - width * 0.01, top, left + width * 0.27, y + height)  # the door
            else:
                holes.box(left, top, left + width * 0.25, top + height * 0.42 / rows)
