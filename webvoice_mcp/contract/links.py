"""Links to media that the service fetches: https URLs of public hosts."""

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

_IPV6_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\](:[0-9]*)?")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
# RFC 6762, appendix G, has names that are in use on local networks besides the reserved ones.
_LOCAL_ENDINGS = (
    *(".localhost", ".local", ".internal", ".home.arpa", ".localdomain"),
    *(".intranet", ".private", ".corp", ".home", ".lan"),
)
_MAX_NUMBERS = 4
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # addresses that stand for an IPv4 address
_ALLOCATED = ipaddress.IPv6Network("2000::/3")  # the only range from which public IPv6 addresses are given out

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public_link(text: Any) -> bool:
    """Return True for an https URL of a host that anybody could reach, without user name and password.

    Addresses of loopback, private and other special networks are refused, in every notation that programs accept, and
    so are names without a dot or for local networks. Names are not looked up.
    """
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or set(text) & set(" \\"):
        return False
    try:
        url = urlsplit(text)
        host, _port = url.hostname or "", url.port
        if "[" in url.netloc or "]" in url.netloc:
            is_public = bool(_IPV6_HOST.fullmatch(url.netloc)) and _is_public(ipaddress.IPv6Address(host))
        else:
            is_public = _is_public_name(host.removesuffix("."))
    except ValueError:
        return False
    return url.scheme == "https" and "@" not in url.netloc and is_public


def _is_public_name(host: str) -> bool:
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _is_public(_ipv4(labels))
    return bool(_NAME.fullmatch(host)) and not host.endswith(_LOCAL_ENDINGS)


def _ipv4(parts: list[str]) -> ipaddress.IPv4Address:
    """Return the address in one to four numbers, each decimal, octal or hexadecimal; the last fills what is left.

    Raises:
        ValueError: this is no address.
    """
    if len(parts) > _MAX_NUMBERS:
        raise ValueError(parts)
    *leading, last = [_number(part) for part in parts]
    left = 256 ** (_MAX_NUMBERS - len(leading))
    if any(number > 255 for number in leading) or last >= left:
        raise ValueError(parts)
    return ipaddress.IPv4Address(sum(number << 8 * (3 - index) for index, number in enumerate(leading)) + last)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") and len(text) > 1 else 10)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        embedded = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64 or address.packed[:12] == bytes(12):
            embedded.append(ipaddress.IPv4Address(address.packed[12:]))
        if any(embedded):
            return all(_is_public(inner) for inner in embedded if inner)
        if address not in _ALLOCATED:
            return False
    return address.is_global and not address.is_multicast
