"""Generates docs/CLIENTS.md and the README's list of clients and install links from the table of MCP clients.

`scripts/snapshots.py` writes them; `tests/cli/test_clients.py` fails if one is out of date.
"""

import re
import textwrap
from pathlib import Path, PureWindowsPath

from webvoice_mcp.cli.clients.config_files import candidate_paths
from webvoice_mcp.cli.clients.mcp_clients import MCP_CLIENTS, UVX, ConfigFormat, InstallMethod, McpClient
from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.cli.clients.snippets import config_snippet, quote_command

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python3 scripts/snapshots.py"

_BEGIN = "<!-- install links: written by scripts/snapshots.py -->\n"
_END = "<!-- /install links -->"
_INSTALL_LINKS = re.compile(f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)

_CLIENT_NAMES = re.compile(
    r"(?<=<!-- clients: written by scripts/snapshots\.py -->\n).*?(?=\n<!-- /clients -->)", re.DOTALL
)

_LINUX = Platform("linux", "~", {})
_MACOS = Platform("darwin", "~", {})
_WINDOWS = Platform("win32", "%USERPROFILE%", {"APPDATA": "%APPDATA%", "LOCALAPPDATA": "%LOCALAPPDATA%"})

_HEAD = """\
# Clients

<!-- Written by scripts/snapshots.py from the table in webvoice_mcp/cli/clients/mcp_clients.py. -->

`webvoice-mcp install CLIENT` adds the server to an MCP client, and `webvoice-mcp uninstall CLIENT` removes it. With
`--print`, `install` changes nothing and shows the text to write.

| client | `webvoice-mcp install` | how |
|---|---|---|
{rows}

## What is written, and what is not

- **The command** is the full path of the installed `webvoice-mcp`, because a client that is started from the desktop
  does not find a command by its name alone. If the installation is temporary (it was run by `uvx`, or is in a cache or
  a temporary folder), the command is `uvx webvoice-mcp`; for Claude Desktop, `uvx` then has its full path.
- **Variables** that you name: `--env WEBVOICE_MAX_CREDITS=100`, as often as needed. A setting's value is checked first,
  and a name that begins with `WEBVOICE_` has to be a setting. In an entry of ours, a variable that has another value is
  replaced only with `--force`; a client's own command line then replaces all of them.
- **The extra `media`** with `--media`: the command is then `uvx --from 'webvoice-mcp[media]' webvoice-mcp`. If an
  installed `webvoice-mcp` is used, `install` says whether the extra is there, and how to add it.
- **No key**, which `--env` refuses. The server has its own key file; see `webvoice-mcp login`. If you want a key in the
  client's file, add it to the entry: `"env": {{"WEBVOICE_API_KEY": "…"}}`. Never do this in a file that is committed
  with a project.
- **Nothing else is changed.** In a file that we edit, every other byte stays: order, indentation, line ends, byte order
  mark. The file's mode stays, and so does a symbolic link to it. A copy of the old file is kept beside it, with
  `.bak-webvoice` at the end of its name and the same mode; the next edit replaces the copy. Installing twice changes
  nothing, and two installations at once lose nothing.
- **A file that is not strict JSON is not changed,** nor is one that is read-only or not UTF-8. Comments and duplicate
  names are not strict JSON. The command then ends with code 1 and shows what to write by hand.
- An entry `webvoice` that runs something else is replaced only with `--force`, and `uninstall` does not remove it.
  Fields that you added to our entry, such as `env`, stay as long as its command is the same.
- **No secret is shown.** `uninstall` shows the entry that it removed with `…` in place of the values of its arguments,
  variables and headers.

If a client has its own command line, `install` runs it; if that is not on the PATH, `install` shows the command to run.
Restart the client after a change.

## The usual entry

```jsonc
{usual}
```
"""

_METHODS = {
    InstallMethod.EDIT_FILE: "edits its file",
    InstallMethod.RUN_COMMAND: "runs its command `{command}`",
    InstallMethod.PRINT: "shows the text to write",
    InstallMethod.LINK_ONLY: "not supported: by hand",
}

