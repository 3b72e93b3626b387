"""`webvoice-mcp uninstall`: takes the server out of a client's configuration. Saved keys stay; see `logout`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from webvoice_mcp.cli import _config, _jsonfile, _snippets, _vendor
from webvoice_mcp.cli._jsontext import MISSING, LeftAlone, entry, without_entry
from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli.clients import NAME, TITLE, Client, Way
from webvoice_mcp.cli.install import choose

_DESCRIPTION = """\
Take the server out of a client's configuration. The client's file keeps all else that is in it, and a copy of the old
file stays beside it. Saved keys stay; `webvoice-mcp logout` forgets them."""


def run(words: list[str]) -> int:
    """Uninstall from one client; 1 when that could not be done and has to be done by hand."""
    parser = argparse.ArgumentParser(prog="webvoice-mcp uninstall", description=_DESCRIPTION, allow_abbrev=False)
    client, _ = choose(parser, words)
    machine = Machine.here()
    path = _config.config_file(client, machine)
    by_hand = _snippets.by_hand_away(client, path, machine)
    try:
        if client.way is Way.EDITED:
            print(_edited(client, path))
        elif client.remove and (program := _vendor.find(client.remove, machine)):
            print(_commanded(client, path, program))
        else:
            print(by_hand)
    except (LeftAlone, _vendor.CommandFailed) as reason:
        print(f"webvoice-mcp: {path} was left as it is: {reason}.\n{by_hand}", file=sys.stderr)
        return 1
    return 0


def _edited(client: Client, path: Path) -> str:
    there = None

    def change(text: str) -> str:
        nonlocal there
        there = entry(text, client.key, NAME)
        return without_entry(text, client.key, NAME)

    done = _jsonfile.edit(path, change)
    if not done.changed:
        return _was_not_there(client, path)
    what = f"The entry {NAME!r} was taken out of {client.title}: {path}"
    return f"{what}\nit was: {json.dumps(_without_values(there))}\nthe file as it was: {done.backup}"


def _without_values(value: Any) -> Any:
    """An entry with the names of its variables alone: a value may be a key."""
    if isinstance(value, dict) and isinstance(value.get("env"), dict):
        return value | {"env": dict.fromkeys(value["env"], "…")}
    return value


def _commanded(client: Client, path: Path, program: str) -> str:
    there = _config.present(client, path)
    try:
        _vendor.run(program, client.remove)
    except _vendor.CommandFailed:
        if there is not MISSING:
            raise
        return _was_not_there(client, path)
    return f"{TITLE} is not in {client.title} any more, by its own command, {client.remove[0]}."


def _was_not_there(client: Client, path: Path) -> str:
    return f"{TITLE} is not in {client.title} ({path}); nothing was changed."
