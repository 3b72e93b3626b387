"""File names: reasons to refuse them, and generated names."""

import re
import secrets
import time
import unicodedata
from collections.abc import Iterator
from itertools import count
from pathlib import Path, PurePath, PureWindowsPath

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXTENSION = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,16}$")
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*]')
_WINDOWS_PATH = re.compile(r"[A-Za-z]:([\\/]|$)|.*\\", re.DOTALL)
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?", re.IGNORECASE)

_MAX_NAME_BYTES = 255  # on nearly every file system
_MAX_PATH_BYTES = 4095
_SLUG_SOURCE_CHARACTERS = 200
_MAX_SLUG_WORDS = 6
_MAX_SLUG_CHARACTERS = 40
_MAX_UPLOAD_STEM_CHARACTERS = 60


def reason_unreadable(text: str) -> str:
    """Return the reason why no file can have this path, "" if one can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "it contains characters that are not valid text"
    return "it contains a NUL character" if "\x00" in text else ""


def reason_unwritable(path: PurePath) -> str:
    """Return the reason why no file may be created at this path, "" if one may.

    Most Windows rules apply on all systems, because files are moved between systems.
    """
    if len(str(path).encode()) > _MAX_PATH_BYTES:
        return f"it is longer than {_MAX_PATH_BYTES} bytes"
    is_windows = isinstance(path, PureWindowsPath)
    if not is_windows and _WINDOWS_PATH.match(str(path)):
        return "it is a path of Windows, and this computer has another system; separate folders by /, without a drive"
    for name in path.relative_to(path.anchor).parts:
        if reason := _reason_unwritable_name(name, on_windows=is_windows):
            return reason
    return ""


def _reason_unwritable_name(name: str, *, on_windows: bool) -> str:
    if _CONTROL.search(name):
        return "it contains control characters"
    if len(name.encode()) > _MAX_NAME_BYTES:
        return f"the name {name[:20]}… is longer than {_MAX_NAME_BYTES} bytes"
    if name != ".." and name[-1] in ". ":
        return f"the name {name!r} ends in a dot or a space"
    if _WINDOWS_DEVICE.fullmatch(name):
        return f"{name} is a device name on Windows"
    if on_windows and _WINDOWS_FORBIDDEN.search(name):
        return f'the name {name} contains one of < > : " | ? *'
    return ""


def extension(name: str) -> str:
    """Return a name's extension, such as ".mp3"; "" for names such as "part 1.2" and "Mr. Smith"."""
    match = _EXTENSION.search(name)
    return match.group() if match else ""


def make_name(prefix: str, name_from: str) -> str:
    """Return a name without extension, made of the prefix, the time to the second and the text's first words."""
    parts = (prefix, time.strftime("%Y%m%d-%H%M%S"), _slug(name_from))
    return "-".join(part for part in parts if part)


def _slug(text: str) -> str:
    """Return the text's first words as lower-case ASCII letters and digits, joined by "-"; "" if there are none."""
    plain = unicodedata.normalize("NFKD", text[:_SLUG_SOURCE_CHARACTERS]).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain)[:_MAX_SLUG_WORDS])[:_MAX_SLUG_CHARACTERS].strip("-")


def upload_name(path: Path, suffix: str) -> str:
    """Return the file name to send to the service: plain ASCII, with this extension."""
    stem = path.name.removesuffix(extension(path.name))
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", plain)[:_MAX_UPLOAD_STEM_CHARACTERS].strip("-")
    return (safe or "file") + suffix


def numbered(path: Path) -> Iterator[Path]:
    """Yield the path, then the paths with the names name-2.ext, name-3.ext and so on, without end."""
    yield path
    suffix = extension(path.name)
    stem = path.name.removesuffix(suffix)
    yield from (path.with_name(_join(stem, f"-{number}{suffix}")) for number in count(2))


def temporary_name() -> str:
    """Return a unique, hidden name for an incomplete file."""
    return f".{secrets.token_hex(8)}.part"


def _join(stem: str, ending: str) -> str:
    """Join stem and ending, and shorten the stem if the name would be too long."""
    return stem.encode()[: _MAX_NAME_BYTES - len(ending)].decode(errors="ignore") + ending
