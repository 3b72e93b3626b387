"""Checks of the settings: the value in use, and its source."""

from collections.abc import Mapping

from webvoice_mcp.cli.doctor.check import GET_A_KEY, Check
from webvoice_mcp.cli.startup import describe_unknown
from webvoice_mcp.client.redaction import mask_key, redact
from webvoice_mcp.settings import PLACEHOLDER_KEYS, SETTINGS, Setting, Settings, SettingsError, unknown_variables


def check(environ: Mapping[str, str]) -> tuple[Settings, list[Check]]:
    """Check every variable; also return the settings, with defaults in place of values that cannot be read."""
    errors: dict[str, str] = {}
    for setting in SETTINGS:
        try:
            setting.read(environ)
        except SettingsError as error:
            errors[setting.name] = str(error)
    settings = Settings.read({name: value for name, value in environ.items() if name not in errors})
    checks = [_check(setting, environ, errors.get(setting.name, ""), settings) for setting in SETTINGS]
    return settings, checks + [_warn(*unknown) for unknown in unknown_variables(environ).items()]


def _warn(name: str, nearest: str) -> Check:
    return Check(redact(" ".join(name.split())), True, describe_unknown(name, nearest), is_warning=True)


def _check(setting: Setting, environ: Mapping[str, str], error: str, settings: Settings) -> Check:
    name = setting.name
    value = environ.get(name, "").strip()
    if error:
        return Check(name, False, error, f"Correct or remove {name}; the server does not start with it.")
    if setting.is_placeholder(environ):
        detail = "a placeholder that the client did not replace (${…}); it counts as unset"
        return Check(name, False, detail, f"Write the value itself, or remove {name} from the client's configuration.")
    if value in PLACEHOLDER_KEYS:
        detail = "the documentation's example, which is not a key; it counts as unset"
        return Check(name, False, detail, f"Remove it. {GET_A_KEY}")
    if name in settings.unknown_folders:
        return Check(name, False, "unset, and there is no home folder", f"Set {name} to a folder's absolute path.")
    shown = mask_key(settings.api_key) if setting.is_secret and settings.api_key else setting.describe(settings)
    return Check(name, True, f"{shown} ({'environment' if value else 'default'})")
