"""Variables that look like settings and are none."""

from collections.abc import Mapping

from webvoice_mcp.settings._table import SETTINGS

_PREFIX = "WEBVOICE_"


def unknown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that begin with WEBVOICE_ and are no settings, each with the nearest setting's name."""
    names = [setting.name for setting in SETTINGS]
    unknown = sorted(name for name in environ if name.upper().startswith(_PREFIX) and name not in names)
    if not unknown:
        return {}
    import difflib  # noqa: PLC0415 - only needed for a wrong name

    return {name: difflib.get_close_matches(name.upper(), names, n=1, cutoff=0)[0] for name in unknown}
