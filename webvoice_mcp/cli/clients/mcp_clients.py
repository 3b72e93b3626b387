"""The table of known MCP clients, from which commands, links, snippets and docs are made."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import quote

ENTRY_NAME = "webvoice"  # of the server in every client's configuration
PACKAGE = "webvoice-mcp"
TITLE = "WebVoice"
MEDIA_PACKAGE = f"{PACKAGE}[media]"  # with the extra that reads films and HEIC pictures
_DESCRIPTION = "Speech, transcription, translation, chat, images and video, saved to your files."


class InstallMethod(Enum):
    """The way in which `install` configures a client."""

    EDIT_FILE = auto()  # edits its JSON file
    RUN_COMMAND = auto()  # runs the client's own command line
    PRINT = auto()  # prints the text to write
    LINK_ONLY = auto()  # does nothing: the client has an install link, and is not a choice of `install`


class ConfigFormat(Enum):
    """The format of a client's configuration file."""

    JSON = auto()
    TOML = auto()
    GOOSE_YAML = auto()
    CONTINUE_YAML = auto()


Variables = tuple[tuple[str, str], ...]
"""Environment variables as pairs of name and value."""


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """The command that a client runs to start the server.

    Attributes:
        env: variables that the client sets for it; never a key.
    """

    command: str
    args: tuple[str, ...] = ()
    env: Variables = ()

    @property
    def argv(self) -> tuple[str, ...]:
        """The command and its arguments."""
        return (self.command, *self.args)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a client's entry. An API key is never among them: the server has its own key file."""
        fields: dict[str, Any] = {"command": self.command, "args": list(self.args)}
        return {**fields, "env": dict(self.env)} if self.env else fields


UVX = ServerCommand("uvx", (PACKAGE,))
UVX_WITH_MEDIA = ServerCommand("uvx", ("--from", MEDIA_PACKAGE, PACKAGE))


@dataclass(frozen=True, slots=True, kw_only=True)
class McpClient:
    """An MCP client.

    Attributes:
        name: the word after `install`.
        title: its name as its makers write it.
        docs_url: its makers' page about MCP servers.
        method: the way in which `install` configures it.
        paths: possible paths of its file, as templates for `Platform.expand`. The first file that exists is used, else
            the first path whose folder exists, else the last path; a missing file is created.
        windows_paths: its `paths` on Windows, if they differ.
        section: the key in its file below which servers are listed.
        format: the format of its file.
        extra_fields: fields of an entry that stand before the command.
        needs_full_path: True if it is started from the desktop, with a PATH that does not contain uvx.
        add_argv: its own command that adds an entry; `{server}` stands for the server's command, `{env}` for
            its variables, `{definition}` for the entry with its name, as JSON.
        env_option: the option of that command that sets a variable.
        remove_argv: its own command that removes the entry; empty if it has none.
        link_template: a web address that opens the client and offers to install the server; see `install_link`.
    """

    name: str
    title: str
    docs_url: str
    method: InstallMethod
    paths: tuple[str, ...]
    windows_paths: tuple[str, ...] = ()
    section: str = "mcpServers"
    format: ConfigFormat = ConfigFormat.JSON
    extra_fields: Mapping[str, str] = field(default_factory=dict)
    needs_full_path: bool = False
    add_argv: tuple[str, ...] = ()
    env_option: str = ""
    remove_argv: tuple[str, ...] = ()
    link_template: str = ""

    def create_entry(self, server: ServerCommand) -> dict[str, Any]:
        """Return the server's entry for the client's file."""
        return {**self.extra_fields, **server.fields}

    def is_same_command(self, entry: object, server: ServerCommand) -> bool:
        """True if an entry of the client's file runs this command. Other fields, such as `env`, do not matter."""
        if not isinstance(entry, dict):
            return False
        return (entry.get("command"), entry.get("args") or []) == (server.command, list(server.args))

    def has_variables(self, entry: Mapping[str, Any], server: ServerCommand) -> bool:
        """True if an entry of the client's file sets the server's variables. Other variables do not matter."""
        present = entry.get("env")
        return not server.env or (isinstance(present, dict) and dict(server.env).items() <= present.items())

    def create_add_argv(self, server: ServerCommand) -> list[str]:
        """Return the client's own command that adds the server."""
        definition = json.dumps({"name": ENTRY_NAME, **server.fields}, ensure_ascii=False)
        argv: list[str] = []
        for word in self.add_argv:
            if word == "{env}":
                argv += [part for name, value in server.env for part in (self.env_option, f"{name}={value}")]
            else:
                argv += server.argv if word == "{server}" else [word.replace("{definition}", definition)]
        return argv

    def install_link(self, server: ServerCommand = UVX) -> str:
        """Return the link that installs the server, "" if the client has none that can carry the variables."""
        if server.env and not {"{json}", "{base64}"} & set(re.findall(r"\{\w+\}", self.link_template)):
            return ""
        compact = json.dumps(self.create_entry(server), separators=(",", ":"), ensure_ascii=False)
        args = "".join(f"&arg={quote(arg, safe='')}" for arg in server.args)
        return self.link_template.format(
            name=ENTRY_NAME,
            title=quote(TITLE, safe=""),
            about=quote(_DESCRIPTION, safe=""),
            cmd=quote(server.command, safe=""),
            args=args,
            json=quote(compact, safe=""),
            base64=quote(base64.b64encode(compact.encode()).decode(), safe=""),
        )


_CLINE = "{support}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"
_CLAUDE = "{support}/Claude/claude_desktop_config.json"

