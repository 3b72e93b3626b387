"""Text files as they are accepted: UTF-8, of known kinds, not too large."""

from pathlib import PurePath

from webvoice_mcp.errors import UnsupportedMedia

__all__ = ["MAX_BYTES", "SUFFIXES", "decode_text"]

MAX_BYTES = 2 * 1024 * 1024
SUFFIXES = (".txt", ".md", ".srt", ".vtt")

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SAVE_ANEW = "Save it as UTF-8 and call again."


def decode_text(data: bytes, path: str) -> str:
    """Return the text of a file; a byte order mark and line ends stay as they are.

    Args:
        path: the file's path, for its extension and for messages.

    Raises:
        UnsupportedMedia: the extension is not accepted, or the content is empty, too large, binary or not UTF-8.
    """
    if PurePath(path).suffix.lower() not in SUFFIXES:
        raise UnsupportedMedia(f"{path} is not a text file by its name. Accepted are {', '.join(SUFFIXES)}.")
    if len(data) > MAX_BYTES:
        raise UnsupportedMedia(
            f"{path} has {len(data)} bytes; accepted are {MAX_BYTES // 1024**2} MB. Divide it into several files."
        )
    if data.startswith(_UTF16_MARKS):
        raise UnsupportedMedia(f"{path} is encoded in UTF-16. {_SAVE_ANEW}")
    if b"\x00" in data:
        raise UnsupportedMedia(f"{path} has NUL bytes, so it is binary, or text in another encoding than UTF-8.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnsupportedMedia(f"{path} is not UTF-8: byte {error.start + 1}, in line {line}. {_SAVE_ANEW}") from None
    if not text.strip("\ufeff \t\r\n\f\v"):
        raise UnsupportedMedia(f"{path} is empty. Give a file with text.")
    return text
