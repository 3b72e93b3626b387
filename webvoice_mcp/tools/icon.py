"""The server's icon, as clients get it when they connect."""

import base64
from pathlib import Path

from mcp.types import Icon

SVG = Path(__file__).with_name("icon.svg")
"""The file of the icon; all its other forms are made from it."""


def icon() -> Icon:
    """Return the icon as a `data:` address of half a kilobyte, which no client has to fetch."""
    data = base64.b64encode(SVG.read_bytes()).decode()
    return Icon(src=f"data:image/svg+xml;base64,{data}", mime_type="image/svg+xml", sizes=["any"])
