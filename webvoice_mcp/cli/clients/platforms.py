"""The folders in which programs keep their settings, on each operating system."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from webvoice_mcp.settings import home_is_unusable

_WINDOWS, _MACOS = "win32", "darwin"


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system and a user's folders, passed in so that tests can describe any computer.

    Attributes:
        system: as in `sys.platform`; anything but Windows and macOS counts as Linux.
        home: the user's home folder; no absolute path if there is none.
        environ: the environment variables, some of which move a program's folders.
    """

    system: str
    home: str
    environ: Mapping[str, str]

    @classmethod
    def current(cls) -> "Platform":
        """Return the platform that this process runs on."""
        home = "~" if home_is_unusable() else os.path.expanduser("~")  # noqa: PTH111 - Path.home can raise
        return cls(sys.platform, home, os.environ)

    @property
    def is_windows(self) -> bool:
        """True if paths and command lines follow the rules of Windows."""
        return self.system == _WINDOWS

    def expand(self, template: str) -> str:
        """Return the path for a template such as `{home}/.cursor/mcp.json`; a `*` in it stays."""
        return template.format_map(self._folders())

    def _folders(self) -> Mapping[str, str]:
        dot_config = f"{self.home}/.config"
        xdg = dot_config if self.system == _MACOS else self._variable("XDG_CONFIG_HOME", dot_config)
        support = {
            _WINDOWS: self._variable("APPDATA", f"{self.home}/AppData/Roaming"),
            _MACOS: f"{self.home}/Library/Application Support",
        }.get(self.system, xdg)
        return {
            "home": self.home,
            "xdg": xdg,
            "support": support,  # a user's folder for the data of desktop programs
            "local": self._variable("LOCALAPPDATA", f"{self.home}/AppData/Local"),
            "claude": self._variable("CLAUDE_CONFIG_DIR", self.home),
            "codex": self._variable("CODEX_HOME", f"{self.home}/.codex"),
            "gemini": self._variable("GEMINI_CLI_HOME", self.home),
            "cline": self._variable("CLINE_DIR", f"{self.home}/.cline"),
        }

    def _variable(self, name: str, default: str) -> str:
        return self.environ.get(name) or default
