"""Answers that the splitter refuses with a fitting message, wherever they are cut."""

import pytest

from tests.client.splitting import BASE64, ESCAPED_SLASHES, MEDIA, every_cut, speech, split
from webvoice_mcp.errors import InvalidResponse


def check_refused(body: bytes, message: str, **limits: int) -> None:
    for pieces in every_cut(body):
        with pytest.raises(InvalidResponse) as error:
            split(pieces, **limits)
        assert (body, str(error.value)) == (body, message)


@pytest.mark.parametrize(
    ("message", "strings"),
    {
        "The answer's audio is not base64.": (
            "QUJD!UJD",
            "QUJDQ!",
            "QU\u00e9JD",
            "QUJD\\u00e9QU",
            'QUJD\\"QUJD',
            "QUJD\\\\QUJD",
            "QUJD\\\\/QUJ",
            "QUJD\\\\u0041QUJ",
            "QUJD\\bQUJD",
            "QUJD\\xQUJD",
            "QUJD\\u00",
            "QUJD\\u00zzQUJD",
            "QUJD\\u0022QUJ",
            "QQ==QUJD",
            "QQ=\\n=QUJD",
            "QQ==\\n=",
            "QQ===",
            "Q=JD",
            "====",
        ),
        "The base64 of audio is cut short.": ("QUJDR", "QUJDQQ=", "=", "Q\\n", "data:audio/mpeg;base64,!"),
        "The base64 of audio is empty.": ("data:audio/mpeg;base64, \\n", " " * 600),
        "The answer's audio is a data: URL that is not base64.": (
            "data:text/plain,hello",
            "data:audio/mpeg;base64",
            "\\data:audio/mpeg;base64,QUJD",
            "data:audio/mpeg;base64\\,QUJD",
            "data:audio/mpeg;base64\\\\u002cQUJD",
            "data:" + "x" * 600 + ";base64,QUJD",
        ),
    }.items(),
    ids=["not base64", "cut short", "empty", "data URL"],
)
def test_a_string_that_is_not_base64_is_refused(message: str, strings: tuple[str, ...]) -> None:
    for text in strings:
        check_refused(f'{{"audio":"{text}"}}'.encode(), message)
        check_refused(f'{{"images":["eA","{text}"]}}'.encode(), message.replace("audio", "images[1]"))


@pytest.mark.parametrize("audio", [BASE64[:700] + b"!" + BASE64[701:], b"\\n" + BASE64 + b"\\\\"])
def test_an_error_far_inside_the_base64_is_refused(audio: bytes) -> None:
    check_refused(speech(audio), "The answer's audio is not base64.")


@pytest.mark.parametrize(
    ("message", "bodies"),
    {
        "The answer is empty.": (b"", b" \n"),
        "The answer is not JSON. Check WEBVOICE_BASE_URL, or try again later.": (
            b"<html><body class='x'>502 Bad Gateway</body></html>",
            b'<html><body class="x>502 {Bad} Gateway',
            b"<script>}</script>",
            b'{"audio":"eA"]',
            b'{"audio":"eA"}}',
            b'{"audio":"eA"} x',
            b'{"audio":"eA"}{"audio":"eA"}',
            b'{"audio":"eA",}',
            b'{"audio" "eA"}',
            b'{"audio":"eA":"eA"}',
            b'{"audi\\zo":1}',
            '{"a":1}'.encode("utf-16-le"),
            b'{"images":["eA" "eA"]}',
            b'{"images":["eA",1]["eA"]"eA"}',
        ),
        "The answer is cut short.": (
            b'{"audio":"eA"',
            b'\xef\xbb\xbf {"audio":"',
            b'{"audio":"https://x',
            b'{"audio',
            b'{"a":"b\\"',
            b'["a"',
            b'"a',
        ),
        "The answer is not UTF-8.": (b'{"\xe9":1}', b'{"a":"\xed\xa0\x80"}', '{"a":1}'.encode("utf-16")),
        "The answer has a number with too many digits.": (b'{"a":' + b"1" * 4400 + b"}",),
        "The answer is nested too deeply.": (b"[" * 65, b'{"a":' * 65),
        "The answer has audio twice.": (
            b'{"audio":"eA","audio":"eA"}',
            b'{"audio":null,"a":1,"\\u0061udio":"eA"}',
        ),
    }.items(),
    ids=["empty", "not JSON", "cut short", "not UTF-8", "digits", "depth", "twice"],
)
def test_a_broken_answer_is_refused(message: str, bodies: tuple[bytes, ...]) -> None:
    for body in bodies:
        check_refused(body, message)


def test_an_answer_cut_short_anywhere_is_refused() -> None:
    body = b'{"images":["eA","http://x.y/z"],%b' % speech(ESCAPED_SLASHES)[1:]
    for length in range(len(body)):
        with pytest.raises(InvalidResponse):
            split([body[:length]])


# Limits


def test_the_deepest_allowed_nesting_is_accepted() -> None:
    assert split([b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"]).media == []


def test_more_than_64_media_are_refused() -> None:
    assert len(split([b'{"images":[' + b'"eA",' * 63 + b'"eA"]}']).media) == 64
    with pytest.raises(InvalidResponse, match=r"^The answer has more than 64 media items\.$"):
        split([b'{"images":[' + b'"eA",' * 64 + b'"eA"]}'])


def test_a_document_above_the_limit_is_refused() -> None:
    check_refused(b'{"a":"%b"}' % (b"x" * 200), "The answer has more than 150 bytes besides the media.", max_rest=150)


def test_media_do_not_count_against_the_limit() -> None:
    for pieces in every_cut(speech(BASE64)):
        assert split(pieces, max_rest=100).sinks == {("audio", 0): MEDIA}


def test_a_link_longer_than_64_kib_is_refused() -> None:
    body = b'{"images":["http://%b"]}'
    assert split([body % (b"a" * 65000)]).media[0].text == "http://" + "a" * 65000
    for size in (1, 1000, 1 << 20):
        pieces = [(body % (b"a" * 66000))[start : start + size] for start in range(0, 66020, size)]
        with pytest.raises(InvalidResponse, match=r"^The answer's images\[0\] is a link of more than 65536 bytes\.$"):
            split(pieces)
