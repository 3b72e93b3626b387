"""The MCP clients that are known here: one row each, from which commands, links, snippets and pages are made."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import quote

NAME = "webvoice"  # of our entry, in every client
PACKAGE = "webvoice-mcp"
TITLE = "WebVoice"
_ABOUT = "Speech, transcription, translation, chat, images and video, saved to your files."


class Way(Enum):
    """How a client is configured by `install`."""

    EDITED = "we edit its JSON file"
    COMMAND = "its own command line does it"
    PRINTED = "what to write is printed"
    LINKED = "by its install link alone; unknown to `install`"


class Form(Enum):
    """How a client's file writes an entry down."""

    JSON = "json"
    TOML = "toml"
    GOOSE = "yaml, a mapping of extensions"
    CONTINUE = "yaml, a list of servers"


@dataclass(frozen=True, slots=True)
class Launch:
    """What a client runs to start the server."""

    command: str
    args: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The whole command line."""
        return (self.command, *self.args)

    @property
    def fields(self) -> dict[str, Any]:
        """As nearly all clients write it. No key belongs in there: the server keeps its own."""
        return {"command": self.command, "args": list(self.args)}


UVX = Launch("uvx", (PACKAGE,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client.

    Attributes:
        name: what is typed after `install`.
        title: what its makers call it.
        page: what its makers say about MCP servers in it.
        places: where its file may be, for `Machine.path`. The first that exists counts, then the first whose folder
            does, then the last, where it is made.
        windows: the same on Windows, where that differs.
        key: under which its file keeps the servers.
        first: fields of an entry that come before the command.
        desktop: started from the desktop with a bare PATH, and unable to find a command that has no full path.
        add: words of its own command line; `{launch}` stands for ours, `{definition}` for an entry with its name.
        remove: the same to remove the entry; none where it has no such command.
        link: a web address that opens the client and asks whether to install; see `install_link`.
    """

    name: str
    title: str
    page: str
    way: Way
    places: tuple[str, ...]
    windows: tuple[str, ...] = ()
    key: str = "mcpServers"
    form: Form = Form.JSON
    first: Mapping[str, str] = field(default_factory=dict)
    desktop: bool = False
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    link: str = ""

    def entry(self, launch: Launch) -> dict[str, Any]:
        """Our entry in its file."""
        return {**self.first, **launch.fields}

    def launches(self, entry: object, launch: Launch) -> bool:
        """Whether an entry runs just this. Whatever else a person added to it (variables, limits) is theirs."""
        if not isinstance(entry, dict):
            return False
        return (entry.get("command"), entry.get("args") or []) == (launch.command, list(launch.args))

    def add_words(self, launch: Launch) -> list[str]:
        """The command line of the client's own that adds the entry."""
        definition = json.dumps({"name": NAME, **launch.fields}, ensure_ascii=False)
        words: list[str] = []
        for word in self.add:
            words += launch.words if word == "{launch}" else [word.replace("{definition}", definition)]
        return words

    def install_link(self, launch: Launch = UVX) -> str:
        """The link that installs the entry, "" where the client has none."""
        compact = json.dumps(self.entry(launch), separators=(",", ":"), ensure_ascii=False)
        arguments = "".join(f"&arg={quote(arg, safe='')}" for arg in launch.args)
        return self.link.format(
            name=NAME,
            title=quote(TITLE, safe=""),
            about=quote(_ABOUT, safe=""),
            cmd=quote(launch.command, safe=""),
            args=arguments,
            json=quote(compact, safe=""),
            base64=quote(base64.b64encode(compact.encode()).decode(), safe=""),
        )


_CLINE = "{support}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"
_CLAUDE = "{support}/Claude/claude_desktop_config.json"

