"""`webvoice-mcp uninstall`: remove the server from a client's configuration. Saved keys stay; see `logout`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from webvoice_mcp.cli.clients.config_files import find_config_file, read_entry, require_config_file
from webvoice_mcp.cli.clients.entries import hide_values, runs_this_server
from webvoice_mcp.cli.clients.json_files import edit_file
from webvoice_mcp.cli.clients.json_text import MISSING, NotEdited, find_entry, remove_entry
from webvoice_mcp.cli.clients.mcp_clients import ENTRY_NAME, INSTALLABLE, PACKAGE, TITLE, InstallMethod, McpClient
from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.cli.clients.snippets import explain_uninstall
from webvoice_mcp.cli.clients.vendor_command import CommandFailed, find_program, run_program
from webvoice_mcp.client.redaction import redact

_FOREIGN_ENTRY = f'its entry "{ENTRY_NAME}" does not run {PACKAGE}. If you do not need it, remove it by hand'


def run(options: argparse.Namespace) -> int:
    """Remove the server from one client; return 1 if that failed and the user has to do it by hand."""
    client = INSTALLABLE[options.client]
    platform = Platform.current()
    path = find_config_file(client, platform)
    instructions = explain_uninstall(client, path, platform)
    try:
        if client.method is InstallMethod.EDIT_FILE:
            print(_edit_file(client, require_config_file(client, platform)))
        elif client.remove_argv and (program := find_program(client.remove_argv, platform)):
            print(_run_command(client, require_config_file(client, platform), program))
        else:
            print(instructions)
    except (NotEdited, CommandFailed) as reason:
        print(f"webvoice-mcp: {path} was not changed: {reason}.\n{instructions}", file=sys.stderr)
        return 1
    return 0


def _edit_file(client: McpClient, path: Path) -> str:
    removed: Any = MISSING

    def change(text: str) -> str:
        nonlocal removed
        removed = find_entry(text, client.section, ENTRY_NAME)
        _check_ours(removed)
        return remove_entry(text, client.section, ENTRY_NAME)

    result = edit_file(path, change)
    if not result.is_changed:
        return _describe_missing(client, path)
    entry = redact(json.dumps(hide_values(removed), ensure_ascii=False))
    return (
        f"{TITLE} was removed from {client.title}: {path}\nThe entry was: {entry}\n"
        f"Backup of the old file: {result.backup}"
    )


def _check_ours(entry: object) -> None:
    """Raise NotEdited for somebody else's entry, which only has the same name."""
    if entry is not MISSING and not runs_this_server(entry):
        raise NotEdited(_FOREIGN_ENTRY)


def _run_command(client: McpClient, path: Path, program: str) -> str:
    present = read_entry(client, path)
    _check_ours(present)
    try:
        run_program(program, client.remove_argv)
    except CommandFailed:
        if present is not MISSING:
            raise
        return _describe_missing(client, path)
    return f"{TITLE} was removed from {client.title} by its own command, {client.remove_argv[0]}."


def _describe_missing(client: McpClient, path: Path) -> str:
    return f"{TITLE} is not in {client.title} ({path}); nothing was changed."
