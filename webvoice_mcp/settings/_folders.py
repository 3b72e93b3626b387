"""Folders in settings: absolute paths, which may begin with ~ and contain variables of the environment."""

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from os import pathsep
from pathlib import Path

from webvoice_mcp.settings._setting import Kind, NotAccepted

# Stands for a default folder where there is no home folder. Nothing can be made below the null device.
NO_FOLDER = Path(os.devnull).absolute() / "no-home-folder"

_ACCEPTED = "a folder's absolute path, or one that begins with ~"
_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
# "${" that is not closed and "{{" match as well, with no name: they are refused as names that are not set.
_VARIABLE = re.compile(r"\$\{(?:([^{}]*)\})?|\{\{|\$([A-Za-z_][A-Za-z0-9_]*)|%([A-Za-z_][A-Za-z0-9_()]*)%")
_NOT_IN_PATHS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # control characters and halves of surrogate pairs


def _is_placeholder(text: str, environ: Mapping[str, str]) -> bool:
    """Return True if the whole text is one `${…}` that names no variable: the client did not replace it."""
    match = _PLACEHOLDER.fullmatch(text)
    return match is not None and not _value(match[1], environ)


def _expand(text: str, environ: Mapping[str, str]) -> str:
    """Replace `$NAME`, `${NAME}` and `%NAME%` by these variables' values, which are not expanded again."""

    def value_of(match: re.Match[str]) -> str:
        value = _value(match[1] or match[2] or match[3] or "", environ)
        if not value:
            raise NotAccepted(f"{match[0]} stands for no variable that is set; it must be {_ACCEPTED}")
        return value

    return _VARIABLE.sub(value_of, text)


def _value(name: str, environ: Mapping[str, str]) -> str:
    return environ.get(name, "").strip()


def _parse_folder(text: str) -> Path:
    if _NOT_IN_PATHS.search(text):
        raise NotAccepted("a folder's path has no control characters")
    try:
        folder = Path(text).expanduser()
    except RuntimeError:  # the text begins with ~ and an unknown user's name, or there is no home folder
        raise NotAccepted(f"there is no such user or home folder; it must be {_ACCEPTED}") from None
    if not folder.is_absolute() or (text[:2] in {"~", "~/"} and home_is_unusable()):
        raise NotAccepted
    return folder


def _parse_folders(text: str) -> tuple[Path, ...]:
    folders = tuple(_parse_folder(part.strip()) for part in text.split(pathsep) if part.strip())
    if text and not folders:
        raise NotAccepted
    return folders


def _parse_output_dir(text: str) -> Path:
    if text:
        return _parse_folder(text)
    import platformdirs  # noqa: PLC0415 - saves start-up time where the folder is set

    downloads = _default(platformdirs.user_downloads_dir)
    return downloads if downloads == NO_FOLDER else downloads / "webvoice"


def _parse_state_dirs(text: str) -> tuple[Path, Path]:
    if text:
        return (_parse_folder(text),) * 2
    import platformdirs  # noqa: PLC0415 - saves start-up time where the folder is set

    folders = platformdirs.user_config_dir, platformdirs.user_state_dir
    config, state = (_default(partial(folder, "webvoice-mcp", appauthor=False)) for folder in folders)
    return config, state


def _default(folder: Callable[[], str]) -> Path:
    """Return a default folder, or `NO_FOLDER` if the user has no home folder."""
    try:
        path = Path(folder())
    except RuntimeError:  # older versions of platformdirs return a relative path
        return NO_FOLDER
    return NO_FOLDER if home_is_unusable() or not path.is_absolute() else path


def home_is_unusable() -> bool:
    """Return True if HOME is set to no absolute path; Python reads an empty one as the root folder."""
    return os.name != "nt" and not os.environ.get("HOME", "/").startswith("/")


def _show(folder: Path) -> str:
    return "none: there is no home folder" if folder == NO_FOLDER else str(folder)


OUTPUT_DIR = Kind(
    _parse_output_dir, _show, accepted=_ACCEPTED, format="filepath", expand=_expand, is_placeholder=_is_placeholder
)
STATE_DIRS = Kind(
    _parse_state_dirs,
    lambda folders: " and ".join(map(_show, folders)),
    accepted=_ACCEPTED,
    format="filepath",
    expand=_expand,
    is_placeholder=_is_placeholder,
)
FOLDERS = Kind(
    _parse_folders,
    lambda folders: pathsep.join(map(str, folders)) or "no limit",
    accepted="folders separated as in PATH, absolute or beginning with ~",
    expand=_expand,
    is_placeholder=_is_placeholder,
)
