"""What the service said, in the shape that the rest of the program works with: a reply, or one of our errors."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from webvoice_mcp.client.auth import mask, without_keys
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
_NOT_TEXT = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an error has to know of the question to say something useful."""

    base_url: str
    links: Mapping[str, str]
    memo: str = ""
    key: str = ""
    key_source: str = ""
    provider: str = ""
    providers: tuple[str, ...] = ()


def plain(text: str, *keys: str) -> str:
    """Text from outside as harmless data: no control characters, no terminal escapes, no keys."""
    return without_keys(_NOT_TEXT.sub("", text), *keys)


def masked(document: Any, key: str) -> Any:
    """A decoded document with the key that was sent masked wherever the service echoes it."""
    if isinstance(document, dict):
        return {name: masked(value, key) for name, value in document.items()}
    if isinstance(document, list):
        return [masked(value, key) for value in document]
    return document.replace(key, mask(key)) if isinstance(document, str) else document


def decode(body: bytes) -> Any:
    """Parse a JSON body.

    Raises:
        InvalidResponse: it is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidResponse("The service's answer is not JSON. Try again later; the base URL may be wrong.") from None


def message_in(body: bytes) -> str:
    """The sentence in an error body: `message`, `error`, `detail`, or OpenAI's `error.message`; else ""."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return sentence(document)


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
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def failure(status: int, body: bytes, asked: Asked, *, wait: float | None = None) -> WebVoiceError:
    """The error for a status that is no success."""
    said = plain(message_in(body), asked.key)[:_MESSAGE_CHARACTERS]
    quoted = f": {said.rstrip('.')}." if said else "."
    if 300 <= status < 400:
        return InvalidResponse(
            f"The service answered with a redirect ({status}), which is never followed. Check WEBVOICE_BASE_URL.",
            status=status,
        )
    if status in (401, 403):
        return Unauthorized(f"{_who(asked)} ({status}){quoted} {_cure(asked)}", status=status)
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
    return BadRequest(
        f"The service refused the request ({status}){quoted} Change the arguments as it says.", status=status
    )


def refusal(document: Any, asked: Asked, *, status: int = 200) -> WebVoiceError:
    """The error for an answer of status 200 that says `"success": false`."""
    said = plain(sentence(document), asked.key)[:_MESSAGE_CHARACTERS] or "no reason given"
    return BadRequest(f"The service refused the request: {said.rstrip('.')}.", status=status)


def _who(asked: Asked) -> str:
    host = asked.base_url.partition("://")[2].partition("/")[0]
    if not asked.key:
        return f"{host} refused the call"
    named = "from WEBVOICE_API_KEY" if asked.key_source == "environment" else "saved for this base URL"
    return f"{host} did not accept the key {mask(asked.key)} {named}"


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
    return f"The provider {asked.provider} is not available" if asked.provider else "The provider is not available"


def _others(asked: Asked) -> str:
    others = [name for name in asked.providers if name != asked.provider]
    return f"Other providers to try: {', '.join(others)}." if others else "Try another provider or model, or try later."
