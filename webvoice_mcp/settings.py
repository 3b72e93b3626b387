"""The environment, read once, as a frozen `Settings`. Every variable that the server knows is read here."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import pathsep
from pathlib import Path
from typing import Literal, Self
from urllib.parse import SplitResult, urlsplit

DEFAULT_BASE_URL = "https://webvoice.easytaskflow.app/api/v1"
TOOLSETS = frozenset({"account", "chat", "speech", "translation", "image", "video", "messaging"})
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# The documentation's own examples, which people paste as they stand; none of them is a key.
PLACEHOLDER_KEYS = frozenset({"wv_your_api_key_here", "wv_your_key_here", "YOUR_API_KEY"})

_API_PATH = "/api/v1"
_UNEXPANDED = "${"  # what a client leaves behind of a variable that it did not fill in
_MIB = 1024 * 1024
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{0,12})?|\.[0-9]{1,12}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # and what is no text at all
_SECRET = re.compile(r"wv_[^\s,;:/]+", re.IGNORECASE)


class SettingsError(Exception):
    """A variable that cannot be read: one line naming it, its value (never a key's) and what is accepted."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person decided, checked and with the defaults filled in.

    Attributes:
        api_key: the key from the environment, "" for none.
        base_url: of the API, normalised (lower case, no default port, no final slash), so that it can name a key.
        output_dir: absolute; need not exist yet.
        allowed_dirs: absolute; empty for no limit.
        overwrite: whether an existing file of the same kind may be replaced.
        credentials_file: where saved keys are.
        toolsets: the families of tools that are offered, `account` always among them.
        timeout: seconds to wait for the service in one call.
        inline_wait: seconds that a paid call keeps its caller waiting; 0 for as long as it takes.
        max_credits: what one run of the server may spend; None for no limit.
        confirm_above: credits above which the user is asked first; None for never.
        history_file: where orders are written down.
        inline_images: whether pictures are also handed to the model itself.
        max_file_bytes: the most that one answer may put on disk.
        max_upload_bytes: the largest file that is sent.
        log_level: one of `LOG_LEVELS`.
    """

    api_key: str = field(repr=False)
    base_url: str
    output_dir: Path
    allowed_dirs: tuple[Path, ...]
    overwrite: bool
    credentials_file: Path
    toolsets: frozenset[str]
    timeout: float
    inline_wait: float
    max_credits: float | None
    confirm_above: float | None
    history_file: Path
    inline_images: bool
    max_file_bytes: int
    max_upload_bytes: int
    log_level: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read all settings.

        Raises:
            SettingsError: for the first variable that cannot be read.
        """
        return cls(
            api_key=_api_key(environ),
            base_url=_base_url(environ),
            output_dir=_output_dir(environ),
            allowed_dirs=_allowed_dirs(environ),
            overwrite=_switch(environ, "WEBVOICE_OVERWRITE", default=False),
            credentials_file=_state_dir(environ, "config") / "credentials.json",
            toolsets=_toolsets(environ),
            timeout=_timeout(environ),
            inline_wait=_inline_wait(environ),
            max_credits=_limit(environ, "WEBVOICE_MAX_CREDITS"),
            confirm_above=_limit(environ, "WEBVOICE_CONFIRM_ABOVE"),
            history_file=_state_dir(environ, "state") / "history.db",
            inline_images=_switch(environ, "WEBVOICE_INLINE_IMAGES", default=True),
            max_file_bytes=_megabytes(environ, "WEBVOICE_MAX_FILE_MB", default=2048),
            max_upload_bytes=_megabytes(environ, "WEBVOICE_MAX_UPLOAD_MB", default=200),
            log_level=_log_level(environ),
        )

    @property
    def site(self) -> str:
        """The web site that the API belongs to: the base URL without /api/v1."""
        return self.base_url.removesuffix(_API_PATH)


def _given(environ: Mapping[str, str], name: str) -> str:
    """The variable's text without blanks around it; "" where it counts as unset."""
    value = environ.get(name, "").strip()
    return "" if _UNEXPANDED in value else value


def _refusal(name: str, value: str, accepted: str) -> SettingsError:
    # A key that was put into the wrong variable is still a key.
    shown = _SECRET.sub("wv_…", value)
    return SettingsError(f"{name}={shown[:200]!r} cannot be used: {accepted}.")


def _api_key(environ: Mapping[str, str]) -> str:
    key = _given(environ, "WEBVOICE_API_KEY")
    if key in PLACEHOLDER_KEYS:
        return ""
    # Anything else would break the header that it travels in, or smuggle in another.
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError(
            "WEBVOICE_API_KEY (not shown) cannot be used: accepted are printable ASCII characters without spaces."
        )
    return key


def _base_url(environ: Mapping[str, str]) -> str:
    name = "WEBVOICE_BASE_URL"
    value = _given(environ, name) or DEFAULT_BASE_URL
    refusal = _refusal(name, _without_secrets(value), f"accepted is an https URL such as {DEFAULT_BASE_URL}")
    if not (value.isascii() and value.isprintable()) or set(value) & set(' \\"<>^`{|}'):
        raise refusal
    if set(value) & set("@?#"):
        raise _refusal(name, _without_secrets(value), "a user name, password, query or fragment is not accepted")
    try:
        url = urlsplit(value)
        host, port = _host(url), url.port
    except ValueError:
        raise refusal from None
    if url.scheme not in _DEFAULT_PORTS or not host or port == 0:
        raise refusal
    if url.scheme == "http" and not _is_loopback(host):
        raise _refusal(name, value, "http is accepted for loopback hosts only (localhost, 127.0.0.1, [::1]); use https")
    shown_port = "" if port in {None, _DEFAULT_PORTS[url.scheme]} else f":{port}"
    return f"{url.scheme}://{host}{shown_port}{url.path.rstrip('/')}"


def _without_secrets(url: str) -> str:
    """The URL with a password and a query, which may hold a key, left out."""
    return re.sub(r"[?#].*", "?…", re.sub(r".*@", "…@", url, flags=re.DOTALL), flags=re.DOTALL)


def _host(url: SplitResult) -> str:
    """The host as it stands in a URL, "" when it is none."""
    host = url.hostname or ""
    if ":" in host and "%" not in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    return host if _HOST.fullmatch(host) else ""


def _is_loopback(host: str) -> bool:
    if host in {"localhost", "[::1]"}:
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def _folder(name: str, value: str) -> Path:
    if _CONTROL.search(value):
        raise _refusal(name, value, "accepted is a folder's path without control characters")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:  # ~ of somebody who is not known
        raise _refusal(name, value, "accepted is a folder's path; there is no such user") from None


def _output_dir(environ: Mapping[str, str]) -> Path:
    if given := _given(environ, "WEBVOICE_OUTPUT_DIR"):
        return _folder("WEBVOICE_OUTPUT_DIR", given)
    import platformdirs  # noqa: PLC0415 - not needed where a folder is set

    return Path(platformdirs.user_downloads_dir()).absolute() / "webvoice"


def _state_dir(environ: Mapping[str, str], kind: Literal["config", "state"]) -> Path:
    """Where what is kept lies: in the folder that was set, else in the system's usual one for this kind of thing."""
    if given := _given(environ, "WEBVOICE_STATE_DIR"):
        return _folder("WEBVOICE_STATE_DIR", given)
    import platformdirs  # noqa: PLC0415 - not needed where a folder is set

    usual = platformdirs.user_config_dir if kind == "config" else platformdirs.user_state_dir
    return Path(usual("webvoice-mcp", appauthor=False)).absolute()


def _guard(environ: Mapping[str, str], name: str, accepted: str) -> str:
    """A guard's text, "" where it is unset. It must not be off unnoticed because a client left a placeholder in it."""
    value = environ.get(name, "").strip()
    if _UNEXPANDED in value:
        raise _refusal(name, value, f"a placeholder was left unexpanded; accepted are {accepted}, or leave it unset")
    return value


def _allowed_dirs(environ: Mapping[str, str]) -> tuple[Path, ...]:
    name = "WEBVOICE_ALLOWED_DIRS"
    value = _guard(environ, name, "folders")
    folders = tuple(_folder(name, part.strip()) for part in value.split(pathsep) if part.strip())
    if value and not folders:
        raise _refusal(name, value, f"accepted are folders separated by {pathsep!r}, or leave it unset")
    return folders


def _switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = _given(environ, name)
    if not value:
        return default
    if value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise _refusal(name, value, "accepted are 1 and 0")


def _toolsets(environ: Mapping[str, str]) -> frozenset[str]:
    name = "WEBVOICE_TOOLSETS"
    value = _given(environ, name)
    if not value or value.lower() == "all":
        return TOOLSETS
    chosen = {part.strip().lower() for part in value.split(",")} - {""}
    if not chosen or not chosen <= TOOLSETS:
        raise _refusal(name, value, f"accepted is a comma list of {', '.join(sorted(TOOLSETS))}")
    return frozenset(chosen | {"account"})


def _number(
    environ: Mapping[str, str], name: str, *, default: float, least: float, most: float, accepted: str
) -> float:
    value = _given(environ, name)
    if not value:
        return default
    if not (_NUMBER.fullmatch(value) and least <= float(value) <= most):
        raise _refusal(name, value, f"accepted is a number of {accepted}")
    return float(value)


def _timeout(environ: Mapping[str, str]) -> float:
    accepted = "seconds from 0.001 to 86400"
    return _number(environ, "WEBVOICE_TIMEOUT", default=600, least=0.001, most=86_400, accepted=accepted)


def _inline_wait(environ: Mapping[str, str]) -> float:
    accepted = "seconds from 0 to 86400; 0 waits to the end"
    return _number(environ, "WEBVOICE_INLINE_WAIT", default=45, least=0, most=86_400, accepted=accepted)


def _limit(environ: Mapping[str, str], name: str) -> float | None:
    if not _guard(environ, name, "credits"):
        return None
    return _number(environ, name, default=0, least=0, most=1e9, accepted="credits, 0 or more")


def _megabytes(environ: Mapping[str, str], name: str, *, default: float) -> int:
    """A size in bytes from a number of MiB, which may have decimals."""
    accepted = "megabytes above 0, such as 200 or 0.5"
    return int(_number(environ, name, default=default, least=1 / _MIB, most=1e12, accepted=accepted) * _MIB)


def _log_level(environ: Mapping[str, str]) -> str:
    value = _given(environ, "WEBVOICE_LOG_LEVEL") or "WARNING"
    if value.upper() not in LOG_LEVELS:
        raise _refusal("WEBVOICE_LOG_LEVEL", value, f"accepted are {', '.join(LOG_LEVELS)}")
    return value.upper()
