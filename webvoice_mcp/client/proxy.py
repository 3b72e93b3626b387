"""The proxy for a base URL, from the environment or, on Windows and macOS, from the system."""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that is set.

    Attributes:
        url: its URL, which may hold a user name and password.
        is_used: False if requests to the base URL do not go through it.
    """

    url: str = field(repr=False)
    is_used: bool

    @property
    def shown(self) -> str:
        """The URL without user name and password."""
        return re.sub(r"^(.*://)?.*@", r"\1", self.url)


def find_proxy(base_url: str) -> Proxy | None:
    """Return the proxy for a base URL, None if none is set.

    HTTPS_PROXY counts before ALL_PROXY, and NO_PROXY is honoured. A URL without a scheme is an http one; socks is
    another word for socks5. Plain http is for loopback only, where a proxy is of no use and would see the key.
    """
    url = urlsplit(base_url)
    proxies = getproxies()
    proxy = proxies.get(url.scheme, "").strip() or proxies.get("all", "").strip()
    if not proxy:
        return None
    proxy = re.sub(r"^socks://", "socks5://", proxy, flags=re.IGNORECASE)
    if not _SCHEME.match(proxy):
        proxy = f"http://{proxy}"
    return Proxy(proxy, is_used=url.scheme == "https" and not _is_exempt(url))


def _is_exempt(url: SplitResult) -> bool:
    host = url.hostname or ""
    entries = [entry.strip() for entry in getproxies().get("no", "").split(",")]
    # "*" exempts all hosts also beside other entries, and "*.example.com" is another form of ".example.com".
    is_listed = "*" in entries or any(
        host == entry.strip("[]") or (entry.startswith("*.") and host.endswith(entry[1:])) for entry in entries
    )
    # An entry may name the port, which a URL with the default one does not.
    return is_listed or bool(proxy_bypass(url.netloc if url.port else f"{url.netloc}:{_HTTPS_PORT}"))
