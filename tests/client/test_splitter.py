import base64
import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webvoice_mcp.client.splitter import Medium, Splitter
from webvoice_mcp.errors import InvalidResponse

FIELDS = frozenset({"audio", "image", "images"})
MEDIA = random.Random(1).randbytes(611)  # as base64: both odd signs, padding, and longer than what is looked at first
BASE64 = base64.b64encode(MEDIA)
URL_SAFE = base64.urlsafe_b64encode(MEDIA)
SLASHES = BASE64.replace(b"/", b"\\/")
LINK = "https://s3.example/" + "a" * 600 + "?X-Amz=%2F"


class Split(NamedTuple):
    document: Any
    media: list[Medium]
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
    expected = Split(document, [Medium("audio", 0, len(MEDIA))], {("audio", 0): MEDIA})
    for pieces in every_cut(speech(spelling)):
        assert split(pieces) == expected


@pytest.mark.parametrize(
    ("head", "mime_type"),
    [
        (b"data:audio/mpeg;base64,", "audio/mpeg"),
        (b"data:audio\\/mpeg;base64,", "audio/mpeg"),
        (b" DATA:audio/webm;codecs=opus;BASE64,\\n", "audio/webm"),
        (b"data:image/svg+xml\\u003bbase64\\u002C", "image/svg+xml"),
        (b"data:;base64,", ""),
        (b"data:\\u003cscript\\u003e;base64,", ""),
    ],
)
def test_a_data_url_is_decoded_and_its_type_told(head: bytes, mime_type: str) -> None:
    for pieces in every_cut(speech(head + SLASHES)):
        answer = split(pieces)
        assert answer.media == [Medium("audio", 0, len(MEDIA), mime_type)]
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
    media = [Medium(name, index, len(data)) for (name, index), data in sinks.items()]
    for pieces in every_cut(body.encode()):
        assert split(pieces) == Split(document, media, sinks)


@pytest.mark.parametrize("size", range(1, 10))
def test_media_of_any_length_is_decoded(size: int) -> None:
    data = MEDIA[:size]
    for spelling in (base64.b64encode(data), base64.b64encode(data).rstrip(b"=")):
        for pieces in every_cut(b'{"audio":"%b"}' % spelling):
            assert split(pieces) == Split({"audio": None}, [Medium("audio", 0, size)], {("audio", 0): data})


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
        [Medium("audio", 0, text=value), Medium("images", 0, 1), Medium("images", 1, text=value)],
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


# ---- answers that are refused ----

NOT_BASE64 = "What the answer has as audio is not base64."
CUT_BASE64 = "The base64 of audio is cut short."
EMPTY_BASE64 = "The base64 of audio is empty."
NOT_JSON = "The answer is not JSON."
CUT = "The answer is cut short."
NOT_UTF8 = "The answer is not UTF-8."
DATA_URL = "The answer has a data: URL as audio that is not base64."

