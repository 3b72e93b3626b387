import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.client.base64stream import Base64Decoder, Base64String
from webvoice_mcp.errors import InvalidResponse


def decoder() -> tuple[Base64Decoder, bytearray]:
    sink = bytearray()
    return Base64Decoder(sink.extend, "audio"), sink


def test_what_is_whole_is_written_at_once_and_at_most_three_characters_wait() -> None:
    stream, sink = decoder()
    written = []
    for character in b"c3Bva2Vu-_8":
        stream.feed(bytes([character]))
        written.append(len(sink))
    stream.finish()
    assert written == [0, 0, 0, 3, 3, 3, 3, 6, 6, 6, 6]
    assert (bytes(sink), stream.size) == (b"spoken\xfb\xff", 8)


def test_bytes_and_views_are_taken_alike() -> None:
    stream, sink = decoder()
    for piece in (b"c3Bv", memoryview(b"xxa2xx")[2:4], b"", memoryview(b"Vu")):
        stream.feed(piece)
    stream.finish()
    assert bytes(sink) == b"spoken"


def test_bits_left_over_in_the_last_character_are_ignored() -> None:
    stream, sink = decoder()
    stream.feed(b"QR==")
    stream.finish()
    assert bytes(sink) == b"A"


def test_only_white_space_may_follow_the_padding() -> None:
    stream, _ = decoder()
    stream.feed(b"QQ==\n")
    stream.feed(b"\r\n ")
    with pytest.raises(InvalidResponse, match=r"^The answer's audio is not base64\.$"):
        stream.feed(b" Q")


def test_nothing_at_all_is_refused() -> None:
    stream, _ = decoder()
    with pytest.raises(InvalidResponse, match=r"^The base64 of audio is empty\.$"):
        stream.finish()


def test_only_the_part_that_is_asked_for_is_taken() -> None:
    sink = bytearray()
    string = Base64String(sink.extend, "audio")
    string.feed(b'"c3Bva2Vu"', 1, 9)
    string.feed(b'"\\u003', 1, 6)
    string.feed(b'D"', 0, 0)
    string.feed(b'D"', 0, 0)
    with pytest.raises(InvalidResponse, match=r"^The answer's audio is not base64\.$"):
        string.finish()


@given(data=st.binary(min_size=1), places=st.lists(st.integers(0, 400)), url_safe=st.booleans(), padded=st.booleans())
def test_what_was_encoded_comes_back_however_it_is_cut(
    data: bytes, places: list[int], url_safe: bool, padded: bool
) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data)
    text = text if padded else text.rstrip(b"=")
    stream, sink = decoder()
    bounds = [0, *sorted(places), len(text)]
    for start, stop in pairwise(bounds):
        stream.feed(text[start:stop])
    stream.finish()
    assert (bytes(sink), stream.size) == (data, len(data))
