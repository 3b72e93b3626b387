"""The pictures of a film: a camera that moves in on a still picture and a little aside."""

from collections.abc import Iterator
from typing import Any

from webvoice_mcp.sandbox.engines import raster
from webvoice_mcp.sandbox.engines.raster import pillow

_ZOOM = 1.16  # the picture's size to the frame's
_FADE_FROM = 0.6  # share of the film after which the last picture fades in


def shots(first: Any, last: Any, size: tuple[int, int], count: int) -> Iterator[Any]:
    """Yield the frames, marked as the sandbox's; a `last` picture, if any, fades in towards the end."""
    stills = [pillow("ImageOps").fit(still, [round(side * _ZOOM) for side in size]) for still in (first, last) if still]
    mark = raster.banner(size, raster.PROCEDURAL)
    for number in range(count):
        time = number / (count - 1)
        views = [_view(still, size, time * time * (3 - 2 * time)) for still in stills]  # starts and ends gently
        share = max(0.0, (time - _FADE_FROM) / (1 - _FADE_FROM))
        shot = pillow("Image").blend(views[0], views[-1], share) if share else views[0]
        shot.paste(mark, (0, size[1] - mark.height), mark)
        yield shot


def _view(still: Any, size: tuple[int, int], progress: float) -> Any:
    zoom = 1 + (1 / _ZOOM - 1) * progress
    width, height = still.width * zoom, still.height * zoom
    left, top = (still.width - width) * (0.35 + 0.3 * progress), (still.height - height) * 0.45
    return still.resize(size, pillow("Image").Resampling.BILINEAR, (left, top, left + width, top + height))
