"""Examples of clients' configuration files, the path of the installed command, and a way to set the PATH."""

import os
import sys
from pathlib import Path

import pytest

from tests.wire_driver import environment

LAUNCHER = str(Path(sys.executable).parent / f"webvoice-mcp{'.exe' if os.name == 'nt' else ''}")


def on_path(monkeypatch: pytest.MonkeyPatch, *folders: Path | str) -> None:
    """Make these folders the PATH for the fixture `command`."""
    path = os.pathsep.join(map(str, folders))
    monkeypatch.setattr("tests.cli.conftest.environment", lambda *given: environment(*given) | {"PATH": path})


CURSOR = b"""\
{
  "mcpServers": {
    "github": {
      "command": "docker",
      "args": ["run", "-i", "--rm", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN", "ghcr.io/github/github-mcp-server"],
      "env": { "GITHUB_PERSONAL_ACCESS_TOKEN": "${env:GITHUB_TOKEN}" }
    },
    "linear": { "url": "https://mcp.linear.app/mcp" }
  }
}
"""

CLAUDE_DESKTOP = b"""\
{
    "globalShortcut": "Alt+Space",
    "mcpServers": {
        "filesystem": {
            "command": "npx",
            "args": [
                "-y",
                "@modelcontextprotocol/server-filesystem",
                "/data/B\xc3\xbccher"
            ]
        }
    },
    "preferences": {
        "quickEntryDictationShortcut": "off",
        "coworkScheduledTasksEnabled": false,
        "sidebarMode": "chat"
    },
    "scale": 1.10
}
"""

WINDSURF = b"""\
{
\t"mcpServers": {
\t\t"figma": {
\t\t\t"serverUrl": "http://127.0.0.1:3845/mcp",
\t\t\t"disabledTools": []
\t\t}
\t}
}"""

LM_STUDIO = b"""\
{
  "mcpServers": {}
}"""

CLINE = b"""\
{
  "mcpServers": {
    "context7": {
      "autoApprove": ["resolve-library-id"],
      "disabled": false,
      "timeout": 60,
      "type": "stdio",
      "command": "npx",
      "args": ["-y", "@upstash/context7-mcp"],
      "env": {}
    }
  }
}
"""

EXAMPLES = {
    "cursor": CURSOR,
    "claude-desktop": CLAUDE_DESKTOP,
    "windsurf": WINDSURF,
    "lm-studio": LM_STUDIO,
    "cline": CLINE,
}

# The paths of the files on Linux, relative to the home folder.
PATHS = {
    "cursor": ".cursor/mcp.json",
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
    "lm-studio": ".lmstudio/mcp.json",
    "cline": ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
}
