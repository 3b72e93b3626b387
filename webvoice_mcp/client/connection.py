"""Creation of the HTTP client, and the errors for unusable proxies and certificates and for unreachable hosts."""

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from webvoice_mcp import __version__
from webvoice_mcp.client.proxy import find_proxy
from webvoice_mcp.client.redaction import redact
from webvoice_mcp.errors import NetworkError

_CONNECT_TIMEOUT_SECONDS = 15.0
# An agent's calls are often more than httpx2's default of five seconds apart, and would need a new TLS handshake.
_KEEPALIVE_SECONDS = 45.0
_LIMITS = httpx2.Limits(max_connections=64, max_keepalive_connections=20, keepalive_expiry=_KEEPALIVE_SECONDS)
_MAX_REASON_CHARACTERS = 200

_NOTHING_DONE = "Nothing was carried out. No credits were spent."
_PROXY_VARIABLES = "HTTPS_PROXY, ALL_PROXY or the system's proxy"
_CERTIFICATE_VARIABLES = "SSL_CERT_FILE or SSL_CERT_DIR"

NOT_SENT_ERRORS = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
"""Errors that are raised before any part of the request is sent."""

UNUSABLE_PROXY_ERRORS = (OSError, OverflowError, UnicodeError, ExceptionGroup)
"""Errors that an unusable proxy, for example with port 99999, causes only when a connection is made."""


def create_http_client(base_url: str, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    """Create the HTTP client for a base URL. Blocks for tens of milliseconds while certificates are read.

    Args:
        base_url: base URL of the API.
        transport: transport to use instead of `Transport`, for tests.

    Raises:
        NetworkError: the environment names a proxy or certificates that cannot be used.
    """
    from webvoice_mcp.client.transport import Transport  # noqa: PLC0415 - loads httpcore2 only for the first request

    try:
        if transport is None:
            proxy = find_proxy(base_url)
            tls = httpx2.create_ssl_context() if base_url.startswith("https:") else None
            transport = Transport(_LIMITS, tls, proxy.url if proxy and proxy.is_used else "")
        return httpx2.AsyncClient(
            headers={"User-Agent": f"webvoice-mcp/{__version__}", "Accept": "application/json"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # only the key identifies the user
            timeout=httpx2.Timeout(None, connect=_CONNECT_TIMEOUT_SECONDS),
            transport=transport,
            trust_env=False,  # else httpx2 would set up every proxy of the environment
        )
    except ImportError:
        raise NetworkError(
            "The proxy in the environment is a SOCKS proxy, which needs another package. Install httpx2[socks], or "
            f"unset {_PROXY_VARIABLES}. {_NOTHING_DONE}"
        ) from None
    except OSError as error:
        raise NetworkError(
            f"The certificates in the environment cannot be read: {_reason(error.strerror or '')}. Correct or unset "
            f"{_CERTIFICATE_VARIABLES}. {_NOTHING_DONE}"
        ) from None
    except (ValueError, httpx2.InvalidURL):
        raise unusable_proxy_error() from None


def unusable_proxy_error() -> NetworkError:
    """Return the error for an unusable proxy. Its URL is not quoted, because it may hold a password."""
    return NetworkError(
        f"The proxy in the environment cannot be used. Correct or unset {_PROXY_VARIABLES}. {_NOTHING_DONE}"
    )


def unreachable_error(base_url: str, error: httpx2.HTTPError) -> NetworkError:
    """Return the error for a host to which no connection could be made."""
    reason = "the connection timed out" if isinstance(error, httpx2.ConnectTimeout) else _reason(str(error))
    to_check = "the network and WEBVOICE_BASE_URL"
    if base_url.startswith("https:"):
        to_check = f"the network, WEBVOICE_BASE_URL, {_PROXY_VARIABLES} and {_CERTIFICATE_VARIABLES}"
    return NetworkError(f"Cannot connect to {base_url}: {reason}. {_NOTHING_DONE} Check {to_check}.")


def _reason(text: str) -> str:
    return redact(text)[:_MAX_REASON_CHARACTERS].rstrip(". ") or "connection failed"
