"""`webvoice-mcp install`: puts the server into a client's configuration. No key goes with it."""

import argparse
import sys
from pathlib import Path

from webvoice_mcp.cli import _config, _jsonfile, _snippets, _vendor
from webvoice_mcp.cli._jsontext import MISSING, LeftAlone, entry, with_entry
from webvoice_mcp.cli._launcher import launch, trouble
from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli.clients import INSTALLABLE, NAME, TITLE, Client, Launch, Way

_DESCRIPTION = """\
Put the server into a client's configuration. The client's file keeps all else that is in it, and a copy of the old
file stays beside it. No key is written: the server keeps its own."""

_NEXT = 'Restart it, then ask your agent: "Register me at WebVoice with my e-mail address."'
_OTHER = f'it has another entry named "{NAME}"; --force replaces it'


def run(words: list[str]) -> int:
    """Install into one client; 1 when that could not be done and has to be done by hand."""
    parser = argparse.ArgumentParser(prog="webvoice-mcp install", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--print", action="store_true", help="change nothing, tell what would have to be written")
    parser.add_argument("--force", action="store_true", help=f"replace another entry named {NAME}")
    client, chosen = choose(parser, words)
    machine = Machine.here()
    to_run = launch(machine, full_path=client.desktop)
    if hindrance := trouble(to_run, machine):
        print(f"webvoice-mcp: {hindrance}", file=sys.stderr)
    job = _Job(client, to_run, machine)
    if chosen.print or client.way is Way.PRINTED:
        print(job.by_hand)
        return 0
    return job.edit(force=chosen.force) if client.way is Way.EDITED else job.command(force=chosen.force)


def choose(parser: argparse.ArgumentParser, words: list[str]) -> tuple[Client, argparse.Namespace]:
    """The client that is named on the command line, and the other options.

    Raises:
        SystemExit: code 2, with the list of clients, when it is none of them.
    """
    names = ", ".join(INSTALLABLE)
    parser.add_argument("client", metavar="CLIENT", help=f"one of: {names}")
    chosen = parser.parse_args(words)
    if chosen.client not in INSTALLABLE:
        parser.error(f"unknown client {chosen.client!r}; the clients are: {names}")
    return INSTALLABLE[chosen.client], chosen


class _Job:
    def __init__(self, client: Client, launch: Launch, machine: Machine) -> None:
        self._client = client
        self._launch = launch
        self._machine = machine
        self._path: Path = _config.config_file(client, machine)

    @property
    def by_hand(self) -> str:
        return _snippets.by_hand(self._client, self._launch, self._path, self._machine)

    def edit(self, *, force: bool) -> int:
        section, value = self._client.key, self._client.entry(self._launch)

        def change(text: str) -> str:
            there = entry(text, section, NAME)
            if self._client.launches(there, self._launch):
                return text
            if there is not MISSING and not force:
                raise LeftAlone(_OTHER)
            return with_entry(text, section, NAME, value)

        try:
            done = _jsonfile.edit(self._path, change)
        except LeftAlone as reason:
            return self._left(f"{self._path} was left as it is: {reason}.")
        if not done.changed:
            return self._already()
        old = f"\nthe file as it was: {done.backup}" if done.backup else ""
        print(f"{TITLE} was put into {self._client.title}: {self._path}{old}\n{_NEXT}")
        return 0

    def command(self, *, force: bool) -> int:
        there = _config.present(self._client, self._path)
        if self._client.launches(there, self._launch):
            return self._already()
        add = self._client.add_words(self._launch)
        program = _vendor.find(add, self._machine)
        if program is None:
            print(f"The command {add[0]} cannot be used from here.\n\n{self.by_hand}")
            return 0
        if there is not MISSING and not force:
            return self._left(f"{self._path} was left as it is: {_OTHER}.")
        before = self._content()
        try:
            if there is not MISSING and self._client.remove:
                _vendor.run(program, self._client.remove)
            _vendor.run(program, add)
        except _vendor.CommandFailed as error:
            if before is not None and self._content() != before:
                self._path.write_bytes(before)  # the old entry had gone already
            return self._left(f"{self._client.title} could not be set up: {error}")
        print(f"{TITLE} was put into {self._client.title} by its own command, {add[0]}.\n{_NEXT}")
        return 0

    def _content(self) -> bytes | None:
        return self._path.read_bytes() if self._path.is_file() else None

    def _already(self) -> int:
        print(f"{TITLE} is in {self._client.title} already ({self._path}); nothing was changed.")
        return 0

    def _left(self, reason: str) -> int:
        print(f"webvoice-mcp: {reason}", file=sys.stderr)
        print(self.by_hand)
        return 1
