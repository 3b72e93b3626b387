"""File names: which are refused, and which are made here."""

import re
import time
import unicodedata
from collections.abc import Iterator
from itertools import count
from pathlib import Path, PurePath, PureWindowsPath

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXTENSION = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,16}$")
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*]')
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?", re.IGNORECASE)

_LONGEST_NAME = 255  # bytes, on nearly every file system
_LONGEST_PATH = 4095
_SLUG_SEEN, _SLUG_WORDS, _SLUG_LENGTH = 200, 6, 40


def trouble_reading(text: str) -> str:
    """Why no file can be named so, "" if one can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "it holds characters that are no text"
    return "it holds a NUL character" if "\x00" in text else ""


def trouble_writing(path: PurePath) -> str:
    """Why no file is made under such a path, "" if one is. The rules of all systems hold on each: files travel."""
    if len(str(path).encode()) > _LONGEST_PATH:
        return f"it is longer than {_LONGEST_PATH} bytes"
    for name in path.relative_to(path.anchor).parts:
        if trouble := _trouble_with(name, on_windows=isinstance(path, PureWindowsPath)):
            return trouble
    return ""


def _trouble_with(name: str, *, on_windows: bool) -> str:
    if _CONTROL.search(name):
        return "it holds control characters"
    if len(name.encode()) > _LONGEST_NAME:
        return f"the name {name[:20]}… is longer than {_LONGEST_NAME} bytes"
    if name != ".." and name[-1] in ". ":
        return f"the name {name!r} ends in a dot or a space"
    if _WINDOWS_DEVICE.fullmatch(name):
        return f"{name} is a device's name on Windows"
    if on_windows and _WINDOWS_FORBIDDEN.search(name):
        return f'the name {name} holds one of < > : " | ? *'
    return ""


def extension(name: str) -> str:
    """The ending that says what a file is, such as ".mp3"; "" for none, as in "part 1.2" or "Mr. Smith"."""
    match = _EXTENSION.search(name)
    return match.group() if match else ""


def made_name(tool: str, words: str) -> str:
    """A name, without extension, from the tool, the time to the second and a slug of the first words."""
    parts = (tool.removeprefix("webvoice_"), time.strftime("%Y%m%d-%H%M%S"), _slug(words))
    return "-".join(part for part in parts if part)


def _slug(words: str) -> str:
    """The first words as plain ASCII letters and digits; "" where there are none."""
    plain = unicodedata.normalize("NFKD", words[:_SLUG_SEEN]).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain)[:_SLUG_WORDS])[:_SLUG_LENGTH].strip("-")


def upload_name(path: Path, suffix: str) -> str:
    """A name for the service: plain ASCII, with the extension that tells the truth."""
    stem = path.name.removesuffix(extension(path.name))
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", plain)[:60].strip("-")
    return (safe or "file") + suffix


def candidates(path: Path) -> Iterator[Path]:
    """The path itself, then name-2.ext, name-3.ext and so on, for ever."""
    yield path
    suffix = extension(path.name)
    stem = path.name.removesuffix(suffix)
    yield from (path.with_name(_numbered(stem, f"-{number}{suffix}")) for number in count(2))


def _numbered(stem: str, end: str) -> str:
    """The two together, the stem cut where the name would be too long."""
    return stem.encode()[: _LONGEST_NAME - len(end)].decode(errors="ignore") + end
