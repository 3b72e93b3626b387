"""Checks for a proxy between this computer and the service."""

from urllib.parse import urlsplit

from webvoice_mcp.cli.doctor.check import Check
from webvoice_mcp.client.proxy import find_proxy
from webvoice_mcp.settings import Settings

_NAME = "proxy"


def check(settings: Settings) -> Check:
    """Report the proxy that is used for the base URL."""
    host = urlsplit(settings.base_url).netloc
    proxy = find_proxy(settings.base_url)
    if proxy is None:
        return Check(_NAME, True, "none")
    if not proxy.is_used:
        return Check(_NAME, True, f"{proxy.shown} is set, but not used for {host}")
    return Check(_NAME, True, f"{host} is reached through {proxy.shown}")
