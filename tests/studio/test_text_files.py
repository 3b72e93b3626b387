"""Text files as they are accepted."""

import pytest

from webvoice_mcp.errors import UnsupportedMedia
from webvoice_mcp.studio.text_files import MAX_BYTES, decode_text


@pytest.mark.parametrize("name", ["a.txt", "a.MD", "/b.c/a.srt", "a.Vtt"])
def test_text_comes_back_with_its_line_ends_and_byte_order_mark(name: str) -> None:
    assert decode_text("\ufeffZoë\r\n漢字\r".encode(), name) == "\ufeffZoë\r\n漢字\r"


def test_two_megabytes_are_accepted() -> None:
    assert len(decode_text(b"x" * MAX_BYTES, "a.txt")) == MAX_BYTES


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"text", "a.docx", r"a\.docx is not a text file by its name. Accepted are \.txt, \.md, \.srt, \.vtt"),
        (b"text", "txt", "by its name"),
        (b"x" * (MAX_BYTES + 1), "a.txt", "has 2097153 bytes; accepted are 2 MB"),
        ("text".encode("utf-16"), "a.txt", "UTF-16. Save it as UTF-8"),
        ("\ufefftext".encode("utf-16-be"), "a.txt", "UTF-16. Save it as UTF-8"),
        ("text".encode("utf-16-le"), "a.txt", "NUL bytes"),
        (b"MZ\x00\x01", "a.txt", "binary"),
        ("a\nZoë".encode("latin-1"), "a.txt", "is not UTF-8: byte 5, in line 2"),
        (b"", "a.txt", "is empty"),
        ("\ufeff \r\n".encode(), "a.txt", "is empty"),
    ],
)
def test_other_content_is_refused_with_the_reason(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(UnsupportedMedia, match=reason):
        decode_text(data, name)
