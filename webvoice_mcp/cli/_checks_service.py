"""What `webvoice-mcp doctor` asks the service: one request, through the client that every tool uses."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio

from webvoice_mcp.cli._checks import GET_A_KEY, Check
from webvoice_mcp.client.auth import ApiKey, Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.account import STATUS, StatusReply, links
from webvoice_mcp.contract.endpoint import Empty
from webvoice_mcp.errors import BadRequest, InvalidResponse, NoAnswer, Unauthorized, WebVoiceError
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings

_REACHABLE, _ACCEPTED, _CREDITS, _CLOCK = "base URL reachable", "key accepted", "credits", "clock"

_PATIENCE = 10.0  # seconds; a person is waiting
_OFF = 60.0  # seconds that a clock may be wrong; answers take a few themselves

_NETWORK = "Check the network, a proxy and WEBVOICE_BASE_URL. All the rest here was checked without the network."
_ADDRESS = "Check WEBVOICE_BASE_URL: it ends in /api/v1."


async def checks(settings: Settings, store: KeyStore, key: ApiKey | None) -> list[Check]:
    """Ask for the account's status and read from the answer, or from what it failed of, all there is in it."""
    client = Client(replace(settings, timeout=_PATIENCE), Keys(settings, store), sleep=_at_once)
    # Without a key the service can only refuse, but that too tells that it is there.
    endpoint = STATUS if key else replace(STATUS, key=False)
    answer: StatusReply | WebVoiceError
    try:
        answer = await client.call(endpoint, Empty())
    except WebVoiceError as error:
        answer = error
    finally:
        await client.aclose()
    reached = _reached(settings, answer)
    if not reached.ok:
        return [reached, *_unknown(f"{_REACHABLE} failed", _ACCEPTED, _CREDITS, _CLOCK)]
    return [reached, *_account(settings, key, answer), _clock(client.dated)]


def unasked(reason: str) -> list[Check]:
    """The checks when the service cannot even be asked."""
    return list(_unknown(reason, _REACHABLE, _ACCEPTED, _CREDITS, _CLOCK))


async def _at_once(_seconds: float) -> None:
    """In place of the pauses between tries: a person is waiting."""
    await anyio.lowlevel.checkpoint()


def _unknown(reason: str, *names: str) -> Iterator[Check]:
    for name in names:
        yield Check(name, False, f"not checked: {reason}", "Mend that first.", made=False)


def _reached(settings: Settings, answer: StatusReply | WebVoiceError) -> Check:
    if isinstance(answer, NoAnswer):
        return Check(_REACHABLE, False, str(answer), _NETWORK)
    if isinstance(answer, (BadRequest, InvalidResponse)):
        return Check(_REACHABLE, False, f"something else answers at {settings.base_url}: {answer}", _ADDRESS)
    return Check(_REACHABLE, True, f"{settings.base_url} answers")


def _account(settings: Settings, key: ApiKey | None, answer: StatusReply | WebVoiceError) -> Iterator[Check]:
    if key is None:
        yield from _unknown("no key was found", _ACCEPTED, _CREDITS)
    elif isinstance(answer, Unauthorized):
        remove = "Correct or remove WEBVOICE_API_KEY. " if key.source == "environment" else ""
        yield Check(_ACCEPTED, False, str(answer), f"{remove}{GET_A_KEY}")
        yield from _unknown(f"{_ACCEPTED} failed", _CREDITS)
    elif isinstance(answer, WebVoiceError):  # too many requests, or a failure on its side
        yield Check(_ACCEPTED, False, str(answer), "Wait a little and run this again.")
        yield from _unknown(f"{_ACCEPTED} failed", _CREDITS)
    else:
        yield Check(_ACCEPTED, True, f"by the account {answer.user}" if answer.user else "yes")
        yield _credits(settings, answer.credits)


def _credits(settings: Settings, left: float | None) -> Check:
    if left is None:
        return Check(_CREDITS, True, "the service did not say")
    if left > 0:
        return Check(_CREDITS, True, f"{left:g}")
    pages = links(settings.site)
    ways = f"{pages['buy_credits_paypal']} or {pages['solana_topup']}"
    return Check(_CREDITS, False, f"{left:g}", f"Top up at {ways}; until then use chat models that are free.")


def _clock(dated: str) -> Check:
    try:
        theirs = parsedate_to_datetime(dated)
    except (ValueError, OverflowError):
        return Check(_CLOCK, True, "the service did not say what time it is")
    off = (datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))).total_seconds()
    if abs(off) < _OFF:
        return Check(_CLOCK, True, "as the service's")
    direction = "ahead of" if off > 0 else "behind"
    cure = "Let the system set its clock from the network; certificates are refused by a wrong one."
    return Check(_CLOCK, False, f"{abs(off):.0f} seconds {direction} the service's", cure)
