"""Checks of the settings: the value in use, and its source."""

from collections.abc import Mapping

from webvoice_mcp.cli.doctor.check import GET_A_KEY, Check
from webvoice_mcp.client.redaction import mask_key
from webvoice_mcp.settings import PLACEHOLDER_KEYS, SETTINGS, Setting, Settings, SettingsError

_NAMES = [setting.name for setting in SETTINGS]


def check(environ: Mapping[str, str]) -> tuple[Settings, list[Check]]:
    """Check every variable; also return the settings, with defaults in place of values that cannot be read."""
    errors: dict[str, str] = {}
    for name in _NAMES:
        try:
            Settings.read({name: environ.get(name, "")})
        except SettingsError as error:
            errors[name] = str(error)
    settings = Settings.read({name: value for name, value in environ.items() if name not in errors})
    checks = [
        _check(setting, environ.get(setting.name, "").strip(), errors.get(setting.name, ""), settings)
        for setting in SETTINGS
    ]
    unknown = sorted(name for name in environ if name.startswith("WEBVOICE_") and name not in _NAMES)
    return settings, checks + [Check(name, True, "not a setting of this server; it has no effect") for name in unknown]


def _check(setting: Setting, value: str, error: str, settings: Settings) -> Check:
    name = setting.name
    if error:
        return Check(name, False, error, f"Correct or remove {name}; the server does not start with it.")
    if "${" in value:
        detail = "a placeholder that the client did not replace (${…}); it counts as unset"
        return Check(name, False, detail, f"Write the value itself, or remove {name} from the client's configuration.")
    if value in PLACEHOLDER_KEYS:
        detail = "the documentation's example, which is not a key; it counts as unset"
        return Check(name, False, detail, f"Remove it. {GET_A_KEY}")
    shown = mask_key(settings.api_key) if setting.is_secret and settings.api_key else setting.describe(settings)
    return Check(name, True, f"{shown} ({'environment' if value else 'default'})")
