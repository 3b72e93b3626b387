"""`webvoice-mcp login`: register or sign in with a code sent by e-mail, through the functions behind the tools."""

import argparse
import sys

from webvoice_mcp.cli.service_calls import call_service
from webvoice_mcp.cli.startup import STATE_DIR, load_settings
from webvoice_mcp.cli.terminal import CommandError, prompt
from webvoice_mcp.client.redaction import redact
from webvoice_mcp.contract.account import VerifyCodeRequest
from webvoice_mcp.errors import BadRequest, InvalidArgument
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools.account import KEY_NAME, CodeSent, Registered, verify_code, webvoice_register_send_code
from webvoice_mcp.tools.parameters import checked_email

_MAX_ATTEMPTS = 3


def run(options: argparse.Namespace) -> int:
    """Ask for address, consent and code, save the key, and return 1 if none could be saved."""
    settings = load_settings(STATE_DIR)
    try:
        print(f"Signing in at {settings.site}/")
        email = checked_email("The address", options.email) if options.email else _typed_address()
        _ask_for_consent(settings)
        KeyStore(settings.credentials_file).check_writable()  # before a code is sent, which can be used only once
        email, sent = _send_code(settings, email, may_ask=not options.email)
        print(redact(" ".join((sent.message or f"A code is on its way to {email}.").split())))
        return _report(_verify_typed_codes(settings, email))
    except KeyboardInterrupt:
        # Without a newline at the end: `commands` prints one for every interrupted command.
        message = "webvoice-mcp login: stopped. Run webvoice-mcp status to see whether a key was saved."
        print(f"\n{message}", end="", file=sys.stderr)
        raise


def _typed_address() -> str:
    for _ in range(_MAX_ATTEMPTS - 1):
        try:
            return checked_email("The address", prompt("E-mail address: "))
        except InvalidArgument as error:
            print(error)
    return checked_email("The address", prompt("E-mail address: "))


def _ask_for_consent(settings: Settings) -> None:
    print(f"You can read the privacy policy and the terms of service at {settings.site}/")
    for document in ("privacy policy", "terms of service"):
        if prompt(f"Do you accept the {document}? [y/N] ").lower() not in {"y", "yes"}:
            raise CommandError("An account cannot be opened without your consent. Nothing was sent.")


def _send_code(settings: Settings, email: str, *, may_ask: bool) -> tuple[str, CodeSent]:
    """Have a code sent, and return the address with the answer.

    Args:
        may_ask: True to ask for another address if the service refuses this one.
    """
    try:
        return email, _request_code(settings, email)
    except BadRequest as error:
        if not may_ask:
            raise
        print(error)
    email = _typed_address()
    return email, _request_code(settings, email)


def _request_code(settings: Settings, email: str) -> CodeSent:
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
        except (BadRequest, InvalidArgument) as error:
            if not remaining:
                raise
            print(error)
    raise CommandError("No code was entered. Run this command again to get a new one.")


def _verify(settings: Settings, email: str, code: str) -> Registered:
    # Shielded: the service shows the new key only once, so it has to be saved even after Ctrl-C.
    request = VerifyCodeRequest(email=email, code=code, create_api_key=True, api_key_name=KEY_NAME)
    return call_service(
        settings,
        lambda services: verify_code(
            request, client=services.free_client, keys=services.keys, jobs=services.jobs, use=True
        ),
        shielded=True,
    )


def _report(registered: Registered) -> int:
    if registered.api_key_saved_to:
        print(f"The key {registered.api_key} is saved in {registered.api_key_saved_to} and ready to use.")
    if registered.note:
        print(redact(registered.note))
    onboarding = registered.onboarding or {}
    if "credits" in onboarding:
        print(redact(f"Credits: {onboarding['credits']}"))
    return 0 if registered.api_key_saved_to else 1
