import base64
import json
import tracemalloc
from typing import Any

import pytest

from tests.client.pieces import BASE64, FIELDS, LINK, MEDIA, SLASHES, URL_SAFE, Split, every_cut, speech, split
from webvoice_mcp.client.splitter import MediaItem, Splitter


def wrapped(line_break: bytes) -> bytes:
    return line_break.join(BASE64[start : start + 76] for start in range(0, len(BASE64), 76))


# ---- media ----

SPELLINGS = {
    "plain": BASE64,
    "no padding": BASE64.rstrip(b"="),
    "URL-safe": URL_SAFE,
    "URL-safe, no padding": URL_SAFE.rstrip(b"="),
    "both alphabets": BASE64[:400] + URL_SAFE[400:],
    "escaped slashes": SLASHES,
    "escaped signs": SLASHES.replace(b"+", b"\\u002B").replace(b"=", b"\\u003d"),
    "every character escaped": b"".join(b"\\u%04x" % code for code in BASE64),
    "raw line breaks": wrapped(b"\r\n"),
    "escaped line breaks": wrapped(b"\\r\\n"),
    "blanks and tabs": wrapped(b" \\t\t"),
    "white space around": b"  \\n" + BASE64 + b"\\u0020\n ",
    "white space in the padding": BASE64.replace(b"=", b"\\n=\\n"),
    "white space longer than what is looked at first": b" " * 2000 + BASE64,
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_honest_spelling_of_base64_is_decoded_however_it_is_cut(spelling: bytes) -> None:
    document = {"success": True, "audio": None, "duration": 5, "note": 'a"b\\', "more": [1, {"audio": "deep"}]}
    expected = Split(document, [MediaItem("audio", 0, len(MEDIA))], {("audio", 0): MEDIA})
    for pieces in every_cut(speech(spelling)):
        assert split(pieces) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"data:audio/mpeg;base64,",
        b"data:audio\\/mpeg;base64,",
        b" DATA:audio/webm;codecs=opus;BASE64,\\n",
        b"data:image/svg+xml\\u003bbase64\\u002C",
        b"data:;base64,",
    ],
)
def test_a_data_url_is_decoded(head: bytes) -> None:
    for pieces in every_cut(speech(head + SLASHES)):
        answer = split(pieces)
        assert answer.media == [MediaItem("audio", 0, len(MEDIA))]
        assert answer.sinks == {("audio", 0): MEDIA}


SHORT, SHORTER = base64.b64encode(b"second picture").decode(), base64.b64encode(b"x").decode()


@pytest.mark.parametrize(
    ("body", "document", "sinks"),
    [
        ('{"audio":"eA=="}', {"audio": None}, {("audio", 0): b"x"}),
        ('{"a":1,"audio":"eA=="}', {"a": 1, "audio": None}, {("audio", 0): b"x"}),
        (
            '\ufeff {\n  "x" : [ ] ,\r\n\t"audio" :\t"eA" ,\n  "y": {}\n}\n',
            {"x": [], "audio": None, "y": {}},
            {("audio", 0): b"x"},
        ),
        ('{"aud\\u0069o":"eA"}', {"audio": None}, {("audio", 0): b"x"}),
        ('{"\\u0061\\u0075\\u0064\\u0069\\u006f":"eA"}', {"audio": None}, {("audio", 0): b"x"}),
        ('{"images":[]}', {"images": []}, {}),
        ('{"images": ["eA"]}', {"images": [None]}, {("images", 0): b"x"}),
        (
            f'{{"images":[ "{SHORT}" , null, "eA", 1, ["a,b"], {{"c":"d,e"}}, "eA"],"image":"{SHORT}","count":2}}',
            {"images": [None, None, None, 1, ["a,b"], {"c": "d,e"}, None], "image": None, "count": 2},
            {
                ("images", 0): b"second picture",
                ("images", 2): b"x",
                ("images", 6): b"x",
                ("image", 0): b"second picture",
            },
        ),
    ],
)
def test_media_is_found_wherever_it_stands_in_the_outermost_object(body: str, document: Any, sinks: Any) -> None:
    media = [MediaItem(name, index, len(data)) for (name, index), data in sinks.items()]
    for pieces in every_cut(body.encode()):
        assert split(pieces) == Split(document, media, sinks)