BAD_MEDIA = [
    ("QUJD!UJD", NOT_BASE64),
    ("Q?==", NOT_BASE64),
    ("QUJDQ!", NOT_BASE64),
    ("QUJD\0QUJD", NOT_BASE64),
    ("QU\u00e9JD", NOT_BASE64),
    ("\u00e9", NOT_BASE64),
    ("QUJD\\u00e9QU", NOT_BASE64),
    ("QUJD\\ud83d\\ude00", NOT_BASE64),
    ('QUJD\\"QUJD', NOT_BASE64),
    ("QUJD\\\\QUJD", NOT_BASE64),
    ("QUJD\\\\/QUJ", NOT_BASE64),
    ("QUJD\\\\u0041QUJ", NOT_BASE64),
    ("QUJD\\bQUJD", NOT_BASE64),
    ("QUJD\\xQUJD", NOT_BASE64),
    ("QUJD\\u00", NOT_BASE64),
    ("QUJD\\u00zzQUJD", NOT_BASE64),
    ("QUJD\\u0022QUJ", NOT_BASE64),
    ("QQ==QUJD", NOT_BASE64),
    ("QQ=\\n=QUJD", NOT_BASE64),
    ("QQ==\\n=", NOT_BASE64),
    ("QQ==Q", NOT_BASE64),
    ("QQ===", NOT_BASE64),
    ("Q===", NOT_BASE64),
    ("Q=JD", NOT_BASE64),
    ("====", NOT_BASE64),
    ("QUJDR", CUT_BASE64),
    ("QUJDQQ=", CUT_BASE64),
    ("QUJD=", CUT_BASE64),
    ("=", CUT_BASE64),
    ("Q\\n", CUT_BASE64),
    ("data:audio/mpeg;base64,", EMPTY_BASE64),
    ("data:audio/mpeg;base64, \\n", EMPTY_BASE64),
    (" " * 600, EMPTY_BASE64),
    ("data:audio/mpeg;base64,!", CUT_BASE64),
    ("data:audio/mpeg;base64,QUJD,", CUT_BASE64),
    ("data:text/plain,hello", DATA_URL),
    ("data:audio/mpeg;base64", DATA_URL),
    ("\\data:audio/mpeg;base64,QUJD", DATA_URL),
    ("data:audio/mpeg;base64\\,QUJD", DATA_URL),
    ("data:audio/mpeg;base64\\\\u002cQUJD", DATA_URL),
    ("data:" + "x" * 600 + ";base64,QUJD", DATA_URL),
]


@pytest.mark.parametrize(("text", "message"), BAD_MEDIA)
def test_a_medium_that_is_not_base64_is_refused(text: str, message: str) -> None:
    refused(f'{{"audio":"{text}"}}'.encode(), message)
    refused(f'{{"images":["eA","{text}"]}}'.encode(), message.replace("audio", "images[1]"))


@pytest.mark.parametrize(
    "spoilt",
    [BASE64[:700] + b"!" + BASE64[701:], b"\xe9".join((BASE64[:700], BASE64[700:])), b"\\n" + BASE64 + b"\\\\"],
)
def test_a_medium_that_goes_wrong_far_inside_is_refused(spoilt: bytes) -> None:
    refused(speech(spoilt), NOT_BASE64)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The answer is empty."),
        (b" \n", "The answer is empty."),
        (b"<html><body class='x'>502 Bad Gateway</body></html>", NOT_JSON),
        (b'<html><body class="x>502 {Bad} Gateway', NOT_JSON),
        (b"<script>}</script>", NOT_JSON),
        (b"Bad Gateway", NOT_JSON),
        (b'{"audio":"eA"', CUT),
        (b'{"audio":"eA', CUT),
        (b'\xef\xbb\xbf {"audio":"', CUT),
        (b'{"audio":"https://x', CUT),
        (b'{"audio', CUT),
        (b'{"a":"b\\"', CUT),
        (b'["a"', CUT),
        (b'"a', CUT),
        (b'{"audio":"eA"]', NOT_JSON),
        (b'{"audio":"eA"}}', NOT_JSON),
        (b'{"audio":"eA"} x', NOT_JSON),
        (b'{"audio":"eA"}{}', NOT_JSON),
        (b'{"audio":"eA",}', NOT_JSON),
        (b'{"audio":"eA" "a":1}', NOT_JSON),
        (b'{"audio" "eA"}', NOT_JSON),
        (b'{"audio":"eA":"eA"}', NOT_JSON),
        (b'{"audio":eA}', NOT_JSON),
        (b'{"audi\\zo":1}', NOT_JSON),
        (b'{"\xe9":1}', NOT_UTF8),
        (b'{"a":"\xe9"}', NOT_UTF8),
        (b'{"a":"\xed\xa0\x80"}', NOT_UTF8),
        ('{"a":1}'.encode("utf-16"), NOT_UTF8),
        ('{"a":1}'.encode("utf-16-le"), NOT_JSON),
        (b'{"a":' + b"1" * 4400 + b"}", "The answer has a number with too many digits."),
        (b"[" * 65, "The answer is nested too deep."),
        (b'{"a":' * 65, "The answer is nested too deep."),
        (b'{"audio":"eA","audio":"eA"}', "The answer has audio twice."),
        (b'{"audio":null,"a":1,"\\u0061udio":"eA"}', "The answer has audio twice."),
        (b'{"images":["eA"],"images":[]}', "The answer has images twice."),
        (b'{"audio":"eA"}{"audio":"eA"}', NOT_JSON),
        (b'{"images":["eA" "eA"]}', NOT_JSON),
        (b'{"images":["eA",1]["eA"]"eA"}', NOT_JSON),
        (b'{"images":[' + b'"eA",' * 64 + b'"eA"]}', "The answer has more than 64 media."),
    ],
)
def test_a_broken_answer_is_refused(body: bytes, message: str) -> None:
    refused(body, message)


