"""Finding `data:` links in text that arrives in pieces, so that no base64 stays in it."""

import re
from typing import Any

from webvoice_mcp.client.pictures import Picture, Pictures

_MAX_TYPE_CHARACTERS = 128
_WRAPPED_CHARACTERS = 32  # a line of at least this length continues the base64 of the line before

# Some texts have a space after the semicolon, and JSON inside of them may have a backslash before the slash.
_TYPE = rf"(?:[a-z0-9_.+/=-]|\\/|; ?){{0,{_MAX_TYPE_CHARACTERS}}}"
_PICTURE_STARTS = ("iVBORw0KGgo", "/9j/", "R0lGODlh", "R0lGODdh", "UklGR")  # PNG, JPEG, GIF, WebP in base64
_BARE_START = re.compile(
    rf"\s*(?:{'|'.join(_PICTURE_STARTS)}|AAAA..Z0eX|PHN2Zy|PD94bWwg)"  # or MP4-like ones such as AVIF, or SVG
)
_MAX_SPACES = 8  # before the base64; what follows them must begin like a picture, because it may be a word
_MAX_START_CHARACTERS = 2 * _MAX_TYPE_CHARACTERS + 48
_BASE64_FOLLOWS = rf"(?:(?=\\?/|[a-z0-9+_-])|\s{{1,{_MAX_SPACES}}}(?={'|'.join(_PICTURE_STARTS)}))"
_MAY_FOLLOW = rf",(?:\\|\s{{1,{_MAX_SPACES}}}[a-z0-9/]{{0,10}})?"
_START = re.compile(rf"data:{_TYPE}(?<=;|\s)base64,{_BASE64_FOLLOWS}", re.IGNORECASE | re.ASCII)
_UNFINISHED_START = re.compile(rf"d(?:a(?:t(?:a(?::{_TYPE}(?:\\|{_MAY_FOLLOW})?)?)?)?)?\Z", re.IGNORECASE | re.ASCII)
_FIELD_START = re.compile(rf"\s*data:{_TYPE}(?<=;|\s)base64,", re.IGNORECASE | re.ASCII)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=_-]")
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]*+")
_BARE = re.compile(r"[A-Za-z0-9+/=_\s-]+", re.ASCII)
_LINE_END = re.compile(r"\r?\n[ \t]*")
_CLOSING = frozenset("()[]{}<>\"'`|*\\")
_AFTER_BROKEN = re.compile(r"[\s()\[\]{}<>\"'`|]")
_MIN_BARE_CHARACTERS = 16
_BASE64_KEYS = frozenset({"b64_json", "base64", "image_base64"})
_TEXT_KEYS = frozenset({"content", "text", "reasoning", "reasoning_content", "thinking", "summary", "arguments"})


class Scanned(str):
    """A text without `data:` links, which is not scanned again."""

    __slots__ = ()


