"""Errors for answers that are not a usable reply: error statuses, refusals and incomplete replies."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from webvoice_mcp.client.document import parse_json
from webvoice_mcp.client.hints import tools_for_paths_in
from webvoice_mcp.client.redaction import mask_key, redact
from webvoice_mcp.contract.bills import bills_in, dearest
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

SPENT_ADVICE = "Credits may have been spent: see webvoice_jobs and webvoice_usage before you repeat the call."
"""Advice about a paid call that may have been carried out."""

MAX_ERROR_BYTES = 64 << 10
"""The most that is read of an error's body."""

_MAX_QUOTED_CHARACTERS = 300
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?(?:e[0-9])?)\s*(?:s|sec|secs|seconds?)?", re.IGNORECASE)
_MAX_RETRY_AFTER = 999_999_999.0
_FORBIDDEN = "The account may lack permission (see webvoice_onboarding), or a firewall or VPN may block the call."
_NO_REASON = "It gave no reason. Check the arguments, or try again later."
_NOT_FOUND = "Nothing exists at this address. Check WEBVOICE_BASE_URL and any id in the arguments."
_LIKELY_CAUSES = {
    404: _NOT_FOUND,
    405: _NOT_FOUND,
    408: "The request took too long to arrive. Try again.",
    413: "The request is too large. Send less.",
}


@dataclass(frozen=True, slots=True)
class CallContext:
    """Facts about a call that its error messages need.

    Attributes:
        base_url: base URL of the API.
        links: URLs of the site's pages by name.
        solana_memo: the memo for a Solana transfer, "" if it is not known.
        key: the API key that is sent, "" for none.
        key_source: the key's source, `environment`, `saved` or `memory`; "" without a key.
        provider: the requested provider, "" if the endpoint has none.
        other_providers: providers to try instead.
        names_model: True if the request names a model, so that the user can try another.
    """

    base_url: str
    links: Mapping[str, str]
    solana_memo: str = ""
    key: str = ""
    key_source: str = ""
    provider: str = ""
    other_providers: tuple[str, ...] = ()
    names_model: bool = False


def is_refusal(document: Mapping[str, Any]) -> bool:
    """Return True if `success` is there and not true. null counts as absent."""
    success = document.get("success")
    return success is not None and success is not True


def message_in_body(body: bytes) -> str:
    """Return the message in an error's body, "" if there is none or the body is not JSON."""
    return message_in(_document_in(body))


def message_in(document: Any) -> str:
    """Return the message of a decoded error, from `message`, `error`, `error.message` or `detail`; "" if none."""
    if not isinstance(document, dict):
        return ""
    candidates = (document.get("message"), document.get("error"), document.get("detail"))
    texts = [message_in(value) if isinstance(value, dict) else value for value in candidates]
    message = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return " ".join(message.split())


