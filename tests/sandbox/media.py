"""Parameters and media for the tests of images and videos."""

import base64
import io
import itertools
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple, get_args, get_origin

from tests.sandbox.world import SandboxClient
from webvoice_mcp.contract.endpoint import Request
from webvoice_mcp.contract.rules import complaint

LINK = "https://example.com/a.png"
PROMPT = "A red bicycle on a sunny street"

# For each type of parameter, values of this type (which a provider's rules may refuse) and values of other types.
_VALUES: dict[type, tuple[list[Any], list[Any]]] = {
    int: ([-2, -1, 0, 1, 2, 3, 4, 5, 10, 11, 16, 511, 512, 2048.0, 2049], ["5", True, 4.5, ["x"]]),
    float: ([-0.5, 0, 0.5, 20, 20.5], ["5", True]),
    bool: ([True, False], ["true", 1]),
    str: (
        ["png", "url", "720p", "adaptive", "16:9", "0:1", "256*1536", "1024x1024", LINK, "http://example.com/a.png"],
        [5, 1.5, True, [LINK]],
    ),
    list: ([[LINK], [LINK] * 3, [LINK] * 4, ["a.png"]], [5, [5]]),
    dict: (
        [[{"path": LINK}], [{"path": LINK, "scale": 0.5}]],
        ["x", [1], [{}], *([{"path": LINK, **change}] for change in ({"path": "x"}, {"scale": True}, {"more": 1}))],
    ),
}


class Case(NamedTuple):
    """A parameter, its value, and the response's status. The account has no credits, so 402 means accepted."""

    provider: str
    name: str
    value: Any
    status: int


def cases(rules: Mapping[str, Mapping[str, Any]], model: type[Request]) -> Iterator[Case]:
    """Yield each provider's parameters with values of right and wrong types, and other parameters with one value."""
    names = sorted({name for accepted in rules.values() for name in accepted})
    for provider, name in itertools.product(rules, names):
        right_type, wrong_type = _VALUES[_kind(model.model_fields[name].annotation)]
        if name not in rules[provider]:
            yield Case(provider, name, right_type[0], 400)
            continue
        for value in right_type:
            yield Case(provider, name, value, 400 if complaint(rules, provider, {name: value}) else 402)
        yield from (Case(provider, name, value, 400) for value in wrong_type)
        yield from (Case(provider, name, value, 402) for value in (None, ""))


async def send_cases(client: SandboxClient, path: str, body: Mapping[str, object], cases: list[Case]) -> list[Case]:
    """Send the cases, and return them with the statuses of the responses."""
    answered = []
    for case in cases:
        reply = await client.post(path, {**body, "provider": case.provider, case.name: case.value})
        answered.append(case._replace(status=reply.status_code))
    return answered


def _kind(annotation: Any) -> type:
    option = next((option for option in get_args(annotation) if option is not type(None)), annotation)
    if get_origin(option) is list:
        return list if get_args(option) == (str,) else dict
    kind: type = option
    return kind


def picture(size: tuple[int, int] = (60, 40), kind: str = "PNG", colour: str = "#3366cc", **options: Any) -> bytes:
    """Return the file of a small picture of one colour."""
    image: Any = import_module("PIL.Image")
    file = io.BytesIO()
    image.new("RGB", size, colour).save(file, kind, **options)
    return file.getvalue()


def decode_picture(text: str) -> Any:
    """Return the picture in a field of a response."""
    image: Any = import_module("PIL.Image")
    opened = image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    opened.load()
    return opened


class Film(NamedTuple):
    """The properties of an MP4 file.

    Attributes:
        indexed: True if the index is at the front, so that a player can start before it has the whole file.
    """

    size: tuple[int, int]
    video: tuple[str, str]
    seconds: float
    frames: int
    audio: tuple[str, float] | None
    comment: str
    indexed: bool


def decode_film(data: bytes) -> Film:
    """Decode an MP4 file and return its properties."""
    av: Any = import_module("av")
    with av.open(io.BytesIO(data)) as container:
        video = container.streams.video[0]
        frames = sum(1 for _ in container.decode(video=0))
        sounds = container.streams.audio
        return Film(
            (video.width, video.height),
            (video.codec_context.name, video.pix_fmt),
            container.duration / 1e6,
            frames,
            (sounds[0].codec_context.name, float(sounds[0].duration * sounds[0].time_base)) if sounds else None,
            container.metadata["comment"],
            data.index(b"moov") < data.index(b"mdat"),
        )
