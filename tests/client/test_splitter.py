"""Answers that are split: the places and spellings of media, and the rest of the document."""

import base64
import json
import tracemalloc
from typing import Any

import pytest

from tests.client.splitting import BASE64, ESCAPED_SLASHES, FIELDS, MEDIA, Split, every_cut, speech, split
from webvoice_mcp.client.splitter import MediaItem, Splitter

# Media

SPELLINGS = {
    "both alphabets": BASE64[:400] + base64.urlsafe_b64encode(MEDIA)[400:],
    "escaped slashes": ESCAPED_SLASHES,
    "every character escaped": b"".join(b"\\u%04x" % code for code in BASE64),
    "white space in the padding": BASE64.replace(b"=", b"\\n=\\n"),
    "white space longer than the head": b" \\t\t" * 500 + BASE64 + b"\\u0020\n ",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_correct_spelling_of_base64_is_decoded_wherever_it_is_cut(spelling: bytes) -> None:
    document = {"success": True, "audio": None, "duration": 5, "note": 'a"b\\', "more": [1, {"audio": "deep"}]}
    expected = Split(document, [MediaItem("audio", 0, len(MEDIA))], {("audio", 0): MEDIA})
    for pieces in every_cut(speech(spelling)):
        assert split(pieces) == expected


@pytest.mark.parametrize(
    "head", [b" DATA:audio\\/webm;codecs=opus;BASE64,\\n", b"data:image/svg+xml\\u003bbase64\\u002C"]
)
def test_a_data_url_is_decoded(head: bytes) -> None:
    for pieces in every_cut(speech(head + ESCAPED_SLASHES)):
        result = split(pieces)
        assert result.media == [MediaItem("audio", 0, len(MEDIA))]
        assert result.sinks == {("audio", 0): MEDIA}


SECOND = base64.b64encode(b"second picture").decode()


@pytest.mark.parametrize(
    ("body", "document", "sinks"),
    [
        (
            '\ufeff {\n  "x" : [ ] ,\r\n\t"aud\\u0069o" :\t"eA" ,\n  "y": {}\n}\n',
            {"x": [], "audio": None, "y": {}},
            {("audio", 0): b"x"},
        ),
        ('{"\\u0061\\u0075\\u0064\\u0069\\u006f":"eA"}', {"audio": None}, {("audio", 0): b"x"}),
        (
            f'{{"images":[ "{SECOND}" , null, "eA", 1, ["a,b"], {{"c":"d,e"}}, "eA"],"image":"{SECOND}","count":2}}',
            {"images": [None, None, None, 1, ["a,b"], {"c": "d,e"}, None], "image": None, "count": 2},
            {
                ("images", 0): b"second picture",
                ("images", 2): b"x",
                ("images", 6): b"x",
                ("image", 0): b"second picture",
            },
        ),
    ],
    ids=["white space", "escaped name", "array"],
)
def test_media_are_found_anywhere_in_the_outermost_object(body: str, document: Any, sinks: Any) -> None:
    media = [MediaItem(name, index, len(data)) for (name, index), data in sinks.items()]
    for pieces in every_cut(body.encode()):
        assert split(pieces) == Split(document, media, sinks)


# The document


@pytest.mark.parametrize(
    "body",
    [
        '{"audio":" ","image":{"a":"b","audio":"eA"},"images":[[["eA"]],null,"",7,true," \\n\\u0009"]}',
        '{"x":[{"audio":"eA"}],"y":{"images":["eA"]},"z":"\\"audio\\":\\"eA\\"","":"eA","audi\\u00f6":"eA","AUDIO":"eA"}',
        '[1,2,"audio",{"audio":"eA"},["audio","eA"]]',
        '{"message":"caf\u00e9 \U0001f600 \\ud83d\\ude00 \\\\ \\\\\\" \\/ \\b","a":1,"a":2,"' + "k" * 200 + '":1}',
    ],
    ids=["no text", "other names", "outermost array", "escapes"],
)
def test_everything_else_is_parsed_like_ordinary_json(body: str) -> None:
    for pieces in every_cut(body.encode()):
        assert split(pieces) == Split(json.loads(body), [], {})


@pytest.mark.parametrize(
    "link",
    [
        'HTTPS:\\u002f\\u002fx.y\\/\u00e9\\\\\\"a.png',
        " http://x.y/" + "\\\\" * 400,
        "http://x.y/" + "\u00e9" * 400,
    ],
    ids=["escapes", "backslashes", "not ASCII"],
)
def test_a_link_stays_in_the_document_and_is_reported(link: str) -> None:
    body = f'{{"audio":"{link}","images":["eA","{link}"],"n":1}}'
    value = json.loads(f'"{link}"')
    expected = Split(
        {"audio": value, "images": [None, value], "n": 1},
        [MediaItem("audio", 0, text=value), MediaItem("images", 0, 1), MediaItem("images", 1, text=value)],
        {("images", 0): b"x"},
    )
    for pieces in every_cut(body.encode()):
        assert split(pieces) == expected


# Sinks


def must_not_open(*_: Any) -> Any:
    raise AssertionError


def test_a_sink_is_opened_only_for_base64_in_the_given_fields() -> None:
    splitter = Splitter(FIELDS, must_not_open)
    splitter.feed(b'{"audio":"http://x.y/z","image":"","a":"eA","images":[null]}')
    assert splitter.finish()[1] == [MediaItem("audio", 0, text="http://x.y/z")]
    splitter = Splitter(frozenset(), must_not_open)
    splitter.feed(b'{"audio":"eA"}')
    assert splitter.finish() == ({"audio": "eA"}, [])


def test_memory_does_not_grow_with_the_media() -> None:
    piece = BASE64[:800] * 80  # 64 KB
    received = 0

    def count(data: bytes) -> None:
        nonlocal received
        received += len(data)

    splitter = Splitter(FIELDS, lambda *_: count)
    tracemalloc.start()
    try:
        splitter.feed(b'{"a":1,"images":["')
        for _ in range(250):
            splitter.feed(piece)
        splitter.feed(b'","data:image/png;base64,')
        for _ in range(250):
            splitter.feed(piece.replace(b"/", b"\\/"))
        splitter.feed(b'"]}')
        document, media = splitter.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (document, received) == ({"a": 1, "images": [None, None]}, 24_000_000)
    assert [item.size for item in media] == [12_000_000, 12_000_000]
    assert peak < 1 << 20
