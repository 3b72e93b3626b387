"""Base64 that is decoded while it arrives."""

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.helpers import patient
from webvoice_mcp.client.base64stream import Base64Decoder, Base64String
from webvoice_mcp.errors import InvalidResponse


def test_complete_groups_are_written_and_up_to_three_characters_held_back() -> None:
    sink = bytearray()
    decoder = Base64Decoder(sink.extend, "audio")
    written = []
    for character in b"c3Bva2Vu-_8":
        decoder.feed(bytes([character]))
        written.append(len(sink))
    decoder.finish()
    assert written == [0, 0, 0, 3, 3, 3, 3, 6, 6, 6, 6]
    assert (bytes(sink), decoder.size) == (b"spoken\xfb\xff", 8)


def test_unused_bits_in_the_last_character_are_ignored() -> None:
    sink = bytearray()
    decoder = Base64Decoder(sink.extend, "audio")
    decoder.feed(b"QR==")
    decoder.finish()
    assert bytes(sink) == b"A"


def test_only_the_given_range_is_read_and_an_unfinished_escape_is_refused() -> None:
    string = Base64String(bytearray().extend, "audio")
    string.feed(b'"c3Bva2Vu"', 1, 9)
    string.feed(b'"\\u003', 1, 6)
    string.feed(b'D"', 0, 0)
    with pytest.raises(InvalidResponse, match=r"^The answer's audio is not base64\.$"):
        string.finish()


@patient
@given(data=st.binary(min_size=1), cuts=st.lists(st.integers(0, 400)), url_safe=st.booleans(), padded=st.booleans())
def test_encoded_bytes_are_decoded_wherever_they_are_cut(
    data: bytes, cuts: list[int], url_safe: bool, padded: bool
) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data)
    text = text if padded else text.rstrip(b"=")
    sink = bytearray()
    decoder = Base64Decoder(sink.extend, "audio")
    for number, (start, stop) in enumerate(pairwise([0, *sorted(cuts), len(text)])):
        decoder.feed(memoryview(text)[start:stop] if number % 2 else text[start:stop])
    decoder.finish()
    assert (bytes(sink), decoder.size) == (data, len(data))