@pytest.mark.parametrize("size", range(1, 10))
def test_media_of_any_length_is_decoded(size: int) -> None:
    data = MEDIA[:size]
    for spelling in (base64.b64encode(data), base64.b64encode(data).rstrip(b"=")):
        for pieces in every_cut(b'{"audio":"%b"}' % spelling):
            assert split(pieces) == Split({"audio": None}, [MediaItem("audio", 0, size)], {("audio", 0): data})


# ---- what is no media ----


@pytest.mark.parametrize(
    "body",
    [
        '{"audio":null,"image":{"a":"b","audio":"eA"},"images":[[["eA"]]]}',
        '{"audio":"","image":" ","images":["",7," \\n\\u0009"]}',
        '{"audio":1.5e3,"image":true,"images":[{"audio":"eA"}]}',
        '{"x":[{"audio":"eA"}],"y":{"images":["eA"]},"z":"\\"audio\\":\\"eA\\""}',
        '[1,2,"audio",{"audio":"eA"},["audio","eA"]]',
        '{"a":"audio","b":["audio"],"":"eA","audi\\u00f6":"eA","AUDIO":"eA","audio ":"eA"}',
        '{"message":"caf\u00e9 \U0001f600 \\ud83d\\ude00 \\\\ \\\\\\" \\/ \\b","a":1,"a":2}',
        '"audio"',
        "1",
        " null ",
        '{"' + "k" * 200 + '":1}',
    ],
)
def test_everything_else_is_read_as_json_reads_it(body: str) -> None:
    for pieces in every_cut(body.encode()):
        assert split(pieces) == Split(json.loads(body), [], {})


def test_the_shortest_answers_are_read_too() -> None:
    assert split([b"{", b"}"]).document == {}


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        LINK.replace("/", "\\/"),
        "HTTP://x.y/a.png",
        'https:\\u002f\\u002fx.y\\/\u00e9\\\\\\"a.png',
        " http://x.y/" + "\\\\" * 400,
        "http://x.y/" + "\\u0061" * 200,
        "http://x.y/" + "\u00e9" * 400,
    ],
)
def test_a_link_stays_in_the_document_and_is_told(link: str) -> None:
    body = f'{{"audio":"{link}","images":["eA","{link}"],"n":1}}'
    value = json.loads(f'"{link}"')
    expected = Split(
        {"audio": value, "images": [None, value], "n": 1},
        [MediaItem("audio", 0, text=value), MediaItem("images", 0, 1), MediaItem("images", 1, text=value)],
        {("images", 0): b"x"},
    )
    for pieces in every_cut(body.encode()):
        assert split(pieces) == expected


def test_what_could_not_be_written_as_json_again_is_mended() -> None:
    body = b'{"a":[NaN,Infinity,-Infinity,1e999,-1e999,1.5],"\\udc00k":"x\\uD800y","pair":"\\ud83d\\ude00","n":null}'
    for pieces in every_cut(body):
        assert split(pieces).document == {
            "a": [None, None, None, None, None, 1.5],
            "\ufffdk": "x\ufffdy",
            "pair": "\U0001f600",
            "n": None,
        }


# ---- the sinks ----


class DiskFullError(Exception):
    pass


def disk_full(*_: Any) -> Any:
    raise DiskFullError


@pytest.mark.parametrize("open_sink", [disk_full, lambda *_: disk_full])
def test_what_a_sink_raises_passes_through(open_sink: Any) -> None:
    with pytest.raises(DiskFullError):
        Splitter(FIELDS, open_sink).feed(speech(BASE64))


def test_a_sink_is_opened_only_for_base64() -> None:
    splitter = Splitter(FIELDS, disk_full)
    splitter.feed(b'{"audio":"http://x.y/z","image":"","a":"eA","images":[null]}')
    assert splitter.finish()[1] == [MediaItem("audio", 0, text="http://x.y/z")]


def test_without_fields_an_answer_is_only_read() -> None:
    splitter = Splitter(frozenset(), disk_full)
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
    assert [each.size for each in media] == [12_000_000, 12_000_000]
    assert peak < 1 << 20
