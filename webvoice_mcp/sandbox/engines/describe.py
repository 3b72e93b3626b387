"""Facts about a picture or a film, read back from its file."""

from pathlib import Path
from typing import NamedTuple

from webvoice_mcp.sandbox.engines import load


class Film(NamedTuple):
    """A film's facts: its size in pixels, its length, and whether it has a sound track."""

    width: int
    height: int
    seconds: float
    has_sound: bool


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture, all of which is decoded.

    Raises:
        EngineUnavailable: Pillow is not installed.
        OSError: it is no picture, or broken.
    """
    with load("PIL.Image", "pillow").open(path) as picture:
        picture.load()
        width, height = picture.size
    return width, height


def film(path: Path) -> Film:
    """A film's facts, its pictures counted one by one.

    Raises:
        EngineUnavailable: PyAV is not installed.
        OSError: it is no film, or broken.
    """
    with load("av", "av").open(str(path)) as container:
        video = container.streams.video[0]
        frames = sum(1 for _ in container.decode(video))
        return Film(video.width, video.height, frames / float(video.average_rate), bool(container.streams.audio))
