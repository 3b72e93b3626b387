import pytest

from tests.client.pieces import BASE64, LINK, MEDIA, SLASHES, every_cut, speech, split
from webvoice_mcp.errors import InvalidResponse

NOT_BASE64 = "The answer's audio is not base64."
CUT_BASE64 = "The base64 of audio is cut short."
EMPTY_BASE64 = "The base64 of audio is empty."
NOT_JSON = "The answer is not JSON. Try again later; WEBVOICE_BASE_URL may be wrong."
CUT = "The answer is cut short."
NOT_UTF8 = "The answer is not UTF-8."
DATA_URL = "The answer's audio is a data: URL that is not base64."

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
        (b"[" * 65, "The answer is nested too deeply."),
        (b'{"a":' * 65, "The answer is nested too deeply."),
        (b'{"audio":"eA","audio":"eA"}', "The answer has audio twice."),
        (b'{"audio":null,"a":1,"\\u0061udio":"eA"}', "The answer has audio twice."),
        (b'{"images":["eA"],"images":[]}', "The answer has images twice."),
        (b'{"audio":"eA"}{"audio":"eA"}', NOT_JSON),
        (b'{"images":["eA" "eA"]}', NOT_JSON),
        (b'{"images":["eA",1]["eA"]"eA"}', NOT_JSON),
        (b'{"images":[' + b'"eA",' * 64 + b'"eA"]}', "The answer has more than 64 media items."),
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
        with pytest.raises(InvalidResponse, match=r"^The answer's images\[0\] is a link of more than 65536 bytes\.$"):
            split(pieces)


def refused(body: bytes, message: str, **limits: int) -> None:
    for pieces in every_cut(body):
        with pytest.raises(InvalidResponse) as error:
            split(pieces, **limits)
        assert str(error.value) == message
