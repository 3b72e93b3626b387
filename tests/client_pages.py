"""What is generated from the table of clients: the install links in the README, and docs/CLIENTS.md.

`scripts/snapshots.py` writes it; `tests/cli/test_clients.py` fails when a file says something else.
"""

import re
from pathlib import Path, PureWindowsPath

from webvoice_mcp.cli._config import candidates
from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli._snippets import command_line, snippet
from webvoice_mcp.cli.clients import CLIENTS, UVX, Client, Form, Way

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python3 scripts/snapshots.py"

_BEGIN = "<!-- install links: written by scripts/snapshots.py -->\n"
_END = "<!-- /install links -->"
_BUTTONS = re.compile(f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)

_LINUX = Machine("linux", "~", {})
_MAC = Machine("darwin", "~", {})
_WINDOWS = Machine("win32", "%USERPROFILE%", {"APPDATA": "%APPDATA%", "LOCALAPPDATA": "%LOCALAPPDATA%"})

_HEAD = """\
# Clients

<!-- Written by scripts/snapshots.py from the table in webvoice_mcp/cli/clients.py. -->

`webvoice-mcp install CLIENT` puts the server into a client, `webvoice-mcp uninstall CLIENT` takes it out again. With
`--print`, nothing is changed and the text to write is shown. In short:

| client | `webvoice-mcp install` | how |
|---|---|---|
{rows}

## What is written, and what is not

- **The command** is the full path of the installed `webvoice-mcp`, since a client that is started from the desktop
  finds no command by its name alone. Where the installation will not last (it was run by `uvx`, or lies in a cache or
  a temporary folder) it is `uvx webvoice-mcp`; for Claude Desktop `uvx` then has its full path.
- **No key.** The server keeps its own; see `webvoice-mcp login`. A key of yours goes into `env`, if you want it there:
  `"env": {{"WEBVOICE_API_KEY": "…"}}`. Never into a file that is committed with a project.
- **Nothing else is touched.** In a file that we edit, every other byte stays: order, indent, line ends, byte order
  mark, mode, links to another file. A copy of the old file stays beside it, with `.bak-` and the time in its name.
  Twice changes nothing, and two at once lose nothing.
- **A file that cannot be read without guessing is left alone:** one with comments or an error, with a name twice in an
  object, that is read-only or not UTF-8. The command then ends with code 1 and shows what to write by hand.
- An entry `webvoice` that runs something else is replaced only with `--force`. Fields that you added to ours, such as
  `env`, stay as long as the command is the same.

A client with a command line of its own is asked to do it itself; where that is not on the PATH, the command to run is
shown. After a change the client has to be restarted.

## The usual entry

```jsonc
{usual}
```
"""

_HOW = {
    Way.EDITED: "its file is edited",
    Way.COMMAND: "by its own command `{command}`",
    Way.PRINTED: "the text to write is shown",
    Way.LINKED: "by hand",
}

# Not `json`: these are looked at by tests of their own.
_FENCE = {Form.JSON: "jsonc", Form.TOML: "toml", Form.GOOSE: "yaml", Form.CONTINUE: "yaml"}


_USUAL = snippet(CLIENTS[0], UVX)


def buttons(readme: str) -> str:
    """The line of links in a README."""
    (line,) = _BUTTONS.findall(readme)
    found: str = line
    return found


def stale(root: Path = ROOT) -> list[str]:
    """The pages that say something else than the table."""
    return [name for name, text in _wanted(root).items() if _read(root / name) != text]


def renew(root: Path = ROOT) -> list[str]:
    """Write what is stale; the paths of what was written."""
    wanted = _wanted(root)
    found = stale(root)
    for name in found:
        (root / name).write_text(wanted[name], encoding="utf-8", newline="\n")
    return found


def _wanted(root: Path) -> dict[str, str]:
    links = " · ".join(f"[{each.title}]({each.install_link()})" for each in CLIENTS if each.link)
    readme = _BUTTONS.sub(lambda _: f"{links}\n", _read(root / "README.md"))
    rows = "\n".join(map(_row, CLIENTS))
    return {
        "README.md": readme,
        "docs/CLIENTS.md": "\n".join([_HEAD.format(rows=rows, usual=_USUAL.rstrip()), *map(_section, CLIENTS)]),
    }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _row(client: Client) -> str:
    name = "–" if client.way is Way.LINKED else f"`{client.name}`"
    link = f"[install link]({client.install_link()})" if client.link else ""
    how = _HOW[client.way].format(command="".join(client.add[:1]))
    return f"| [{client.title}]({client.page}) | {name} | {'; '.join(filter(None, (how, link)))} |"


def _section(client: Client) -> str:
    lines = [f"## {client.title}", ""]
    if client.add:
        gone = f"`{command_line(client.remove, _LINUX)}`" if client.remove else "by hand"
        lines += [f"- to add it: `{command_line(client.add_words(UVX), _LINUX)}`", f"- to remove it: {gone}", ""]
    lines += ["| system | file |", "|---|---|", *_places(client), ""]
    if len(candidates(client, _WINDOWS)) > 1:
        lines += ["Of several, the one that exists is used.", ""]
    if (text := snippet(client, UVX)) == _USUAL:
        return "\n".join([*lines, "In it: [the usual entry](#the-usual-entry).", ""])
    return "\n".join([*lines, f"```{_FENCE[client.form]}", text.rstrip(), "```", ""])


def _places(client: Client) -> list[str]:
    paths = {"Linux": candidates(client, _LINUX), "macOS": candidates(client, _MAC)}
    if paths["Linux"] == paths["macOS"]:
        paths = {"Linux, macOS": paths["Linux"]}
    paths["Windows"] = tuple(str(PureWindowsPath(path)) for path in candidates(client, _WINDOWS))
    return [
        f"| {system} | {' or '.join(f'`{path}`' for path in dict.fromkeys(several))} |"
        for system, several in paths.items()
    ]
