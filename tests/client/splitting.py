"""What the splitter's tests share: answers, ways to cut them, and the splitter run over the pieces."""

import base64
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from webvoice_mcp.client.splitter import MediaItem, Splitter

FIELDS = frozenset({"audio", "image", "images"})
MEDIA = random.Random(1).randbytes(611)  # as base64: both odd signs, padding, and longer than what is looked at first
BASE64 = base64.b64encode(MEDIA)
URL_SAFE = base64.urlsafe_b64encode(MEDIA)
SLASHES = BASE64.replace(b"/", b"\\/")
LINK = "https://s3.example/" + "a" * 600 + "?X-Amz=%2F"


class Split(NamedTuple):
    document: Any
    media: list[MediaItem]
    sinks: dict[tuple[str, int], bytes]


def split(pieces: list[bytes], **limits: int) -> Split:
    sinks: dict[tuple[str, int], bytearray] = {}

    def open_sink(name: str, index: int) -> Callable[[bytes], None]:
        assert (name, index) not in sinks
        sinks[name, index] = bytearray()
        return sinks[name, index].extend

    splitter = Splitter(FIELDS, open_sink, **limits)
    for piece in pieces:
        splitter.feed(piece)
    document, media = splitter.finish()
    return Split(document, media, {key: bytes(sink) for key, sink in sinks.items()})


def cut(body: bytes, places: list[int]) -> list[bytes]:
    return [body[start:stop] for start, stop in zip([0, *places], [*places, len(body)], strict=True)]


def every_cut(body: bytes) -> Iterator[list[bytes]]:
    """The body whole, cut in two at every place (of a long one at many), byte by byte, and in random pieces."""
    dice = random.Random(len(body))
    places = range(len(body) + 1)
    yield from (cut(body, [place]) for place in (places if len(body) < 1200 else [0, *dice.sample(places, 400)]))
    yield cut(body, list(range(1, len(body))))
    yield from (cut(body, sorted(dice.choices(places, k=dice.randint(2, 12)))) for _ in range(20))


def speech(spelling: bytes) -> bytes:
    return b'{"success":true,"audio":"%b","duration":5,"note":"a\\"b\\\\","more":[1,{"audio":"deep"}]}' % spelling
