"""Generates docs/SETTINGS.md, the registry's variables and the bundle's form from the table of settings."""

import json
import math
from typing import Any

from webvoice_mcp.settings import SETTINGS, Setting

_PAGE = """\
# Settings

Written by `scripts/snapshots.py` from the table in `webvoice_mcp/settings/`.

All settings are environment variables. Clients set them in the `env` of the server's entry. Empty values count as
unset, and so do placeholders that a client left unexpanded (they contain `${{`). Guards are an exception: with a
placeholder in a guard, the server does not start, because the guard would be off without anybody noticing. If a setting
cannot be read, the server exits with code 2 and one line that names the setting and the accepted values.
`webvoice-mcp doctor` shows each setting and whether it comes from the environment.

Folders are absolute paths or begin with `~`. `$NAME`, `${{NAME}}` and `%NAME%` in them stand for variables of the
environment. A folder that is relative, in quotes, a `file:` URL, or has a placeholder that stands for nothing is
refused; a whole value that is an unexpanded `${{…}}` counts as above. Where there is no home folder,
`WEBVOICE_OUTPUT_DIR` and `WEBVOICE_STATE_DIR` have to be set.

A variable that begins with `WEBVOICE_` and is not in this table has no effect. The server says so on stderr when it
starts, with the nearest name, and `webvoice-mcp doctor` warns of it.

| variable | default | accepted | meaning |
|---|---|---|---|
{rows}

The HTTP client reads `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR` as usual. Clients pass
few of their own variables on, so these belong in `env` as well. The certificates are the system's; a container needs
the package `ca-certificates`.
"""
_FORM_TYPES = {"filepath": "directory"}


def page() -> str:
    """Return docs/SETTINGS.md."""
    return _PAGE.format(rows="\n".join(map(_row, SETTINGS)))


def registry_variables() -> list[dict[str, Any]]:
    """Return the list `environmentVariables` of a package in server.json."""
    return [_registry_variable(setting) for setting in SETTINGS]


def bundle_form() -> dict[str, dict[str, Any]]:
    """Return `user_config` of mcpb/manifest.json: the fields that Claude Desktop shows, by name."""
    return {_field_name(setting): _field(setting) for setting in SETTINGS if setting.form is not None}


def bundle_environment() -> dict[str, str]:
    """Return `env` of mcpb/manifest.json: each variable with the form field that it gets its value from."""
    return {
        setting.name: f"${{user_config.{_field_name(setting)}}}" for setting in SETTINGS if setting.form is not None
    }


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else setting.when_unset
    return f"| `{setting.name}` | {default} | {setting.kind.accepted} | {_description(setting)} |"


def _registry_variable(setting: Setting) -> dict[str, Any]:
    sentences = [_description(setting), f"Accepted: {setting.kind.accepted}."]
    variable = {"isRequired": False, "isSecret": setting.is_secret, "format": setting.kind.format}
    if setting.default:
        variable["default"] = setting.default
    else:
        sentences.append(f"Default: {setting.when_unset}.")
    if setting.kind.choices:
        variable["choices"] = list(setting.kind.choices)
    return {"name": setting.name, "description": " ".join(sentences), **variable}


def _description(setting: Setting) -> str:
    return f"Guard. {setting.description}" if setting.is_guard else setting.description


def _field_name(setting: Setting) -> str:
    return setting.name.removeprefix("WEBVOICE_").lower()


def _field(setting: Setting) -> dict[str, Any]:
    assert setting.form is not None
    kind = _FORM_TYPES.get(setting.kind.format, setting.kind.format)
    if kind == "number" and not setting.default:
        kind = "string"  # in the form, a number cannot be left empty
    # Every field has a default. Without value and default, Claude Desktop passes on the text `${user_config.…}`.
    field = {
        "type": kind,
        "title": setting.form.title,
        "description": setting.form.description,
        "required": False,
        "default": _form_default(setting, kind),
    }
    if kind == "number":
        least, most = setting.kind.limits
        field |= {word: math.ceil(limit) for word, limit in (("min", least), ("max", most)) if limit is not None}
    if setting.is_secret:
        field["sensitive"] = True
    return field


def _form_default(setting: Setting, kind: str) -> object:
    if kind == "boolean":
        return setting.default == "1"
    return json.loads(setting.default) if kind == "number" else setting.default