@pytest.mark.parametrize("body", [speech(SLASHES), speech(LINK.encode()), b'{"images":["eA","http://x.y/z"]}'])
def test_an_answer_cut_short_anywhere_is_refused(body: bytes) -> None:
    for length in range(len(body)):
        with pytest.raises(InvalidResponse):
            split([body[:length]])


def test_as_deep_as_is_allowed_is_taken() -> None:
    assert split([b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"]).media == []


@pytest.mark.parametrize(
    "body",
    [b'{"a":"%b"}' % (b"x" * 200), b'{"%b":1}' % (b"x" * 200), b'{"a":%b1}' % (b" " * 200), b"[" + b"{}," * 99],
)
def test_more_than_the_limit_besides_the_media_is_refused(body: bytes) -> None:
    refused(body, "The answer has more than 150 bytes besides the media.", max_rest=150)


def test_media_does_not_count_against_that_limit() -> None:
    for pieces in every_cut(speech(BASE64)):
        assert split(pieces, max_rest=100).sinks == {("audio", 0): MEDIA}


def test_a_link_longer_than_64_kib_is_refused() -> None:
    body = b'{"images":["http://%b"]}'
    assert split([body % (b"a" * 65000)]).media[0].text == "http://" + "a" * 65000
    for size in (1, 1000, 1 << 20):
        pieces = [(body % (b"a" * 66000))[start : start + size] for start in range(0, 66020, size)]
        with pytest.raises(InvalidResponse, match=r"^The answer has a link of more than 65536 bytes as images\[0\]\.$"):
            split(pieces)


def refused(body: bytes, message: str, **limits: int) -> None:
    for pieces in every_cut(body):
        with pytest.raises(InvalidResponse) as error:
            split(pieces, **limits)
        assert str(error.value) == message


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
    assert splitter.finish()[1] == [Medium("audio", 0, text="http://x.y/z")]


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


# ---- against the parsers that hold everything in memory ----

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spelt(draw: st.DrawFn, data: bytes) -> str:
    """Some honest way to write the data as the inside of a JSON string."""
    text = draw(st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))(data).decode()
    if draw(st.booleans()):
        text = text.rstrip("=")
    dice = draw(st.randoms(use_true_random=False))
    odds = draw(st.sampled_from([0, 0.02, 0.3]))
    breaks = ["\\n", "\\r\\n", " ", "\n", "\\u000a"]
    text = "".join(
        (rf"\u{ord(character):04x}" if dice.random() < odds else character)
        + (dice.choice(breaks) if dice.random() < odds else "")
        for character in text
    )
    if draw(st.booleans()):
        text = text.replace("/", "\\/")
    return draw(st.sampled_from(["", "data:image/png;base64,"])) + text


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, dict[str, Any], dict[tuple[str, int], bytes]]:
    """An answer, the document it stands for, and its media."""
    document: dict[str, Any] = draw(st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
    for name in FIELDS:
        document.pop(name, None)
    ascii_only = draw(st.booleans())
    members = [(name, json.dumps(value, ensure_ascii=ascii_only)) for name, value in document.items()]
    media: dict[tuple[str, int], bytes] = {}
    for name in draw(st.lists(st.sampled_from(["audio", "image"]), unique=True)):
        media[name, 0] = draw(st.binary(min_size=1, max_size=900))
        members.append((name, f'"{draw(spelt(media[name, 0]))}"'))
        document[name] = None
    pictures = draw(st.lists(st.binary(min_size=1, max_size=60), max_size=3))
    media |= {("images", index): picture for index, picture in enumerate(pictures)}
    members.append(("images", "[{}]".format(" , ".join(f'"{draw(spelt(picture))}"' for picture in pictures))))
    document["images"] = [None] * len(pictures)
    colon, comma = draw(st.sampled_from([(":", ","), (" : ", " ,\n\t")]))
    text = comma.join(
        json.dumps(name, ensure_ascii=ascii_only) + colon + value for name, value in draw(st.permutations(members))
    )
    return f"{{{text}}}".encode("utf-8", "surrogatepass"), document, media


@given(answer=answers(), data=st.data())
def test_random_answers_split_as_they_were_made(answer: Any, data: st.DataObject) -> None:
    body, document, media = answer
    places = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=12)))
    result = split(cut(body, places))
    assert result.document == document
    assert result.sinks == media
    assert {(each.field, each.index): each.size for each in result.media} == {k: len(v) for k, v in media.items()}


