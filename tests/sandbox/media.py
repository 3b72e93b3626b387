"""What the tests of images and videos share: values that each rule takes and refuses, and looks into media."""

import base64
import io
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from webvoice_mcp.contract.rules import Between, Link, Links, OneOf, Ratio, Rule, Rules, Size

LINK = "https://example.com/a.png"
PROMPT = "A red bicycle on a sunny street"
_PRIVATE = ("http://example.com/a.png", "https://ann:secret@example.com/a.png", "a.png")
_TYPED: dict[str, tuple[list[Any], list[Any]]] = {
    "thinking_mode": ([True, False], ["true", 1]),
    "generate_audio": ([True, False], ["true", 1]),
    "lora_scale": ([0.5, 1], ["1", True]),
    "loras": (
        [[{"path": LINK}], [{"path": LINK, "scale": 0.5}]],
        ["x", [1], [{}], *([{"path": LINK, **more}] for more in ({"path": "x"}, {"scale": True}, {"more": 1}))],
    ),
}


def values(name: str, rule: Rule) -> tuple[list[Any], list[Any]]:
    """Values of a parameter that are accepted, and values that are refused."""
    match rule:
        case OneOf(accepted):
            return list(accepted), ["other", 99, True, ["x"]]
        case Between(least, most):
            top = least + 100 if most is None else most
            return [least, top, float(least)], [
                least - 1,
                "5",
                True,
                least + 0.5 if name != "guidance_scale" else -0.5,
            ] + ([] if most is None else [most + 1])
        case Size(least, most):
            sides = (max(least, 256), most or 2048)
            too_large = [f"{most + 1}*{most}"] if most else ["2049*1024", "1024x255"]
            return [f"{sides[0]}*{sides[1]}", f"{sides[1]}x{sides[0]}"], ["big", "1024", 1024, *too_large]
        case Ratio():
            return ["16:9", "1:1", "21:9"], ["wide", "16/9", "0:1", 1.5]
        case Link():
            return [LINK], [*_PRIVATE, 5, [LINK]]
        case Links(most):
            count = most or 5
            return (
                [[LINK], [LINK] * count, LINK, ", ".join([LINK] * count)],
                [[each] for each in _PRIVATE] + [5, [5], *([[LINK] * (most + 1)] if most else [])],
            )
        case _:  # Anything, of the parameter's type
            return _TYPED.get(name, (["blurry, low quality"], [5, ["x"]]))


class Case(NamedTuple):
    """A parameter with a value, and the status of an account without credits that sends it: 402 means accepted."""

    name: str
    value: Any
    status: int


def cases(rules: Rules, provider: str) -> Iterator[Case]:
    """Each parameter that any provider has, with values that this one takes and values that it refuses."""
    for name in sorted({name for own in rules.values() for name in own}):
        own = rules[provider].get(name)
        if own is None:
            other = next(each[name] for each in rules.values() if name in each)
            yield from (Case(name, value, 400) for value in values(name, other)[0])
            continue
        good, bad = values(name, own)
        yield from (Case(name, value, 402) for value in good)
        yield from (Case(name, value, 400) for value in bad)
        yield from (Case(name, value, 402) for value in (None, ""))


def picture(size: tuple[int, int] = (60, 40), kind: str = "PNG", colour: str = "#3366cc", **options: Any) -> bytes:
    """A small picture of one colour."""
    image: Any = import_module("PIL.Image")
    file = io.BytesIO()
    image.new("RGB", size, colour).save(file, kind, **options)
    return file.getvalue()


def decoded(text: str) -> Any:
    """The picture in a field of an answer, read to its end."""
    image: Any = import_module("PIL.Image")
    opened = image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    opened.load()
    return opened


class Film(NamedTuple):
    """What is in an MP4 file. `indexed`: a player that reads from the front can start at once."""

    size: tuple[int, int]
    video: tuple[str, str]
    seconds: float
    frames: int
    audio: tuple[str, float] | None
    comment: str
    indexed: bool


def watched(data: bytes) -> Film:
    """What a player finds in an MP4 file, which is decoded to its end."""
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
