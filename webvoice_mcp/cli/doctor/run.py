"""`webvoice-mcp doctor`: check the setup and say how to fix what fails. Nothing is changed."""

import argparse
import json
import os
from collections.abc import Sequence

from webvoice_mcp.cli.doctor import folders, installation, key, proxy, service, settings
from webvoice_mcp.cli.doctor.check import Check
from webvoice_mcp.cli.service_calls import run_async
from webvoice_mcp.keystore import KeyStore


def run(options: argparse.Namespace) -> int:
    """Print the result of every check; return 1 if one failed."""
    checks = _check_everything()
    if options.json:
        print(json.dumps([check.to_json() for check in checks], indent=2))
    else:
        print(*(check.to_text() for check in checks), "", _summarize(checks), sep="\n")
    return 0 if all(check.ok for check in checks) else 1


def _check_everything() -> list[Check]:
    found, settings_checks = settings.check(os.environ)
    store = KeyStore(found.credentials_file)
    api_key, key_check = key.check(found, store)
    if any(check.name == "WEBVOICE_BASE_URL" and not check.ok for check in settings_checks):
        # The settings now hold the default base URL, and the key is not sent there: it is for another host.
        service_checks = service.skip("WEBVOICE_BASE_URL cannot be used")
    else:
        service_checks = run_async(service.check, found, store, api_key)
    checks = [
        *installation.check_versions(),
        *settings_checks,
        key_check,
        *service_checks,
        *folders.check(found),
        proxy.check(found),
        installation.check_media(),
        installation.check_engines(),
        installation.check_desktop_launcher(),
    ]
    # A variable or the service's answer may contain a key.
    return [check.redact(found.api_key, api_key.value if api_key else "") for check in checks]


def _summarize(checks: Sequence[Check]) -> str:
    failed, skipped = sum(not check.ok for check in checks), sum(not check.was_run for check in checks)
    warnings = sum(check.is_warning for check in checks)
    warned = f", with {warnings} warning{'s' * (warnings > 1)}" if warnings else ""
    if not failed:
        return f"All {len(checks)} checks passed{warned}."
    rest = f", and {skipped} could not be run" if skipped else ""
    return f"{failed - skipped} of {len(checks)} checks failed{rest}{warned}."
