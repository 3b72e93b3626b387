"""Checks of the service, with one request through the client that the tools use."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio

from webvoice_mcp.cli.doctor.check import GET_A_KEY, Check
from webvoice_mcp.client.auth import ApiKey, Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.account import STATUS, StatusReply, links
from webvoice_mcp.contract.endpoint import Empty
from webvoice_mcp.errors import BadRequest, InvalidResponse, NoAnswer, Unauthorized, WebVoiceError
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings

_REACHABLE, _ACCEPTED, _CREDITS, _CLOCK = "base URL reachable", "key accepted", "credits", "clock"

_TIMEOUT_SECONDS = 10.0  # a person is waiting
_MAX_CLOCK_ERROR_SECONDS = 60.0  # generous, because the answer itself may take seconds

_CHECK_NETWORK = "Check the network, the proxy and WEBVOICE_BASE_URL. The other checks do not need the network."
_CHECK_ADDRESS = "Check WEBVOICE_BASE_URL: it ends in /api/v1."


async def check(settings: Settings, store: KeyStore, key: ApiKey | None) -> list[Check]:
    """Request the account's status, and check service, key, credits and clock by the answer or the error."""
    client = Client(replace(settings, timeout=_TIMEOUT_SECONDS), Keys(settings, store), sleep=_do_not_sleep)
    # Without a key the service refuses the request, which still shows that it is reachable.
    endpoint = STATUS if key else replace(STATUS, key=False)
    answer: StatusReply | WebVoiceError
    try:
        answer = await client.call(endpoint, Empty())
    except WebVoiceError as error:
        answer = error
    finally:
        await client.aclose()
    reachable = _check_reachable(settings, answer)
    if not reachable.ok:
        return [reachable, *_skip(f"{_REACHABLE} failed", _ACCEPTED, _CREDITS, _CLOCK)]
    return [reachable, *_check_account(settings, key, answer), _check_clock(client.last_date)]


def skip(reason: str) -> list[Check]:
    """Return all of these checks as not run."""
    return list(_skip(reason, _REACHABLE, _ACCEPTED, _CREDITS, _CLOCK))


async def _do_not_sleep(_seconds: float) -> None:
    """Skip the pauses before retries, because a person is waiting."""
    await anyio.lowlevel.checkpoint()


def _skip(reason: str, *names: str) -> Iterator[Check]:
    for name in names:
        yield Check(name, False, f"not checked: {reason}", "Fix that first.", was_run=False)


def _check_reachable(settings: Settings, answer: StatusReply | WebVoiceError) -> Check:
    if isinstance(answer, NoAnswer):
        return Check(_REACHABLE, False, str(answer), _CHECK_NETWORK)
    if isinstance(answer, (BadRequest, InvalidResponse)):
        detail = f"{settings.base_url} answers, but not as WebVoice does: {answer}"
        return Check(_REACHABLE, False, detail, _CHECK_ADDRESS)
    return Check(_REACHABLE, True, f"{settings.base_url} answers")


def _check_account(settings: Settings, key: ApiKey | None, answer: StatusReply | WebVoiceError) -> Iterator[Check]:
    if key is None:
        yield from _skip("no key was found", _ACCEPTED, _CREDITS)
    elif isinstance(answer, Unauthorized):
        remove = "Correct or remove WEBVOICE_API_KEY. " if key.source == "environment" else ""
        yield Check(_ACCEPTED, False, str(answer), f"{remove}{GET_A_KEY}")
        yield from _skip(f"{_ACCEPTED} failed", _CREDITS)
    elif isinstance(answer, WebVoiceError):  # too many requests, or a failure of the service
        yield Check(_ACCEPTED, False, str(answer), "Wait a little and run this again.")
        yield from _skip(f"{_ACCEPTED} failed", _CREDITS)
    else:
        yield Check(_ACCEPTED, True, f"by the account {answer.user}" if answer.user else "yes")
        yield _check_credits(settings, answer.credits)


def _check_credits(settings: Settings, remaining: float | None) -> Check:
    if remaining is None:
        return Check(_CREDITS, True, "not in the service's answer")
    if remaining > 0:
        return Check(_CREDITS, True, f"{remaining:g}")
    pages = links(settings.site)
    top_up = f"Top up at {pages['buy_credits_paypal']} or {pages['solana_topup']}"
    return Check(_CREDITS, False, f"{remaining:g}", f"{top_up}; until then, use free chat models.")


def _check_clock(date: str) -> Check:
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return Check(_CLOCK, True, "not checked: the service's answer has no usable date")
    seconds = (datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))).total_seconds()
    if abs(seconds) < _MAX_CLOCK_ERROR_SECONDS:
        return Check(_CLOCK, True, "agrees with the service's")
    direction = "ahead of" if seconds > 0 else "behind"
    cure = "Let the system set its clock from the network. With a wrong clock, certificates are refused."
    return Check(_CLOCK, False, f"{abs(seconds):.0f} seconds {direction} the service's", cure)
