"""docs/SETTINGS.md: every variable, from the entry for the registry of servers."""

import json
from collections.abc import Iterator
from typing import Any

_PAGE = """\
# Settings

Written by `scripts/snapshots.py` from `server.json`.

All settings are environment variables. Clients set them in the `env` of the server's entry. Empty values count as
unset, and so do placeholders that a client left unexpanded (they contain `${{`), but for the guards: there a
placeholder ends the start, since a guard must not be off unnoticed. A setting that cannot be read ends the start with
one line that names it and what is accepted, and exit code 2. `webvoice-mcp doctor` shows each setting and where it came
from.

| variable | default | meaning |
|---|---|---|
{rows}

The HTTP client reads `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR` as usual. Clients hand
on few variables of their own, so these belong into `env`, too. Certificates are the system's: a container needs its
`ca-certificates`.
"""


def page(server: str) -> str:
    """The whole page.

    Args:
        server: the text of server.json.
    """
    (package,) = json.loads(server)["packages"]
    return _PAGE.format(rows="\n".join(_rows(package["environmentVariables"])))


def _rows(variables: list[dict[str, Any]]) -> Iterator[str]:
    for each in variables:
        meaning, _, unset = each["description"].partition(" Default: ")
        default = f"`{each['default']}`" if "default" in each else unset.rstrip(".") or "none"
        choices = " One of " + ", ".join(f"`{choice}`" for choice in each["choices"]) + "." if "choices" in each else ""
        yield f"| `{each['name']}` | {default} | {meaning}{choices} |"
