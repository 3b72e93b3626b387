"""Checks for a proxy between this computer and the service."""

import re
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from webvoice_mcp.cli.doctor.check import Check
from webvoice_mcp.settings import Settings

_NAME = "proxy"


def check(settings: Settings) -> Check:
    """Report the proxy that is used for the base URL."""
    url = urlsplit(settings.base_url)
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all", "")
    if not proxy:
        return Check(_NAME, True, "none")
    shown = re.sub(r"^(.*://)?.*@", r"\1", proxy)  # without a user name and password
    if url.scheme == "http" or proxy_bypass(url.netloc):
        return Check(_NAME, True, f"{shown} is set, but not used for {url.netloc}")
    return Check(_NAME, True, f"{url.netloc} is reached through {shown}")