def parse_retry_after(header: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds in a Retry-After header, which holds a number or a date (RFC 9110, section 10.2.3).

    Fractions, exponents and a unit, which some services write, are read, too.
    """
    text = (header or "").strip()
    if number := _SECONDS.fullmatch(text):
        return min(float(number[1]), _MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def status_error(status: int, body: bytes, context: CallContext, *, retry_after: float | None = None) -> WebVoiceError:
    """Return the error for a status other than 2xx.

    Args:
        status: the answer's status.
        body: the beginning of the answer's body.
        context: the call's context.
        retry_after: seconds that the service asks to wait, None if it does not say.
    """
    error = _status_error(status, _quote(message_in_body(body), context), context, retry_after)
    document = _document_in(body)
    # A document that is too long to be read as a whole may end with a bill.
    is_cut = len(body) >= MAX_ERROR_BYTES and body.lstrip()[:1] == b"{"
    error.billed = error.billed or is_cut or carries_bill(document)
    error.credits_used = dearest(bills_in(document))
    return error


def _status_error(status: int, message: str, context: CallContext, retry_after: float | None) -> WebVoiceError:
    quoted = f": {message}." if message else "."
    if 300 <= status < 400:
        return InvalidResponse(
            f"The service answered with a redirect ({status}), which is never followed. Check WEBVOICE_BASE_URL.",
            status=status,
        )
    if status == 401:
        return Unauthorized(f"{_rejection(context)} (401){quoted} {_key_advice(context)}", status=status)
    if status == 403:
        return Unauthorized(f"{_host(context)} refused the call (403){quoted} {_FORBIDDEN}", status=status)
    if status == 402:
        return InsufficientCredits(f"Not enough credits{quoted} {_top_up_advice(context)}", status=status)
    if status == 429:
        advice = f"Try again in {math.ceil(retry_after)} seconds." if retry_after is not None else "Try again later."
        return RateLimited(f"Too many requests{quoted} {advice}", status=status, retry_after=retry_after)
    if status == 503:
        return ProviderUnavailable(f"{_unavailability(context)} (503){quoted} {_alternatives(context)}", status=status)
    if status >= 500:
        error = ServerError(f"The service failed ({status}){quoted} Try again later.", status=status)
        error.billed = True
        return error
    advice = "Change the arguments accordingly." if message else _LIKELY_CAUSES.get(status, _NO_REASON)
    return BadRequest(f"The service refused the request ({status}){quoted} {advice}", status=status)


def refusal_error(document: Any, context: CallContext) -> WebVoiceError:
    """Return the error for a refusal with status 200: a `success` that is not true, or an error without a reply.

    A refusal that carries a bill counts as billed.
    """
    message = _quote(message_in(document), context)
    billed = carries_bill(document)
    bill = " Credits were spent all the same: see webvoice_usage." if billed else ""
    text = (
        f"The service refused the request: {message}. Change the arguments accordingly, or try again later.{bill}"
        if message
        else f"The service refused the request. {_NO_REASON}{bill}"
    )
    error = BadRequest(text, status=200)
    error.billed, error.credits_used = billed, dearest(bills_in(document))
    return error


def carries_bill(document: Any) -> bool:
    """Return True if a decoded answer says that credits were spent, even if not how many."""
    return any(bills_in(document))


def interruption_error(document: Any, context: CallContext, billing_advice: str) -> WebVoiceError:
    """Return the error for a stream that reports a failure after part of the answer.

    Args:
        document: the chunk that reports the failure.
        context: the call's context.
        billing_advice: sentence about the credits that may have been spent.
    """
    message = _quote(message_in(document), context) or "no reason given"
    error = BadRequest(f"The service stopped after part of the answer: {message}. {billing_advice}", status=200)
    error.billed, error.credits_used = True, dearest(bills_in(document))
    return error


def incomplete_reply_error(document: Mapping[str, Any], problem: str, context: CallContext) -> WebVoiceError:
    """Return the error for an answer with status 200 that lacks what was asked for.

    Args:
        document: the answer; if it reports an error, it is treated as a refusal.
        problem: sentence that says what is missing.
        context: the call's context.
    """
    if document.get("error") and document.get("success") is not True:
        return refusal_error(document, context)
    message = _quote(message_in(document), context)
    return InvalidResponse(f"{problem} It says: {message}." if message else problem)


def _document_in(body: bytes) -> Any:
    try:
        return parse_json(body)
    except InvalidResponse:
        return None


def _quote(message: str, context: CallContext) -> str:
    """Return a message of the service as it may be shown, without its final full stop, and name the tools for paths."""
    message = redact(message, context.key)
    tools = tools_for_paths_in(message)
    shown = message[:_MAX_QUOTED_CHARACTERS].rstrip(". ")
    return f"{shown}. Here the tool for that is {' or '.join(tools)}" if tools else shown


def _host(context: CallContext) -> str:
    return context.base_url.partition("://")[2].partition("/")[0]


def _rejection(context: CallContext) -> str:
    if not context.key:
        return f"{_host(context)} refused the call"
    sources = {"environment": " from WEBVOICE_API_KEY", "saved": " saved for this base URL"}
    source = sources.get(context.key_source, "")
    return f"{_host(context)} did not accept the key {mask_key(context.key)}{source}"


def _key_advice(context: CallContext) -> str:
    if context.key_source == "environment":
        return "Correct or remove WEBVOICE_API_KEY and restart the server."
    return "Register again with webvoice_register_send_code, or set WEBVOICE_API_KEY."


def _top_up_advice(context: CallContext) -> str:
    memo = f" with memo {context.solana_memo}" if context.solana_memo else ""
    return (
        f"Top up by PayPal at {context.links['buy_credits_paypal']} or by Solana{memo} at "
        f"{context.links['solana_topup']}. "
        "Free chat models cost nothing: call webvoice_list_chat_models with free_only."
    )


def _unavailability(context: CallContext) -> str:
    return f"The provider {context.provider} is not available" if context.provider else "The service is not available"


def _alternatives(context: CallContext) -> str:
    if context.other_providers:
        return f"Other providers to try: {', '.join(context.other_providers)}."
    return "Try another model, or try again later." if context.names_model else "Try again later."
