"""The kinds of values that settings take; `_folders` has those of folders."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from webvoice_mcp.settings._setting import Kind, NotAccepted

DEFAULT_BASE_URL = "https://webvoice.easytaskflow.app/api/v1"
TOOLSETS = frozenset({"account", "chat", "speech", "translation", "image", "video", "studio", "messaging"})
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# Example keys from the service's documentation, which people paste unchanged.
PLACEHOLDER_KEYS = frozenset({"wv_your_api_key_here", "wv_your_key_here", "YOUR_API_KEY"})

_BYTES_PER_MIB = 1024 * 1024
_MAX_SECONDS = 86_400
_MAX_CREDITS = 1_000_000_000
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_IPV6_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\](:[0-9]*)?")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{0,12})?|\.[0-9]{1,12}")


def _parse_key(text: str) -> str:
    if text in PLACEHOLDER_KEYS:
        return ""
    # Other characters would break the key's HTTP header or inject another header.
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise NotAccepted
    return text


def _parse_base_url(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or set(text) & set(' \\"<>^`{|}'):
        raise NotAccepted
    if set(text) & set("@?#"):
        raise NotAccepted("a user name, password, query or fragment is not accepted")
    try:
        url = urlsplit(text)
        host, port = _host(url), url.port
    except ValueError:
        raise NotAccepted from None
    if url.scheme not in _DEFAULT_PORTS or not host or port == 0:
        raise NotAccepted
    if url.scheme == "http" and not _is_loopback(host):
        raise NotAccepted("http is accepted for loopback hosts only (localhost, 127.0.0.1, [::1]); use https")
    shown_port = "" if port in {None, _DEFAULT_PORTS[url.scheme]} else f":{port}"
    return f"{url.scheme}://{host}{shown_port}{url.path.rstrip('/')}"


def _redact_url(text: str) -> str:
    """Return the URL without user name, password, query and fragment, which may hold secrets."""
    return re.sub(r"[?#].*", "?…", re.sub(r".*@", "…@", text, flags=re.DOTALL), flags=re.DOTALL)


def _host(url: SplitResult) -> str:
    """Return the host in the form that URLs use, "" if it is not valid."""
    host = url.hostname or ""
    if "[" in url.netloc or "]" in url.netloc:  # urlsplit also finds a host where other text is around the brackets
        return f"[{ipaddress.IPv6Address(host)}]" if _IPV6_HOST.fullmatch(url.netloc) else ""
    return host if _HOST.fullmatch(host) else ""


def _is_loopback(host: str) -> bool:
    if host in {"localhost", "[::1]"}:
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def _parse_switch(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise NotAccepted


def _parse_toolsets(text: str) -> frozenset[str]:
    if text.lower() == "all":
        return TOOLSETS
    families = {part.strip().lower() for part in text.split(",")} - {""}
    if not families or not families <= TOOLSETS:
        raise NotAccepted
    return frozenset(families | {"account"})


def _show_toolsets(toolsets: frozenset[str]) -> str:
    return "all" if toolsets == TOOLSETS else ",".join(sorted(toolsets))


def _parse_log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise NotAccepted
    return text.upper()


def _parse_number(text: str, least: float, most: float = float("inf")) -> float:
    if not (_NUMBER.fullmatch(text) and least <= float(text) <= most):
        raise NotAccepted
    return float(text)


def _parse_credits(text: str) -> float | None:
    return _parse_number(text, 0, _MAX_CREDITS) if text else None


def _show_credits(limit: float | None) -> str:
    return "unset" if limit is None else f"{limit:g}"


def _parse_mebibytes(text: str) -> int:
    return int(_parse_number(text, 1 / _BYTES_PER_MIB) * _BYTES_PER_MIB)


def seconds(least: float) -> Kind[float]:
    """Return the kind for a number of seconds from `least` to a day."""
    return Kind(
        lambda text: _parse_number(text, least, _MAX_SECONDS),
        "{:g}".format,
        accepted=f"a number of seconds from {least:g} to {_MAX_SECONDS}",
        format="number",
        limits=(least, _MAX_SECONDS),
    )


KEY = Kind(_parse_key, str, accepted="printable ASCII characters without spaces")
BASE_URL = Kind(_parse_base_url, str, accepted=f"an https URL such as {DEFAULT_BASE_URL}", redact=_redact_url)
SWITCH = Kind(_parse_switch, "{:d}".format, accepted="1 or 0", format="boolean")
CHOICE_OF_TOOLSETS = Kind(
    _parse_toolsets, _show_toolsets, accepted=f"all, or a comma-separated list of {', '.join(sorted(TOOLSETS))}"
)
LOG_LEVEL = Kind(_parse_log_level, str, accepted=f"one of {', '.join(LOG_LEVELS)}", choices=LOG_LEVELS)
CREDITS = Kind(_parse_credits, _show_credits, accepted=f"a number of credits from 0 to {_MAX_CREDITS}", format="number")
MEBIBYTES = Kind(
    _parse_mebibytes,
    lambda size: f"{size / _BYTES_PER_MIB:g}",
    accepted="a number of megabytes above 0, such as 200 or 0.5",
    format="number",
    limits=(1 / _BYTES_PER_MIB, None),
)
