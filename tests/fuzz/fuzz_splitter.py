"""The splitter beside `json.loads` and `b64decode`: what has to hold for any body, however it is cut."""

import base64
import json
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.fuzz.fuzz import every_way
from webvoice_mcp.client.splitter import Splitter
from webvoice_mcp.errors import InvalidResponse

FIELDS = frozenset({"audio", "images"})
SEEDS = [
    b'{"success":true,"audio":"SUQzBAAAAA\\/_+AA=","duration":5,"note":"a\\"b\\\\","more":[1,{"audio":"deep"}]}',
    b'{"images":["QUJD",\xff"data:image/png;base64,QUI=","https://x.y/z","", null , "\\u0051Q=\\n="],"audio":"_-8"}',
    b'\xef\xbb\xbf {"\\u0061udio" :"DATA:a/b\\u003bbase64\\u002cQUJD", "n":[-1.5e3,1e999,NaN,"\\ud83d\\ude00\\ud83d"]}',
    b'{"%b":["QUJD"]}' % b"".join(b"\\u%04x" % code for code in b"images"),
    b'{"audio":"\xffQUJDQUJD\xfeQQ==\xffQUJD"}',
    b'{"audio":"\xffQUJDQUJD\xfeQQ==\xff \\n"}',
    b'{"audio":"\xff\\u0041U\\u004aDQ\xfe"}',
    b'{"audio":"QUJ\\\\/"}',
    b'{"audio":null,"a":{"audio":1,"audio":2},"\\u0061udio":"QUJD"}',
    b'{"images":[\xff"QUJD",\xfe"QUJD"]}',
    b'{"audio":"\xffQUJD\xfe\xff+/-_\xfe\\/\\/\\r\\n\xfe","x":\xff[\xfe]\xfe}',
    b'{"images":["HTTP:\\/\\/x.y\\/\xff0123456789\xfe"],"k\xc3\xa9y":"\xf0\x9f\x98\x80","audio":"\xff\\n\xfeQQ=="}',
    b'{"audio":"http://x.y/\xff' + b"0123456789" * 66 + b'\xfe"}',
    b"<html><body class='x'>502 Bad Gateway</body></html>",
]
WORDS = [
    *rb'"audio": "images":[ "audio":" "images":[" ":" "," "]} "} null true 1e9 http: https:// data:'.split(),
    *rb"data:a/b;base64, ;base64, \/ \\ \" \n \u0041 \u003d \u002c \u000c \ud83d \ude00 QUJD QQ== ==".split(),
    *[b"\r\n", b"\xef\xbb\xbf", b"\xe2\x80\x83", b"\xfe", b"\xff"],
]

_MOST_DEPTH, _MOST_MEDIA, _LINK_BYTES, _HEAD_BYTES = 64, 64, 64 << 10, 512
_MORE = 1024  # bytes of memory besides the rest of the document
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_RAW_CONTROL = re.compile(r"[\x00-\x1f]")
_HALF = re.compile("[\ud800-\udfff]")

Told = list[tuple[str, int, int, str]]


class Answer(NamedTuple):
    """What came of a body; of the document its `repr`, to which 1, 1.0 and True are three things."""

    document: str
    media: Told
    sinks: dict[tuple[str, int], bytes]


class Refusal(NamedTuple):
    sentence: str


def check(made: list[bytes]) -> None:
    """Split a body in every way and judge what comes of it.

    Raises:
        AssertionError: it is not as it should be.
    """
    first, *others = [split(each) for each in every_way(made)]
    assert all(same(each, first) for each in others), f"It depends on the cuts: {first}, {others}"
    few = [split(each, 200) for each in (made, [b"".join(made)])]
    assert all(isinstance(each, Refusal) or each == first for each in few), f"It depends on the limit: {first}, {few}"
    assert len({isinstance(each, Refusal) for each in few}) == 1, f"The limit depends on the cuts: {few}"
    judge(b"".join(made), first)


def split(made: list[bytes], most: int = 1 << 20) -> Answer | Refusal:
    sinks: dict[tuple[str, int], bytearray] = {}

    def open_sink(field: str, index: int) -> Callable[[bytes], None]:
        assert (field, index) not in sinks, "It was opened twice."
        sinks[field, index] = bytearray()
        return sinks[field, index].extend

    splitter = Splitter(FIELDS, open_sink, max_rest=most)
    try:
        for piece in made:
            splitter.feed(piece)
            assert held(splitter) <= most + _MORE, "It holds too much."
        document, media = splitter.finish()
    except InvalidResponse as error:
        return Refusal(str(error))
    told = [(each.field, each.index, each.size, each.text) for each in media]
    return Answer(repr(document), told, {key: bytes(sink) for key, sink in sinks.items()})