# Not `json`, because the tests start a server for every JSON block.
_FENCES = {
    ConfigFormat.JSON: "jsonc",
    ConfigFormat.TOML: "toml",
    ConfigFormat.GOOSE_YAML: "yaml",
    ConfigFormat.CONTINUE_YAML: "yaml",
}

_USUAL_SNIPPET = config_snippet(MCP_CLIENTS[0], UVX)


def install_links(readme: str) -> str:
    """Return the line with the install links in a README."""
    (line,) = _INSTALL_LINKS.findall(readme)
    found: str = line
    return found


def outdated(root: Path = ROOT) -> list[str]:
    """Return the paths of the pages that are out of date."""
    return [name for name, text in _generate(root).items() if _read(root / name) != text]


def renew(root: Path = ROOT) -> list[str]:
    """Write the pages that are out of date, and return their paths."""
    pages = _generate(root)
    written = outdated(root)
    for name in written:
        (root / name).write_text(pages[name], encoding="utf-8", newline="\n")
    return written


def _generate(root: Path) -> dict[str, str]:
    links = " · ".join(f"[{client.title}]({client.install_link()})" for client in MCP_CLIENTS if client.link_template)
    head = _HEAD.format(rows="\n".join(map(_row, MCP_CLIENTS)), usual=_USUAL_SNIPPET.rstrip())
    readme = _INSTALL_LINKS.sub(lambda _: f"{links}\n", _read(root / "README.md"))
    return {
        "README.md": _CLIENT_NAMES.sub(lambda _: _client_names(), readme),
        "docs/CLIENTS.md": "\n".join([head, *map(_section, MCP_CLIENTS)]),
    }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _client_names() -> str:
    installable = [client.name for client in MCP_CLIENTS if client.method is not InstallMethod.LINK_ONLY]
    first, *others, last = (f"`{name}`" for name in installable)
    return textwrap.fill(f"In place of {first}: {', '.join(others)} or {last}.", 120, break_on_hyphens=False)


def _row(client: McpClient) -> str:
    name = "–" if client.method is InstallMethod.LINK_ONLY else f"`{client.name}`"
    link = f"[install link]({client.install_link()})" if client.link_template else ""
    method = _METHODS[client.method].format(command="".join(client.add_argv[:1]))
    return f"| [{client.title}]({client.docs_url}) | {name} | {'; '.join(filter(None, (method, link)))} |"


def _section(client: McpClient) -> str:
    lines = [f"## {client.title}", ""]
    if client.add_argv:
        add = quote_command(client.create_add_argv(UVX), _LINUX)
        remove = f"`{quote_command(client.remove_argv, _LINUX)}`" if client.remove_argv else "by hand"
        lines += [f"- to add it: `{add}`", f"- to remove it: {remove}", ""]
    lines += ["| system | file |", "|---|---|", *_path_rows(client), ""]
    if len(candidate_paths(client, _WINDOWS)) > 1:
        lines += ["If there are several, the first that exists is used.", ""]
    if (text := config_snippet(client, UVX)) == _USUAL_SNIPPET:
        return "\n".join([*lines, "In it: [the usual entry](#the-usual-entry).", ""])
    return "\n".join([*lines, f"```{_FENCES[client.format]}", text.rstrip(), "```", ""])


def _path_rows(client: McpClient) -> list[str]:
    paths = {"Linux": candidate_paths(client, _LINUX), "macOS": candidate_paths(client, _MACOS)}
    if paths["Linux"] == paths["macOS"]:
        paths = {"Linux, macOS": paths["Linux"]}
    paths["Windows"] = tuple(str(PureWindowsPath(path)) for path in candidate_paths(client, _WINDOWS))
    return [
        f"| {system} | {' or '.join(f'`{path}`' for path in dict.fromkeys(candidates))} |"
        for system, candidates in paths.items()
    ]
