"""What the service said, in the shape that the rest of the program works with: a reply, or one of our errors."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from webvoice_mcp.client.auth import mask, without_keys
from webvoice_mcp.client.document import parsed
from webvoice_mcp.errors import (
    BadRequest,
    InsufficientCredits,
    InvalidResponse,
    ProviderUnavailable,
    RateLimited,
    ServerError,
    Unauthorized,
    WebVoiceError,
)

_MESSAGE_CHARACTERS = 300
_FORBIDDEN = "The account may not do this (see webvoice_onboarding), or a firewall or VPN on the way blocks it."
_NO_REASON = "It gave no reason: check the arguments, or try again later."
_ELSEWHERE = "There is nothing at this address: WEBVOICE_BASE_URL may be wrong, or an id in the arguments unknown."
_TOO_LARGE = "What was sent is too large: send less."
_LIKELY = {404: _ELSEWHERE, 405: _ELSEWHERE, 408: "It took too long to arrive: try again.", 413: _TOO_LARGE}
_NOT_TEXT = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f"
    r"\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an error has to know of the question to say something useful.

    Attributes:
        provider: the one that was to answer, "" where there is no choice.
        others: providers to try in its place.
        names_model: whether the request names a model, so that another may be tried.
    """

    base_url: str
    links: Mapping[str, str]
    memo: str = ""
    key: str = ""
    key_source: str = ""
    provider: str = ""
    others: tuple[str, ...] = ()
    names_model: bool = False


def harmless(text: str) -> str:
    """Text from outside without control characters, but for tabs and line ends, and without terminal escapes."""
    return _NOT_TEXT.sub("", text)


def plain(text: str, *keys: str) -> str:
    """Text from outside as harmless data: no control characters, no terminal escapes, no keys."""
    return without_keys(harmless(text), *keys)


def masked(document: Any, key: str) -> Any:
    """A decoded document with the key that was sent masked wherever the service echoes it."""
    if isinstance(document, dict):
        return {masked(name, key): masked(value, key) for name, value in document.items()}
    if isinstance(document, list):
        return [masked(value, key) for value in document]
    return document.replace(key, mask(key)) if isinstance(document, str) else document


class Keyless:
    """Hands a text on piece by piece, with the key masked, also where it is spread over several pieces."""

    def __init__(self, key: str, hear: Callable[[str], Awaitable[None]]) -> None:
        self._key = key
        self._hear = hear
        self._held = ""  # what may be the beginning of the key

    async def hand_on(self, piece: str) -> None:
        """Take a piece; what cannot be a part of the key is handed on."""
        text: str = masked(self._held + piece, self._key) if self._key else piece
        held = next((n for n in range(min(len(self._key) - 1, len(text)), 0, -1) if self._key.startswith(text[-n:])), 0)
        self._held = text[len(text) - held :]
        if text := text[: len(text) - held]:
            await self._hear(text)

    async def end(self) -> None:
        """Nothing more comes: what was held back was no key."""
        if self._held:
            await self._hear(self._held)


def message_in(body: bytes) -> str:
    """The sentence in an error body: `message`, `error`, `detail`, or OpenAI's `error.message`; else ""."""
    try:
        return sentence(parsed(body))
    except InvalidResponse:
        return ""


def sentence(document: Any) -> str:
    """The human-readable part of a decoded error document."""
    if not isinstance(document, dict):
        return ""
    error = document.get("error")
    candidates = (document.get("message"), error, document.get("detail"))
    texts = [sentence(each) if isinstance(each, dict) else each for each in candidates]
    found = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return " ".join(found.split())


