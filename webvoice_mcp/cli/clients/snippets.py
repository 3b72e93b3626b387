"""Instructions for the user: the text for a client's file, the command to run, the link to open."""

import json
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from webvoice_mcp.cli.clients.mcp_clients import ENTRY_NAME, TITLE, ConfigFormat, McpClient, ServerCommand
from webvoice_mcp.cli.clients.platforms import Platform

_GOOSE_YAML = """\
extensions:
  {name}:
    name: {title}
    type: stdio
    enabled: true
    cmd: {command}
    args: {args}
    envs: {env}
    env_keys: []
    timeout: 300
"""

_CONTINUE_YAML = """\
mcpServers:
  - name: {name}
    command: {command}
    args: {args}
{env}"""

_TOML = """\
[{section}.{name}]
command = {command}
args = {args}
{env}"""

_TEMPLATES = {
    ConfigFormat.TOML: _TOML,
    ConfigFormat.GOOSE_YAML: _GOOSE_YAML,
    ConfigFormat.CONTINUE_YAML: _CONTINUE_YAML,
}


def config_snippet(client: McpClient, server: ServerCommand) -> str:
    """Return the text that the client's file needs, and nothing else."""
    if client.format is ConfigFormat.JSON:
        return _to_json({client.section: {ENTRY_NAME: client.create_entry(server)}}, indent=2) + "\n"
    # A JSON string or list is also valid YAML and TOML.
    command, args = _to_json(server.command), _to_json(list(server.args))
    return _TEMPLATES[client.format].format(
        name=ENTRY_NAME, title=TITLE, section=client.section, command=command, args=args, env=_env(client, server)
    )


def _env(client: McpClient, server: ServerCommand) -> str:
    """Return the variables as the template of the client's format needs them."""
    if client.format is ConfigFormat.GOOSE_YAML:
        return _to_json(dict(server.env))
    if not server.env:
        return ""
    if client.format is ConfigFormat.TOML:
        lines = [f"{name} = {_to_json(value)}" for name, value in server.env]
        return "\n".join(["", f"[{client.section}.{ENTRY_NAME}.env]", *lines, ""])
    return f"    env: {_to_json(dict(server.env))}\n"


def quote_command(argv: Sequence[str], platform: Platform) -> str:
    """Return the command line to paste into a shell, or on Windows into the Command Prompt."""
    return subprocess.list2cmdline(argv) if platform.is_windows else shlex.join(argv)


def explain_install(client: McpClient, server: ServerCommand, path: Path, platform: Platform) -> str:
    """Return instructions for adding the server to the client by hand."""
    write = f"write this to {path}"
    if client.add_argv:
        command = quote_command(client.create_add_argv(server), platform)
        lines = [f"For {client.title}, {_run(platform)}:", "", f"  {command}", "", f"or {write}:"]
    else:
        lines = [f"For {client.title}, {write}:"]
    lines += ["", config_snippet(client, server).rstrip()]
    if link := client.install_link(server):
        lines += ["", f"or open {link}"]
    return "\n".join([*lines, "", f"More: {client.docs_url}"])


def explain_uninstall(client: McpClient, path: Path, platform: Platform) -> str:
    """Return instructions for removing the server from the client by hand."""
    remove = f'remove "{ENTRY_NAME}" under "{client.section}" in {path}'
    if client.remove_argv:
        command = quote_command(client.remove_argv, platform)
        return f"For {client.title}, {_run(platform)}:\n\n  {command}\n\nor {remove}."
    return f"For {client.title}, {remove}."


def _run(platform: Platform) -> str:
    return "run in the Command Prompt" if platform.is_windows else "run"


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