CLIENTS = (
    Client(
        name="cursor",
        title="Cursor",
        page="https://cursor.com/docs/context/mcp",
        way=Way.EDITED,
        places=("{home}/.cursor/mcp.json",),
        link="https://cursor.com/en/install-mcp?name={name}&config={base64}",
    ),
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        page="https://modelcontextprotocol.io/docs/develop/connect-local-servers",
        way=Way.EDITED,
        places=(_CLAUDE,),
        # Installed as a Windows package it sees a folder of its own in place of the usual one.
        windows=("{local}/Packages/Claude_*/LocalCache/Roaming/Claude/claude_desktop_config.json", _CLAUDE),
        desktop=True,
    ),
    Client(
        name="windsurf",
        title="Windsurf (now Devin Desktop)",
        page="https://docs.windsurf.com/windsurf/cascade/mcp",
        way=Way.EDITED,
        # Since its new name it has a new folder, and still takes over what stands in the old one.
        places=("{xdg}/devin/mcp_config.json", "{home}/.codeium/windsurf/mcp_config.json"),
        windows=("{support}/devin/mcp_config.json", "{home}/.codeium/windsurf/mcp_config.json"),
    ),
    Client(
        name="lm-studio",
        title="LM Studio",
        page="https://lmstudio.ai/docs/app/mcp",
        way=Way.EDITED,
        places=("{home}/.lmstudio/mcp.json", "{home}/.cache/lm-studio/mcp.json", "{home}/.lmstudio/mcp.json"),
        link="https://lmstudio.ai/install-mcp?name={name}&config={base64}",
    ),
    Client(
        name="cline",
        title="Cline",
        page="https://docs.cline.bot/mcp/mcp-overview",
        way=Way.EDITED,
        places=(_CLINE, "{cline}/data/settings/cline_mcp_settings.json", _CLINE),
    ),
    Client(
        name="claude-code",
        title="Claude Code",
        page="https://code.claude.com/docs/en/mcp",
        way=Way.COMMAND,
        places=("{claude}/.claude.json",),
        first={"type": "stdio"},
        add=("claude", "mcp", "add", NAME, "-s", "user", "--", "{launch}"),
        remove=("claude", "mcp", "remove", NAME, "-s", "user"),
    ),
    Client(
        name="codex",
        title="Codex",
        page="https://developers.openai.com/codex/mcp",
        way=Way.COMMAND,
        places=("{codex}/config.toml",),
        key="mcp_servers",
        form=Form.TOML,
        add=("codex", "mcp", "add", NAME, "--", "{launch}"),
        remove=("codex", "mcp", "remove", NAME),
    ),
    Client(
        name="gemini",
        title="Gemini CLI",
        page="https://github.com/google-gemini/gemini-cli",
        way=Way.COMMAND,
        places=("{gemini}/.gemini/settings.json",),
        add=("gemini", "mcp", "add", "-s", "user", NAME, "{launch}"),
        remove=("gemini", "mcp", "remove", "-s", "user", NAME),
    ),
    Client(
        name="vscode",
        title="VS Code",
        page="https://code.visualstudio.com/docs/copilot/customization/mcp-servers",
        way=Way.COMMAND,
        places=("{support}/Code/User/mcp.json",),
        key="servers",
        first={"type": "stdio"},
        add=("code", "--add-mcp", "{definition}"),
        link="https://insiders.vscode.dev/redirect/mcp/install?name={name}&config={json}",
    ),
    Client(
        name="zed",
        title="Zed",
        page="https://zed.dev/docs/ai/mcp",
        way=Way.PRINTED,
        places=("{xdg}/zed/settings.json",),
        windows=("{support}/Zed/settings.json",),
        key="context_servers",
        first={"source": "custom"},
    ),
    Client(
        name="goose",
        title="Goose",
        page="https://block.github.io/goose/docs/getting-started/using-extensions",
        way=Way.PRINTED,
        places=("{xdg}/goose/config.yaml",),
        windows=("{support}/Block/goose/config/config.yaml",),
        key="extensions",
        form=Form.GOOSE,
        link="https://block.github.io/goose/extension?cmd={cmd}{args}&id={name}&name={title}&description={about}",
    ),
    Client(
        name="continue",
        title="Continue",
        page="https://docs.continue.dev/",
        way=Way.PRINTED,
        places=("{home}/.continue/config.yaml",),
        form=Form.CONTINUE,
    ),
    Client(
        name="kiro",
        title="Kiro",
        page="https://kiro.dev/docs/mcp/",
        way=Way.LINKED,
        places=("{home}/.kiro/settings/mcp.json",),
        link="https://kiro.dev/launch/mcp/add?name={name}&config={json}",
    ),
)

INSTALLABLE = {client.name: client for client in CLIENTS if client.way is not Way.LINKED}
