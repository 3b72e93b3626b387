"""What to do by hand: the text for a client's file, the command line to run, the link to open."""

import json
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli.clients import NAME, TITLE, Client, Form, Launch

_GOOSE = """\
extensions:
  {name}:
    name: {title}
    type: stdio
    enabled: true
    cmd: {command}
    args: {args}
    envs: {{}}
    env_keys: []
    timeout: 300
"""

_CONTINUE = """\
mcpServers:
  - name: {name}
    command: {command}
    args: {args}
"""

_TOML = """\
[{key}.{name}]
command = {command}
args = {args}
"""


def snippet(client: Client, launch: Launch) -> str:
    """What has to stand in the client's file, and nothing else."""
    if client.form is Form.JSON:
        return _json({client.key: {NAME: client.entry(launch)}}, indent=2) + "\n"
    form = {Form.TOML: _TOML, Form.GOOSE: _GOOSE, Form.CONTINUE: _CONTINUE}[client.form]
    # A string or list of JSON's is one of YAML's and TOML's.
    command, args = _json(launch.command), _json(list(launch.args))
    return form.format(name=NAME, title=TITLE, key=client.key, command=command, args=args)


def command_line(words: Sequence[str], machine: Machine) -> str:
    """A command line to copy into a shell; on Windows, into the Command Prompt."""
    return subprocess.list2cmdline(words) if machine.is_windows else shlex.join(words)


def by_hand(client: Client, launch: Launch, path: Path, machine: Machine) -> str:
    """How a person puts the server into the client."""
    put = f"put this into {path}"
    lines = []
    if client.add:
        lines += [
            f"For {client.title}, {_run(machine)}:",
            "",
            f"  {command_line(client.add_words(launch), machine)}",
            "",
        ]
        lines += [f"or {put}:"]
    else:
        lines += [f"For {client.title}, {put}:"]
    lines += ["", snippet(client, launch).rstrip()]
    if client.link:
        lines += ["", f"or open {client.install_link(launch)}"]
    return "\n".join([*lines, "", f"More: {client.page}"])


def by_hand_away(client: Client, path: Path, machine: Machine) -> str:
    """How a person takes the server out of the client."""
    where = f'remove "{NAME}" under "{client.key}" in {path}'
    if client.remove:
        return f"For {client.title}, {_run(machine)}:\n\n  {command_line(client.remove, machine)}\n\nor {where}."
    return f"For {client.title}, {where}."


def _run(machine: Machine) -> str:
    return "run in the Command Prompt" if machine.is_windows else "run"


def _json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
