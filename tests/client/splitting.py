"""Helpers for the splitter's tests: answers, ways to cut them, and the splitter run over the pieces."""

import base64
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from webvoice_mcp.client.splitter import MediaItem, Splitter

FIELDS = frozenset({"audio", "image", "images"})
# Its base64 has both special characters and padding, and is longer than the head.
MEDIA = random.Random(1).randbytes(611)
BASE64 = base64.b64encode(MEDIA)
ESCAPED_SLASHES = BASE64.replace(b"/", b"\\/")
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


def cut(body: bytes, offsets: list[int]) -> list[bytes]:
    return [body[start:stop] for start, stop in zip([0, *offsets], [*offsets, len(body)], strict=True)]


def every_cut(body: bytes) -> Iterator[list[bytes]]:
    """Yield the body whole, cut in two at every offset (at most at 400), byte by byte, and in random pieces."""
    rng = random.Random(len(body))
    offsets = range(len(body) + 1)
    yield from (cut(body, [at]) for at in (offsets if len(body) < 1200 else [0, *rng.sample(offsets, 400)]))
    yield cut(body, list(range(1, len(body))))
    yield from (cut(body, sorted(rng.choices(offsets, k=rng.randint(2, 12)))) for _ in range(20))


def speech(audio: bytes) -> bytes:
    return b'{"success":true,"audio":"%b","duration":5,"note":"a\\"b\\\\","more":[1,{"audio":"deep"}]}' % audio