SEEDS = [
    speech(base64.b64encode(b"spoken words")),
    b'{"images":["QUJD","data:image/png;base64,QUI=","https://x.y/z",""],"image":"_-8","n":[{"a":"b"},"c\\"d\\\\"]}',
]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """An answer with a few bytes put in or left out."""
    body = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(body)))
        piece = draw(st.sampled_from(["", *'{}[]:,"\\=!/A- ', "\\/", "\\n", "\\u0041", '"audio":', '"eA",']))
        body = body[:place] + piece.encode() + body[place + draw(st.integers(0, 2)) :]
    return body


@settings(max_examples=500)
@given(body=spoilt(), data=st.data())
def test_a_spoilt_answer_is_judged_as_the_standard_library_judges_it(body: bytes, data: st.DataObject) -> None:
    pieces = cut(body, sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6))))
    try:
        expected = by_the_standard_library(body)
    except ValueError:
        with pytest.raises(InvalidResponse):
            split(pieces)
    else:
        result = split(pieces)
        assert (result.document, result.sinks) == expected


def by_the_standard_library(body: bytes) -> tuple[Any, dict[tuple[str, int], bytes]]:
    document = json.loads(body, object_pairs_hook=without_repeats)
    sinks: dict[tuple[str, int], bytes] = {}
    for name in FIELDS.intersection(document) if isinstance(document, dict) else ():
        if isinstance(document[name], list):
            values = [taken(value, sinks, name, index) for index, value in enumerate(document[name])]
            document[name] = values
        else:
            document[name] = taken(document[name], sinks, name, 0)
    return document, sinks


def without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in members if name in FIELDS]
    if len(names) != len(set(names)):
        raise ValueError
    return dict(members)


def taken(value: Any, sinks: dict[tuple[str, int], bytes], name: str, index: int) -> Any:
    if not isinstance(value, str) or not value.strip() or value.lstrip().lower().startswith(("https://", "http://")):
        return value
    text = value.lstrip()
    if text.lower().startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.rstrip().lower().endswith(";base64"):
            raise ValueError
    text = text.translate(str.maketrans("-_", "+/", " \t\r\n"))
    if "=" in text and (len(text) % 4 or text.endswith("===")):
        raise ValueError  # newer Pythons refuse it by themselves
    sinks[name, index] = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if not sinks[name, index]:
        raise ValueError
    return None
