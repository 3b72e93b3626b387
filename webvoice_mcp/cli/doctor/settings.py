"""Checks of the settings: the value in use, and where it came from."""

import os
from collections.abc import Callable, Mapping

from webvoice_mcp.cli.doctor.check import GET_A_KEY, Check
from webvoice_mcp.cli.doctor.folders import state_folders
from webvoice_mcp.client.redaction import mask_key
from webvoice_mcp.settings import PLACEHOLDER_KEYS, TOOLSETS, Settings, SettingsError

_MIB = 1024 * 1024

# Formats each setting's value. A test compares the names with those that are read.
FORMATTERS: dict[str, Callable[[Settings], str]] = {
    "WEBVOICE_API_KEY": lambda settings: mask_key(settings.api_key) if settings.api_key else "none",
    "WEBVOICE_BASE_URL": lambda settings: settings.base_url,
    "WEBVOICE_OUTPUT_DIR": lambda settings: str(settings.output_dir),
    "WEBVOICE_ALLOWED_DIRS": lambda settings: os.pathsep.join(map(str, settings.allowed_dirs)) or "no limit",
    "WEBVOICE_OVERWRITE": lambda settings: f"{settings.overwrite:d}",
    "WEBVOICE_STATE_DIR": lambda settings: " and ".join(map(str, state_folders(settings))),
    "WEBVOICE_TOOLSETS": lambda settings: (
        "all" if settings.toolsets == TOOLSETS else ",".join(sorted(settings.toolsets))
    ),
    "WEBVOICE_TIMEOUT": lambda settings: f"{settings.timeout:g}",
    "WEBVOICE_INLINE_WAIT": lambda settings: f"{settings.inline_wait:g}",
    "WEBVOICE_MAX_CREDITS": lambda settings: _format_limit(settings.max_credits),
    "WEBVOICE_CONFIRM_ABOVE": lambda settings: _format_limit(settings.confirm_above),
    "WEBVOICE_INLINE_IMAGES": lambda settings: f"{settings.inline_images:d}",
    "WEBVOICE_MAX_FILE_MB": lambda settings: f"{settings.max_file_bytes / _MIB:g}",
    "WEBVOICE_MAX_UPLOAD_MB": lambda settings: f"{settings.max_upload_bytes / _MIB:g}",
    "WEBVOICE_LOG_LEVEL": lambda settings: settings.log_level,
}


def check(environ: Mapping[str, str]) -> tuple[Settings, list[Check]]:
    """Check each variable; also return the settings, with the default for each that cannot be read."""
    errors: dict[str, str] = {}
    for name in FORMATTERS:
        try:
            Settings.read({name: environ.get(name, "")})
        except SettingsError as error:
            errors[name] = str(error)
    settings = Settings.read({name: value for name, value in environ.items() if name not in errors})
    checks = [_check(name, environ.get(name, "").strip(), errors.get(name, ""), settings) for name in FORMATTERS]
    unknown = sorted(name for name in environ if name.startswith("WEBVOICE_") and name not in FORMATTERS)
    return settings, checks + [Check(name, True, "not a setting of this server; it has no effect") for name in unknown]


def _check(name: str, value: str, error: str, settings: Settings) -> Check:
    if error:
        return Check(name, False, error, f"Correct or remove {name}; the server does not start with it.")
    if "${" in value:
        detail = "a placeholder that the client did not replace (${…}); it counts as unset"
        return Check(name, False, detail, f"Write a value there, or remove {name} from the client's configuration.")
    if value in PLACEHOLDER_KEYS:
        detail = "the documentation's example, which is not a key; it counts as unset"
        return Check(name, False, detail, f"Remove it. {GET_A_KEY}")
    return Check(name, True, f"{FORMATTERS[name](settings)} ({'environment' if value else 'default'})")


def _format_limit(limit: float | None) -> str:
    return "unset" if limit is None else f"{limit:g}"