class LinkScanner:
    """Takes a text in pieces and returns it with a mark in place of each `data:` link, whose base64 is decoded.

    In a text, a link ends at white space or at a closing mark; a line break inside base64 is part of it.
    """

    is_picture = False

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._picture: Picture | None = None
        self._is_broken = False  # the rest of a link that is not base64 is being dropped
        self._held = ""  # what may be the beginning of a link, or of what follows one

    def feed(self, piece: str) -> str:
        """Take the next piece, and return the text that is complete."""
        return self._scan(self._held + piece, is_last=False)

    def finish(self) -> str:
        """End the text, and return the rest of it."""
        rest = self._scan(self._held, is_last=True)
        if self._picture:
            self._end_picture()
        return rest

    def _scan(self, text: str, *, is_last: bool) -> str:
        self._held = ""
        out: list[str] = []
        position = 0
        while position < len(text):
            if self._is_broken:
                position = self._skip_broken(text, position)
            elif self._picture:
                end = self._read_base64(text, position, is_last=is_last)
                if end < 0:
                    break
                position = end
            else:
                position = self._read_text(text, position, out, is_last=is_last)
                if self._held:
                    break
        return "".join(out)

    def _read_text(self, text: str, position: int, out: list[str], *, is_last: bool) -> int:
        if start := _START.search(text, position):
            self._picture = self._pictures.open(start[0])
            out += [text[position : start.start()], self._picture.mark]
            return start.end()
        end = len(text)
        tail = max(position, end - _MAX_START_CHARACTERS)
        if not is_last and (unfinished := _UNFINISHED_START.search(text, tail)):
            end = unfinished.start()
        out.append(text[position:end])
        self._held = text[end:]
        return end

    def _read_base64(self, text: str, position: int, *, is_last: bool) -> int:
        """Return the end of what was read, -1 if that depends on the next piece."""
        assert self._picture is not None  # noqa: S101 - for mypy
        found = _NOT_BASE64.search(text, position)
        end = found.start() if found else len(text)
        self._picture.feed(text[position:end])
        if not found:
            return end
        if line_end := _LINE_END.match(text, end):
            return self._read_next_line(text, end, line_end.end(), is_last=is_last)
        if text[end:] == "\r" and not is_last:
            return self._hold(text, end)
        if text[end] == "\\":
            if end + 1 == len(text) and not is_last:
                return self._hold(text, end)
            if text[end + 1 : end + 2] == "/":  # JSON may have a backslash before each slash
                return end + 1
        if text[end].isspace() or text[end] in _CLOSING:
            self._end_picture()
            return end
        if end + 1 == len(text) and not is_last:
            return self._hold(text, end)
        if not _NOT_BASE64.match(text, end + 1) and end + 1 < len(text):
            self._picture.feed(text[end])  # which says that it is not base64
            self._is_broken = True
            self._picture.source = ""
        self._end_picture()
        return end

    def _read_next_line(self, text: str, end: int, line: int, *, is_last: bool) -> int:
        match = _BASE64.match(text, line)
        stop = match.end() if match else line
        if stop == len(text) and stop - line < _WRAPPED_CHARACTERS and not is_last:
            return self._hold(text, end)
        follows = text[stop : stop + 1]
        if stop - line >= _WRAPPED_CHARACTERS or (stop > line and (follows in {")", '"'} or text[stop - 1] == "=")):
            return line
        self._end_picture()
        return end

    def _skip_broken(self, text: str, position: int) -> int:
        found = _AFTER_BROKEN.search(text, position)
        self._is_broken = not found
        return found.start() if found else len(text)

    def _hold(self, text: str, end: int) -> int:
        self._held = text[end:]
        return -1

    def _end_picture(self) -> None:
        assert self._picture is not None  # noqa: S101 - for mypy
        self._picture.finish()
        self._picture = None


class _FieldPicture:
    """A string that is one picture from its beginning to its end."""

    is_picture = True

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def feed(self, piece: str) -> str:
        self._picture.feed(piece)
        return ""

    def finish(self) -> str:
        self._picture.finish()
        return ""


StringScanner = LinkScanner | _FieldPicture


def begin_string(key: str, head: str, pictures: Pictures) -> tuple[StringScanner, str]:
    """Return the scanner for a string of a document, and what of its head has to be fed to it.

    Args:
        key: name of the member that holds the string, or an array with it.
        head: the beginning of the string, or all of it.
        pictures: the answer's pictures.
    """
    if key not in _TEXT_KEYS:
        if start := _FIELD_START.match(head):
            return _FieldPicture(pictures.open()), head[start.end() :]
        starts_like_one = key in _BASE64_KEYS or _BARE_START.match(head)
        if starts_like_one and len(head) >= _MIN_BARE_CHARACTERS and _BARE.fullmatch(head):
            return _FieldPicture(pictures.open()), head
    return LinkScanner(pictures), head


def scan(value: Any, pictures: Pictures, key: str = "") -> Any:
    """Return a JSON value with None in place of its pictures, and marks in place of the links in its texts.

    Args:
        value: the value.
        pictures: the answer's pictures.
        key: name of the member that holds the value.
    """
    match value:
        case Scanned():
            return value
        case str():
            scanner, rest = begin_string(key, value, pictures)
            text = scanner.feed(rest) + scanner.finish()
            return None if scanner.is_picture else Scanned(text)
        case list():
            return [scan(item, pictures, key) for item in value]
        case dict():
            return {name: scan(item, pictures, name) for name, item in value.items()}
        case _:
            return value
