"""Where programs keep their settings on each system. Pure: the system and its environment are given, not looked up."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

WINDOWS, MAC = "win32", "darwin"


@dataclass(frozen=True, slots=True)
class Machine:
    """A person's computer.

    Attributes:
        system: as `sys.platform` has it; what is neither Windows nor macOS is taken for Linux.
        home: the person's own folder.
        environ: the variables that move the folders of this or that program.
    """

    system: str
    home: str
    environ: Mapping[str, str]

    @classmethod
    def here(cls) -> "Machine":
        """The computer that this runs on."""
        return cls(sys.platform, os.path.expanduser("~"), os.environ)  # noqa: PTH111 - never raises, unlike Path.home

    @property
    def is_windows(self) -> bool:
        """Whether paths and command lines are written as Windows has them."""
        return self.system == WINDOWS

    def path(self, template: str) -> str:
        """The path that a template such as `{home}/.cursor/mcp.json` stands for; it may still hold a `*`."""
        return template.format_map(self._folders())

    def _folders(self) -> Mapping[str, str]:
        xdg = self._given("XDG_CONFIG_HOME", f"{self.home}/.config") if self.system != MAC else f"{self.home}/.config"
        support = {
            WINDOWS: self._given("APPDATA", f"{self.home}/AppData/Roaming"),
            MAC: f"{self.home}/Library/Application Support",
        }.get(self.system, xdg)
        return {
            "home": self.home,
            "xdg": xdg,
            "support": support,  # where desktop programs keep what belongs to a person
            "local": self._given("LOCALAPPDATA", f"{self.home}/AppData/Local"),
            "claude": self._given("CLAUDE_CONFIG_DIR", self.home),
            "codex": self._given("CODEX_HOME", f"{self.home}/.codex"),
            "gemini": self._given("GEMINI_CLI_HOME", self.home),
            "cline": self._given("CLINE_DIR", f"{self.home}/.cline"),
        }

    def _given(self, variable: str, usual: str) -> str:
        return self.environ.get(variable) or usual
