"""`webvoice-mcp install`: add the server to a client's configuration, without a key."""

import argparse
import sys
from pathlib import Path
from typing import Any

from webvoice_mcp.cli.clients.config_files import find_config_file, read_entry, require_config_file
from webvoice_mcp.cli.clients.json_files import edit_file
from webvoice_mcp.cli.clients.json_text import MISSING, NotEdited, find_entry, set_entry
from webvoice_mcp.cli.clients.mcp_clients import (
    ENTRY_NAME,
    INSTALLABLE,
    TITLE,
    InstallMethod,
    McpClient,
    ServerCommand,
)
from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.cli.clients.server_command import (
    choose_server_command,
    describe_media,
    describe_missing_command,
)
from webvoice_mcp.cli.clients.snippets import explain_install
from webvoice_mcp.cli.clients.variables import read_variables
from webvoice_mcp.cli.clients.vendor_command import CommandFailed, find_program, run_program

_NEXT_STEP = 'Restart it, then ask your agent: "Register me at WebVoice with my e-mail address."'
_DIFFERENT_VARIABLES = f'its entry named "{ENTRY_NAME}" has other variables; --force replaces them'
_DIFFERENT_ENTRY = f'it has a different entry named "{ENTRY_NAME}"; --force replaces it'


def run(options: argparse.Namespace) -> int:
    """Add the server to one client; return 1 if that failed and the user has to do it by hand."""
    client = INSTALLABLE[options.client]
    platform = Platform.current()
    is_printed = options.print or client.method is InstallMethod.PRINT
    path = find_config_file(client, platform) if is_printed else require_config_file(client, platform)
    env = read_variables(options.env)
    server = choose_server_command(platform, full_path=client.needs_full_path, media=options.media, env=env)
    if warning := describe_missing_command(server, platform):
        print(f"webvoice-mcp: {warning}", file=sys.stderr)
    installation = _Installation(client, server, platform, path)
    if is_printed:
        print(installation.instructions)
        code = 0
    elif client.method is InstallMethod.EDIT_FILE:
        code = installation.edit_file(force=options.force)
    else:
        code = installation.run_command(force=options.force)
    if options.media and not code:
        print(describe_media(server))
    return code


class _Installation:
    """A client and the server to add to it. The methods print the outcome and return the exit code."""

    def __init__(self, client: McpClient, server: ServerCommand, platform: Platform, path: Path) -> None:
        self._client = client
        self._server = server
        self._platform = platform
        self._path = path

    @property
    def instructions(self) -> str:
        return explain_install(self._client, self._server, self._path, self._platform)

    def edit_file(self, *, force: bool) -> int:
        section = self._client.section

        def change(text: str) -> str:
            present = find_entry(text, section, ENTRY_NAME)
            if self._client.is_same_command(present, self._server):
                return self._set_variables(text, present, force=force)
            if present is not MISSING and not force:
                raise NotEdited(_DIFFERENT_ENTRY)
            return set_entry(text, section, ENTRY_NAME, self._client.create_entry(self._server))

        try:
            result = edit_file(self._path, change)
        except NotEdited as reason:
            return self._report_failure(f"{self._path} was not changed: {reason}.")
        if not result.is_changed:
            return self._report_present()
        backup = f"\nBackup of the old file: {result.backup}" if result.backup else ""
        print(f"{TITLE} was added to {self._client.title}: {self._path}{backup}\n{_NEXT_STEP}")
        return 0

    def _set_variables(self, text: str, entry: dict[str, Any], *, force: bool) -> str:
        """Return the text with the variables added to our entry, of which everything else stays."""
        if self._client.has_variables(entry, self._server):
            return text
        env = dict(self._server.env)
        present = entry.get("env") or {}
        is_free = isinstance(present, dict) and all(present.get(name, value) == value for name, value in env.items())
        if not is_free and not force:
            raise NotEdited(_DIFFERENT_VARIABLES)
        merged = {**present, **env} if isinstance(present, dict) else env
        return set_entry(text, self._client.section, ENTRY_NAME, {**entry, "env": merged})

    def run_command(self, *, force: bool) -> int:
        present = read_entry(self._client, self._path)
        is_same = self._client.is_same_command(present, self._server)
        if is_same and self._client.has_variables(present, self._server):
            return self._report_present()
        add_argv = self._client.create_add_argv(self._server)
        program = find_program(add_argv, self._platform)
        if program is None:
            print(f"The command {add_argv[0]} is not available here.\n\n{self.instructions}")
            return 0
        if present is not MISSING and not force:
            reason = _DIFFERENT_VARIABLES if is_same else _DIFFERENT_ENTRY
            return self._report_failure(f"{self._path} was not changed: {reason}.")
        old = self._read_file()
        try:
            if present is not MISSING and self._client.remove_argv:
                run_program(program, self._client.remove_argv)
            run_program(program, add_argv)
        except CommandFailed as error:
            if old is not None and self._read_file() != old:
                self._path.write_bytes(old)  # put the old entry back, which was already removed
            return self._report_failure(f"{self._client.title} could not be configured: {error}")
        print(f"{TITLE} was added to {self._client.title} by its own command, {add_argv[0]}.\n{_NEXT_STEP}")
        return 0

    def _read_file(self) -> bytes | None:
        return self._path.read_bytes() if self._path.is_file() else None

    def _report_present(self) -> int:
        print(f"{TITLE} is already in {self._client.title} ({self._path}); nothing was changed.")
        return 0

    def _report_failure(self, reason: str) -> int:
        print(f"webvoice-mcp: {reason}", file=sys.stderr)
        print(self.instructions)
        return 1
