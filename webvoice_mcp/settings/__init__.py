"""The environment variables that the server reads, and the immutable `Settings` made from them.

`SETTINGS` declares each variable once. docs/SETTINGS.md, server.json and the form in mcpb/manifest.json are generated
from it, and `webvoice-mcp doctor` reads it.
"""

from webvoice_mcp.settings._folders import home_is_unusable
from webvoice_mcp.settings._kinds import DEFAULT_BASE_URL, LOG_LEVELS, PLACEHOLDER_KEYS, TOOLSETS
from webvoice_mcp.settings._setting import FormField, Kind, Setting, SettingsError
from webvoice_mcp.settings._table import SETTINGS, Settings
from webvoice_mcp.settings._unknown import unknown_variables

__all__ = [
    "DEFAULT_BASE_URL",
    "LOG_LEVELS",
    "PLACEHOLDER_KEYS",
    "SETTINGS",
    "TOOLSETS",
    "FormField",
    "Kind",
    "Setting",
    "Settings",
    "SettingsError",
    "home_is_unusable",
    "unknown_variables",
]