MCP_CLIENTS = (
    McpClient(
        name="cursor",
        title="Cursor",
        docs_url="https://cursor.com/docs/context/mcp",
        method=InstallMethod.EDIT_FILE,
        paths=("{home}/.cursor/mcp.json",),
        link_template="https://cursor.com/en/install-mcp?name={name}&config={base64}",
    ),
    McpClient(
        name="claude-desktop",
        title="Claude Desktop",
        docs_url="https://modelcontextprotocol.io/docs/develop/connect-local-servers",
        method=InstallMethod.EDIT_FILE,
        paths=(_CLAUDE,),
        # If it is installed as a Windows package, Windows gives it a private folder in place of the usual one.
        windows_paths=("{local}/Packages/Claude_*/LocalCache/Roaming/Claude/claude_desktop_config.json", _CLAUDE),
        needs_full_path=True,
    ),
    McpClient(
        name="windsurf",
        title="Windsurf (now Devin Desktop)",
        docs_url="https://docs.windsurf.com/windsurf/cascade/mcp",
        method=InstallMethod.EDIT_FILE,
        # Since it was renamed to Devin, it uses a new folder and imports the file from the old one.
        paths=("{xdg}/devin/mcp_config.json", "{home}/.codeium/windsurf/mcp_config.json"),
        windows_paths=("{support}/devin/mcp_config.json", "{home}/.codeium/windsurf/mcp_config.json"),
    ),
    McpClient(
        name="lm-studio",
        title="LM Studio",
        docs_url="https://lmstudio.ai/docs/app/mcp",
        method=InstallMethod.EDIT_FILE,
        paths=("{home}/.lmstudio/mcp.json", "{home}/.cache/lm-studio/mcp.json", "{home}/.lmstudio/mcp.json"),
        link_template="https://lmstudio.ai/install-mcp?name={name}&config={base64}",
    ),
    McpClient(
        name="cline",
        title="Cline",
        docs_url="https://docs.cline.bot/mcp/mcp-overview",
        method=InstallMethod.EDIT_FILE,
        paths=(_CLINE, "{cline}/data/settings/cline_mcp_settings.json", _CLINE),
    ),
    McpClient(
        name="claude-code",
        title="Claude Code",
        docs_url="https://code.claude.com/docs/en/mcp",
        method=InstallMethod.RUN_COMMAND,
        paths=("{claude}/.claude.json",),
        extra_fields={"type": "stdio"},
        add_argv=("claude", "mcp", "add", ENTRY_NAME, "-s", "user", "{env}", "--", "{server}"),
        env_option="-e",
        remove_argv=("claude", "mcp", "remove", ENTRY_NAME, "-s", "user"),
    ),
    McpClient(
        name="codex",
        title="Codex",
        docs_url="https://developers.openai.com/codex/mcp",
        method=InstallMethod.RUN_COMMAND,
        paths=("{codex}/config.toml",),
        section="mcp_servers",
        format=ConfigFormat.TOML,
        add_argv=("codex", "mcp", "add", ENTRY_NAME, "{env}", "--", "{server}"),
        env_option="--env",
        remove_argv=("codex", "mcp", "remove", ENTRY_NAME),
    ),
    McpClient(
        name="gemini",
        title="Gemini CLI",
        docs_url="https://github.com/google-gemini/gemini-cli",
        method=InstallMethod.RUN_COMMAND,
        paths=("{gemini}/.gemini/settings.json",),
        add_argv=("gemini", "mcp", "add", "-s", "user", "{env}", ENTRY_NAME, "{server}"),
        env_option="-e",
        remove_argv=("gemini", "mcp", "remove", "-s", "user", ENTRY_NAME),
    ),
    McpClient(
        name="vscode",
        title="VS Code",
        docs_url="https://code.visualstudio.com/docs/copilot/customization/mcp-servers",
        method=InstallMethod.RUN_COMMAND,
        paths=("{support}/Code/User/mcp.json",),
        section="servers",
        extra_fields={"type": "stdio"},
        add_argv=("code", "--add-mcp", "{definition}"),
        link_template="https://insiders.vscode.dev/redirect/mcp/install?name={name}&config={json}",
    ),
    McpClient(
        name="zed",
        title="Zed",
        docs_url="https://zed.dev/docs/ai/mcp",
        method=InstallMethod.PRINT,
        paths=("{xdg}/zed/settings.json",),
        windows_paths=("{support}/Zed/settings.json",),
        section="context_servers",
        extra_fields={"source": "custom"},
    ),
    McpClient(
        name="goose",
        title="Goose",
        docs_url="https://block.github.io/goose/docs/getting-started/using-extensions",
        method=InstallMethod.PRINT,
        paths=("{xdg}/goose/config.yaml",),
        windows_paths=("{support}/Block/goose/config/config.yaml",),
        section="extensions",
        format=ConfigFormat.GOOSE_YAML,
        link_template="https://block.github.io/goose/extension?cmd={cmd}{args}&id={name}&name={title}&description={about}",
    ),
    McpClient(
        name="continue",
        title="Continue",
        docs_url="https://docs.continue.dev/",
        method=InstallMethod.PRINT,
        paths=("{home}/.continue/config.yaml",),
        format=ConfigFormat.CONTINUE_YAML,
    ),
    McpClient(
        name="kiro",
        title="Kiro",
        docs_url="https://kiro.dev/docs/mcp/",
        method=InstallMethod.LINK_ONLY,
        paths=("{home}/.kiro/settings/mcp.json",),
        link_template="https://kiro.dev/launch/mcp/add?name={name}&config={json}",
    ),
)

INSTALLABLE = {client.name: client for client in MCP_CLIENTS if client.method is not InstallMethod.LINK_ONLY}
