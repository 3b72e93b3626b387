"""`webvoice-mcp doctor`: what works here, what does not, and what to do about it."""

import argparse
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webvoice_mcp.cli._checks import Check


def run(words: list[str]) -> int:
    """Check everything, print a line for each check, and return 1 if one failed."""
    parser = argparse.ArgumentParser(
        prog="webvoice-mcp doctor",
        description="What works here, what does not, and what to do about it. Nothing is changed.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="a list of {check, ok, detail, cure?}")
    as_json = parser.parse_args(words).json
    from webvoice_mcp.cli import _checks, _checks_service  # noqa: PLC0415 - after the words are known to be right
    from webvoice_mcp.cli._account import wait_for  # noqa: PLC0415 - as above
    from webvoice_mcp.keystore import KeyStore  # noqa: PLC0415 - as above

    settings, of_settings = _checks.settings(os.environ)
    store = KeyStore(settings.credentials_file)
    key, found = _checks.key(settings, store)
    if any(each.check == "WEBVOICE_BASE_URL" and not each.ok for each in of_settings):
        # The key is meant for another host than the default one.
        of_service = _checks_service.unasked("WEBVOICE_BASE_URL cannot be used")
    else:
        of_service = wait_for(_checks_service.checks, settings, store, key)
    checks = [
        *_checks.program(),
        *of_settings,
        found,
        *of_service,
        *_checks.folders(settings),
        _checks.proxy(settings),
        _checks.engines(),
        _checks.desktop(),
    ]
    # Whatever a variable holds or the service said, no key leaves here.
    checks = [each.safe(settings.api_key, key.value if key else "") for each in checks]
    if as_json:
        print(json.dumps([each.fields() for each in checks], indent=2))
    else:
        print(*(each.line() for each in checks), "", _summary(checks), sep="\n")
    return 0 if all(each.ok for each in checks) else 1


def _summary(checks: "Sequence[Check]") -> str:
    failed, unmade = sum(not each.ok for each in checks), sum(not each.made for each in checks)
    if not failed:
        return f"All {len(checks)} checks passed."
    left = f", and {unmade} could not be made" if unmade else ""
    return f"{failed - unmade} of {len(checks)} checks failed{left}."
