"""Plain grounds of a procedural picture: geometry, and a stage for one thing."""

from webvoice_mcp.sandbox.engines.canvas import Scene, Stencil
from webvoice_mcp.sandbox.engines.palette import mix

_TILES = 5  # along the shorter side


def geometry(scene: Scene) -> None:
    """Tiles of quarter circles, halves and discs in the palette's colours."""
    canvas, palette, rng = scene.canvas, scene.palette, scene.rng
    side = canvas.unit / _TILES
    inks = (*palette.sky, palette.near, palette.light, palette.accent, palette.accent)
    layers = {ink: (canvas.stencil(), canvas.stencil()) for ink in inks}
    for row in range(-(-canvas.height // round(side))):
        for column in range(-(-canvas.width // round(side))):
            ground, figure = rng.sample(list(layers), 2)
            x, y = column * side, row * side
            layers[ground][0].box(x, y, x + side, y + side)
            _figure(layers[figure][1], (x, y, side), rng.randrange(7))
    canvas.image.paste(palette.light, (0, 0, canvas.width, canvas.height))
    for depth in (0, 1):
        for ink, stencils in layers.items():
            canvas.lay(stencils[depth], ink)


def stage(scene: Scene) -> None:
    """A large disc of light behind, a table in front."""
    canvas, palette = scene.canvas, scene.palette
    x, y, top = canvas.width / 2, canvas.height * 0.46, canvas.height * 0.8
    canvas.image.paste(canvas.gradient((palette.sky[1], palette.sky[2], palette.sky[3])))
    for radius, share in ((0.46, 0.22), (0.38, 0.42), (0.3, 0.7)):
        disc = canvas.stencil()
        disc.disc(x, y, canvas.unit * radius)
        canvas.lay(disc, mix(palette.sky[2], palette.light, share))
    table = canvas.stencil()
    table.box(0, top, canvas.width, canvas.height)
    canvas.lay(table, canvas.gradient((mix(palette.far, palette.near, 0.35), palette.near), top, canvas.height))
    edge = canvas.stencil()
    edge.box(0, top, canvas.width, top + canvas.unit * 0.006)
    canvas.lay(edge, mix(palette.far, palette.light, 0.4))


def _figure(stencil: Stencil, tile: tuple[float, float, float], shape: int) -> None:
    x, y, side = tile
    if shape < 4:  # a quarter circle from one of the corners, kept inside the tile
        stencil.quarter(x, y, side, shape)
    elif shape == 4:
        stencil.disc(x + side / 2, y + side / 2, side * 0.5)
    elif shape == 5:
        stencil.disc(x + side / 2, y + side / 2, side * 0.27)
    else:
        stencil.polygon([(x, y), (x + side, y + side), (x, y + side)])
