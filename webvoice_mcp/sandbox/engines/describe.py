"""Reads the size of a picture, and the size, length and sound track of a film, from a file."""

from pathlib import Path
from typing import NamedTuple

from webvoice_mcp.sandbox.engines import load


class Film(NamedTuple):
    """A film's size in pixels, its length, and its sound track."""

    width: int
    height: int
    seconds: float
    has_sound: bool


def picture_size(path: Path) -> tuple[int, int]:
    """Decode a picture and return its width and height.

    Raises:
        EngineUnavailable: Pillow is not installed.
        OSError: the file is not a picture, or it is damaged.
    """
    with load("PIL.Image", "pillow").open(path) as picture:
        picture.load()
        width, height = picture.size
    return width, height


def film(path: Path) -> Film:
    """Decode a film and return its properties; the length is that of the frames counted.

    Raises:
        EngineUnavailable: PyAV is not installed.
        OSError: the file is not a film, or it is damaged.
    """
    with load("av", "av").open(str(path)) as container:
        video = container.streams.video[0]
        frames = sum(1 for _ in container.decode(video))
        return Film(video.width, video.height, frames / float(video.average_rate), bool(container.streams.audio))
