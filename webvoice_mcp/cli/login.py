"""`webvoice-mcp login`: register or sign in with a code sent by e-mail, through the functions behind the tools."""

import argparse
import sys

from webvoice_mcp.cli.service_calls import call_service
from webvoice_mcp.cli.startup import load_settings
from webvoice_mcp.cli.terminal import CommandError, prompt
from webvoice_mcp.client.redaction import redact, sanitize
from webvoice_mcp.errors import BadRequest
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools.account import CodeSent, Registered, webvoice_register_send_code, webvoice_register_verify
from webvoice_mcp.tools.parameters import checked_email

_MAX_ATTEMPTS = 3


def run(options: argparse.Namespace) -> int:
    """Ask for address, consent and code, save the key, and return 1 if none could be saved."""
    settings = load_settings()
    try:
        print(f"Signing in at {settings.site}/")
        email = checked_email("The address", options.email or prompt("E-mail address: "))
        _ask_for_consent(settings)
        sent = _send_code(settings, email)
        print(redact(" ".join((sent.message or f"A code is on its way to {email}.").split())))
        return _report(_verify_typed_codes(settings, email))
    except KeyboardInterrupt:
        # Without a newline at the end: `commands` prints one for every interrupted command.
        message = "webvoice-mcp login: stopped. Run webvoice-mcp status to see whether a key was saved."
        print(f"\n{message}", end="", file=sys.stderr)
        raise


def _ask_for_consent(settings: Settings) -> None:
    print(f"You can read the privacy policy and the terms of service at {settings.site}/")
    for document in ("privacy policy", "terms of service"):
        if prompt(f"Do you accept the {document}? [y/N] ").lower() not in {"y", "yes"}:
            raise CommandError("An account cannot be opened without your consent. Nothing was sent.")


def _send_code(settings: Settings, email: str) -> CodeSent:
    return call_service(
        settings,
        lambda services: webvoice_register_send_code(
            email, accept_privacy=True, accept_terms=True, client=services.free_client
        ),
    )


def _verify_typed_codes(settings: Settings, email: str) -> Registered:
    for remaining in reversed(range(_MAX_ATTEMPTS)):
        code = prompt("Code from the e-mail: ")
        if not code:
            continue
        try:
            return _verify(settings, email, code)
        except BadRequest as error:
            if not remaining:
                raise
            print(error)
    raise CommandError("No code was entered. Run this command again to get a new one.")


def _verify(settings: Settings, email: str, code: str) -> Registered:
    # Shielded: the service shows the new key only once, so it has to be saved even after Ctrl-C.
    return call_service(
        settings,
        lambda services: webvoice_register_verify(
            email, code, client=services.free_client, keys=services.keys, jobs=services.jobs
        ),
        shielded=True,
    )


def _report(registered: Registered) -> int:
    if registered.api_key_saved_to:
        print(f"The key {registered.api_key} is saved in {registered.api_key_saved_to} and ready to use.")
    elif registered.api_key:  # here the whole key, because it could not be saved; the note says why
        print(f"Your key: {sanitize(registered.api_key)}")
    if registered.note:
        print(redact(registered.note) if registered.api_key_saved_to else sanitize(registered.note))
    onboarding = registered.onboarding or {}
    if "credits" in onboarding:
        print(redact(f"Credits: {onboarding['credits']}"))
    return 0 if registered.api_key_saved_to else 1