def same(one: Answer | Refusal, other: Answer | Refusal) -> bool:
    # Base64 that is broken in its last characters is refused when more comes, and the answer may be broken there too.
    refusals = [each for each in (one, other) if isinstance(each, Refusal)]
    return one == other or (len(refusals) == 2 and any("base64" in each.sentence for each in refusals))


def held(splitter: Splitter) -> int:
    """How many bytes of the body a splitter has in memory."""
    kept = len(splitter._rest) + len(splitter._head)
    if string := getattr(splitter, "_base64", None):
        kept += len(string._unfinished) + len(string._decoder._carry)
    return kept


def judge(body: bytes, result: Answer | Refusal) -> None:
    try:
        expected: Expected | Exception = Expected(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        expected = error
    if isinstance(expected, Exception):
        assert isinstance(result, Refusal), f"It should be refused, {expected}: {result}"
    elif isinstance(result, Answer):
        assert result == expected.answer
        assert not expected.raw_control, "A raw control character was taken."
    else:
        assert expected.refusable(len(body)), f"{result.sentence} But it is: {expected.answer}"


class Expected:
    """What the standard library makes of a body.

    Raises:
        ValueError: the body should be refused.
    """

    def __init__(self, text: str) -> None:
        self.media: Told = []
        self.sinks: dict[tuple[str, int], bytes] = {}
        self.texts: list[str] = []  # all that is said where a medium may stand
        self._names: list[str] = []
        document = json.loads(
            text,
            strict=False,  # base64 may be broken into lines
            object_pairs_hook=self._members,
            parse_float=lambda digits: float(digits) if math.isfinite(float(digits)) else None,
            parse_constant=lambda _: None,
        )
        if depth(document) > _MOST_DEPTH:
            raise ValueError("too deep")
        if isinstance(document, dict):
            if any(self._names.count(name) > 1 for name in FIELDS):
                raise ValueError("twice")
            document = {name: self._member(name, value) for name, value in document.items()}
        if len(self.media) > _MOST_MEDIA:
            raise ValueError("too many")
        self.answer = Answer(repr(mended(document)), self.media, self.sinks)
        raw = [each for each in _STRING.findall(text) if _RAW_CONTROL.search(each)]
        self.raw_control = not {json.loads(each, strict=False) for each in raw} <= set(self.texts)
        self._has_raw = bool(raw)

    def refusable(self, size: int) -> bool:
        """Whether the splitter may refuse it though the standard library reads it: its limits, and odd white space."""
        return (
            self._has_raw
            or any(space.isspace() and space not in " \t\r\n" for text in self.texts for space in text)
            or (size >= _HEAD_BYTES and any(map(has_long_head, self.texts)))
            or (size >= _LINK_BYTES and any(text for *_, text in self.media))
        )

    def _members(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        self._names = [name for name, _ in members]  # at the end those of the outermost object
        return dict(members)

    def _member(self, name: str, value: Any) -> Any:
        if name not in FIELDS:
            return value
        if isinstance(value, list):
            return [self._taken(name, index, each) for index, each in enumerate(value)]
        return self._taken(name, 0, value)

    def _taken(self, name: str, index: int, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        self.texts.append(value)
        text = value.lstrip()
        if text.lower().startswith(("http://", "https://")):
            self.media.append((name, index, 0, mended(value)))
            return value
        if not text:
            return value
        self.sinks[name, index] = data = decoded(text)
        self.media.append((name, index, len(data), ""))
        return None


def decoded(text: str) -> bytes:
    if text.lower().startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.rstrip().lower().endswith(";base64"):
            raise ValueError("a data: URL of something else")
    text = text.translate(str.maketrans("-_", "+/", " \t\r\n"))
    if "=" in text and (len(text) % 4 or text.endswith("===") or "=" in text.rstrip("=")):
        raise ValueError("bad padding")
    data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if not data:
        raise ValueError("no base64")
    return data


def has_long_head(text: str) -> bool:
    # The splitter looks at the first bytes only, up to six of which make one character.
    bare = text.lstrip()
    head = bare.partition(",")[0] if bare.lower().startswith("data:") else ""
    return (len(text) - len(bare) + len(head)) * 6 > _HEAD_BYTES - 60


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


def mended(value: Any) -> Any:
    match value:
        case str():
            return _HALF.sub("\ufffd", value)
        case list():
            return [mended(each) for each in value]
        case dict():
            return {mended(name): mended(each) for name, each in value.items()}
        case _:
            return value