def retry_after(header: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds in a Retry-After header, which holds a number or a date (RFC 9110, section 10.2.3)."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def failure(status: int, body: bytes, asked: Asked, *, wait: float | None = None) -> WebVoiceError:
    """The error for a status that is no success."""
    said = _quotable(message_in(body), asked)
    quoted = f": {said}." if said else "."
    if 300 <= status < 400:
        return InvalidResponse(
            f"The service answered with a redirect ({status}), which is never followed. Check WEBVOICE_BASE_URL.",
            status=status,
        )
    if status == 401:
        return Unauthorized(f"{_who(asked)} (401){quoted} {_cure(asked)}", status=status)
    if status == 403:
        return Unauthorized(f"{_host(asked)} refused the call (403){quoted} {_FORBIDDEN}", status=status)
    if status == 402:
        return InsufficientCredits(f"Not enough credits{quoted} {_top_up(asked)}", status=status)
    if status == 429:
        again = f"Try again in {wait:.0f} seconds." if wait is not None else "Try again later."
        return RateLimited(f"Too many requests{quoted} {again}", status=status, retry_after=wait)
    if status == 503:
        return ProviderUnavailable(f"{_unavailable(asked)} (503){quoted} {_others(asked)}", status=status)
    if status >= 500:
        error = ServerError(f"The service failed ({status}){quoted} Try again later.", status=status)
        error.billed = True
        return error
    to_do = "Change the arguments as it says." if said else _LIKELY.get(status, _NO_REASON)
    return BadRequest(f"The service refused the request ({status}){quoted} {to_do}", status=status)


def refusal(document: Any, asked: Asked, *, status: int = 200) -> WebVoiceError:
    """The error for an answer of status 200 that says no: `"success": false`, or an error and nothing else of use."""
    said = _quotable(sentence(document), asked)
    if not said:
        return BadRequest(f"The service refused the request. {_NO_REASON}", status=status)
    return BadRequest(
        f"The service refused the request: {said}. Change the arguments as it says, or try again later.", status=status
    )


def broken_off(document: Any, asked: Asked, spent: str) -> WebVoiceError:
    """The error for a stream that reports a failure when a part of the answer has come.

    Args:
        spent: what is to be said about the wallet.
    """
    said = _quotable(sentence(document), asked) or "no reason given"
    error = BadRequest(f"The service broke off when part of the answer had come: {said}. {spent}", status=200)
    error.billed = True
    return error


def lacking(document: Mapping[str, Any], lacks: str, asked: Asked) -> WebVoiceError:
    """The error for an answer of status 200 without what was asked for. One that reports an error is a refusal.

    Args:
        lacks: what is not in it, as a sentence.
    """
    if document.get("error") and document.get("success") is not True:
        return refusal(document, asked)
    said = _quotable(sentence(document), asked)
    return InvalidResponse(f"{lacks} It says: {said}." if said else lacks)


def _quotable(said: str, asked: Asked) -> str:
    return plain(said, asked.key)[:_MESSAGE_CHARACTERS].rstrip(". ")


def _host(asked: Asked) -> str:
    return asked.base_url.partition("://")[2].partition("/")[0]


def _who(asked: Asked) -> str:
    if not asked.key:
        return f"{_host(asked)} refused the call"
    named = "from WEBVOICE_API_KEY" if asked.key_source == "environment" else "saved for this base URL"
    return f"{_host(asked)} did not accept the key {mask(asked.key)} {named}"


def _cure(asked: Asked) -> str:
    if asked.key_source == "environment":
        return "Correct or remove WEBVOICE_API_KEY and restart the server."
    return "Register again with webvoice_register_send_code, or set WEBVOICE_API_KEY."


def _top_up(asked: Asked) -> str:
    memo = f" with memo {asked.memo}" if asked.memo else ""
    return (
        f"Top up by PayPal at {asked.links['buy_credits_paypal']} or by Solana{memo} at {asked.links['solana_topup']}. "
        "Free chat models cost nothing: webvoice_list_chat_models with free_only."
    )


def _unavailable(asked: Asked) -> str:
    return f"The provider {asked.provider} is not available" if asked.provider else "The service is not available"


def _others(asked: Asked) -> str:
    if asked.others:
        return f"Other providers to try: {', '.join(asked.others)}."
    return "Try another model, or try later." if asked.names_model else "Try again later."
