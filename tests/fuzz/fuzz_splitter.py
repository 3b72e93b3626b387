"""Compares the splitter with `json.loads` and `b64decode`, for any body and any cut of it into pieces."""

import base64
import json
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.fuzz.fuzz import recut
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

_MAX_DEPTH, _MAX_MEDIA, _MAX_LINK_BYTES, _HEAD_BYTES = 64, 64, 64 << 10, 512
_MAX_EXTRA_BYTES = 1024  # held besides the rest of the document
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_RAW_CONTROL = re.compile(r"[\x00-\x1f]")
_SURROGATE = re.compile("[\ud800-\udfff]")

Media = list[tuple[str, int, int, str]]


class Answer(NamedTuple):
    """The result for a body that was accepted. The document is its `repr`, which tells 1, 1.0 and True apart."""

    document: str
    media: Media
    sinks: dict[tuple[str, int], bytes]


class Refusal(NamedTuple):
    message: str


def check(pieces: list[bytes]) -> None:
    """Split a body that is cut in several ways, and check the result.

    Raises:
        AssertionError: the result is wrong.
    """
    first, *others = [split(cut) for cut in recut(pieces)]
    assert all(is_same(other, first) for other in others), f"The result depends on the cuts: {first}, {others}"
    limited = [split(cut, 200) for cut in (pieces, [b"".join(pieces)])]
    assert all(isinstance(result, Refusal) or result == first for result in limited), f"{first}, limited: {limited}"
    assert len({isinstance(result, Refusal) for result in limited}) == 1, f"The limit depends on the cuts: {limited}"
    judge(b"".join(pieces), first)


def split(pieces: list[bytes], max_rest: int = 1 << 20) -> Answer | Refusal:
    sinks: dict[tuple[str, int], bytearray] = {}

    def open_sink(field: str, index: int) -> Callable[[bytes], None]:
        assert (field, index) not in sinks, "A sink was opened twice."
        sinks[field, index] = bytearray()
        return sinks[field, index].extend

    splitter = Splitter(FIELDS, open_sink, max_rest=max_rest)
    try:
        for piece in pieces:
            splitter.feed(piece)
            assert count_held_bytes(splitter) <= max_rest + _MAX_EXTRA_BYTES, "The splitter holds too many bytes."
        document, media = splitter.finish()
    except InvalidResponse as error:
        return Refusal(str(error))
    items = [(item.field, item.index, item.size, item.text) for item in media]
    return Answer(repr(document), items, {key: bytes(sink) for key, sink in sinks.items()})


def is_same(one: Answer | Refusal, other: Answer | Refusal) -> bool:
    # Base64 with an error in its last characters is refused with the next piece, which may have another error.
    refusals = [result for result in (one, other) if isinstance(result, Refusal)]
    return one == other or (len(refusals) == 2 and any("base64" in refusal.message for refusal in refusals))


def count_held_bytes(splitter: Splitter) -> int:
    """Return the number of the body's bytes that a splitter holds in memory."""
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
        assert isinstance(result, Refusal), f"It should be refused ({expected}): {result}"
    elif isinstance(result, Answer):
        assert result == expected.answer
        assert not expected.raw_control, "A raw control character was accepted."
    else:
        assert expected.may_be_refused(len(body)), f"Refused ({result.message}), but expected: {expected.answer}"


class Expected:
    """The result for a body according to the standard library.

    Raises:
        ValueError: the body should be refused.
    """

    def __init__(self, text: str) -> None:
        self.media: Media = []
        self.sinks: dict[tuple[str, int], bytes] = {}
        self.texts: list[str] = []  # all strings in the places of media
        self._names: list[str] = []
        document = json.loads(
            text,
            strict=False,  # base64 may contain line breaks
            object_pairs_hook=self._members,
            parse_float=lambda digits: float(digits) if math.isfinite(float(digits)) else None,
            parse_constant=lambda _: None,
        )
        if depth(document) > _MAX_DEPTH:
            raise ValueError("too deep")
        if isinstance(document, dict):
            if any(self._names.count(name) > 1 for name in FIELDS):
                raise ValueError("twice")
            document = {name: self._member(name, value) for name, value in document.items()}
        if len(self.media) > _MAX_MEDIA:
            raise ValueError("too many")
        self.answer = Answer(repr(replace_surrogates(document)), self.media, self.sinks)
        raw = [string for string in _STRING.findall(text) if _RAW_CONTROL.search(string)]
        self.raw_control = not {json.loads(string, strict=False) for string in raw} <= set(self.texts)
        self._has_raw = bool(raw)

    def may_be_refused(self, size: int) -> bool:
        """True if the splitter may refuse this body, because of a limit or unusual white space."""
        return (
            self._has_raw
            or any(space.isspace() and space not in " \t\r\n" for text in self.texts for space in text)
            or (size >= _HEAD_BYTES and any(map(has_long_head, self.texts)))
            or (size >= _MAX_LINK_BYTES and any(text for *_, text in self.media))
        )

    def _members(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        self._names = [name for name, _ in members]  # the outermost object comes last
        return dict(members)

    def _member(self, name: str, value: Any) -> Any:
        if name not in FIELDS:
            return value
        if isinstance(value, list):
            return [self._extract(name, index, item) for index, item in enumerate(value)]
        return self._extract(name, 0, value)

    def _extract(self, name: str, index: int, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        self.texts.append(value)
        text = value.lstrip()
        if text.lower().startswith(("http://", "https://")):
            self.media.append((name, index, 0, replace_surrogates(value)))
            return value
        if not text:
            return value
        self.sinks[name, index] = data = decode(text)
        self.media.append((name, index, len(data), ""))
        return None


def decode(text: str) -> bytes:
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
    # The splitter inspects only the first bytes, and a character can take six of them.
    bare = text.lstrip()
    head = bare.partition(",")[0] if bare.lower().startswith("data:") else ""
    return (len(text) - len(bare) + len(head)) * 6 > _HEAD_BYTES - 60


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


def replace_surrogates(value: Any) -> Any:
    match value:
        case str():
            return _SURROGATE.sub("\ufffd", value)
        case list():
            return [replace_surrogates(item) for item in value]
        case dict():
            return {replace_surrogates(name): replace_surrogates(item) for name, item in value.items()}
        case _:
            return value
