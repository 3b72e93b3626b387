"""The HTTP client underneath: how it is set up, and what is said when it cannot be, or reaches nobody."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.request import getproxies

import httpx2

from webvoice_mcp import __version__
from webvoice_mcp.client.answers import plain
from webvoice_mcp.errors import NetworkError

_CONNECT_TIMEOUT = 15.0
# Most agent calls come seconds apart; httpx's five would mean a new TLS handshake for almost each.
_KEEPALIVE = 45.0
_LIMITS = httpx2.Limits(max_connections=64, max_keepalive_connections=20, keepalive_expiry=_KEEPALIVE)
_REASON_CHARACTERS = 200
_PROXIES = {"https", "all"}

_NOTHING_DONE = "Nothing was carried out. No credits were spent."
_PROXY = "HTTPS_PROXY, ALL_PROXY or the system's proxy"
_CERTIFICATES = "SSL_CERT_FILE or SSL_CERT_DIR"

UNREACHED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
"""Failures before the request was sent."""

UNUSABLE = (OSError, OverflowError, UnicodeError, ExceptionGroup)
"""What a proxy that cannot be, such as one with the port 99999, raises only when it is connected to."""


def set_up(base_url: str, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    """The HTTP client for this base URL. Reading the certificates takes tens of milliseconds.

    Raises:
        NetworkError: the environment names a proxy or certificates that cannot be used.
    """
    from webvoice_mcp.client.network import Transport  # noqa: PLC0415 - loads the HTTP client's lower half

    # Plain http is loopback: a proxy from the environment would only be a stranger reading the key.
    secure = base_url.startswith("https:")
    try:
        if transport is None and not (secure and _PROXIES & getproxies().keys()):
            transport = Transport(_LIMITS, httpx2.create_ssl_context() if secure else None)
        return httpx2.AsyncClient(
            headers={"User-Agent": f"webvoice-mcp/{__version__}", "Accept": "application/json"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # a session must not stand beside the key
            timeout=httpx2.Timeout(None, connect=_CONNECT_TIMEOUT),
            limits=_LIMITS,
            transport=transport,
            trust_env=secure,
        )
    except ImportError:
        raise NetworkError(
            "The proxy in the environment is a SOCKS proxy, which needs more: install httpx2[socks], or unset "
            f"{_PROXY}. {_NOTHING_DONE}"
        ) from None
    except OSError as error:
        raise NetworkError(
            f"The certificates in the environment cannot be read: {_reason(error.strerror or '')}. Correct or unset "
            f"{_CERTIFICATES}. {_NOTHING_DONE}"
        ) from None
    except (ValueError, httpx2.InvalidURL):
        raise unusable_proxy() from None


def unusable_proxy() -> NetworkError:
    """The error for a proxy that cannot be. It is not quoted: its URL may hold a password."""
    return NetworkError(f"The proxy in the environment cannot be used. Correct or unset {_PROXY}. {_NOTHING_DONE}")


def unreachable(base_url: str, error: httpx2.HTTPError) -> NetworkError:
    """The error for a host that no connection could be made to."""
    reason = "no connection in time" if isinstance(error, httpx2.ConnectTimeout) else _reason(str(error))
    environment = f", {_PROXY}, {_CERTIFICATES}" if base_url.startswith("https:") else ""
    return NetworkError(
        f"Cannot connect to {base_url}: {reason}. {_NOTHING_DONE} Check the network, WEBVOICE_BASE_URL{environment}."
    )


def _reason(text: str) -> str:
    return plain(text)[:_REASON_CHARACTERS].rstrip(". ") or "connection failed"
