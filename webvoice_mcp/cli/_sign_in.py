"""Signing in at the terminal: address, consent, code, key."""

from webvoice_mcp.cli._account import Stopped, ask_person, ask_service
from webvoice_mcp.client.answers import harmless, plain
from webvoice_mcp.errors import BadRequest
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools._params import checked_email
from webvoice_mcp.tools.account import CodeSent, Registered, webvoice_register_send_code, webvoice_register_verify

_TRIES = 3
_YES = frozenset({"y", "yes"})


def sign_in(settings: Settings, email: str) -> int:
    """Ask what has to be asked, and save the key; the exit code.

    Raises:
        Stopped: somebody said no, or nobody answered.
        WebVoiceError: the service refused, or could not be asked.
    """
    print(f"Signing in at {settings.site}/")
    email = checked_email("The address", email or ask_person("E-mail address: "))
    _ask_consent(settings)
    sent = _send_code(settings, email)
    print(plain(sent.message or f"A code is on its way to {email}."))
    return _told(_verified(settings, email))


def _ask_consent(settings: Settings) -> None:
    print(f"The privacy policy and the terms of service are to be read on {settings.site}/")
    for what in ("privacy policy", "terms of service"):
        if ask_person(f"Do you accept the {what}? [y/N] ").lower() not in _YES:
            raise Stopped("Without your consent no account can be opened. Nothing was sent.")


def _send_code(settings: Settings, email: str) -> CodeSent:
    return ask_service(
        settings,
        lambda office: webvoice_register_send_code(email, accept_privacy=True, accept_terms=True, client=office.client),
    )


def _verified(settings: Settings, email: str) -> Registered:
    """The account, once the right code was typed in."""
    for left in reversed(range(_TRIES)):
        code = ask_person("Code in the mail: ")
        if not code:
            continue
        try:
            return _verify(settings, email, code)
        except BadRequest as error:
            if not left:
                raise
            print(error)
    raise Stopped("No code was typed in.")


def _verify(settings: Settings, email: str, code: str) -> Registered:
    # To its end: the key that is made at the far end is told once and must be saved.
    return ask_service(
        settings,
        lambda office: webvoice_register_verify(email, code, client=office.client, keys=office.keys, jobs=office.jobs),
        to_its_end=True,
    )


def _told(done: Registered) -> int:
    if done.api_key_saved_to:
        print(f"The key {done.api_key} is saved in {done.api_key_saved_to} and works at once.")
    elif done.api_key:  # in full: it could not be saved, and the note says why
        print(f"Your key: {harmless(done.api_key)}")
    if done.note:
        print(plain(done.note) if done.api_key_saved_to else harmless(done.note))
    onboarding = done.onboarding or {}
    if "credits" in onboarding:
        print(plain(f"Credits: {onboarding['credits']}"))
    return 0 if done.api_key_saved_to else 1
