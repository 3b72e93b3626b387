"""Errors of failed calls, with advice about the credits that they may have cost."""

from typing import Any, TypeVar

import httpx2

from webvoice_mcp.client import answers
from webvoice_mcp.client.answers import CallContext
from webvoice_mcp.contract.endpoint import Endpoint
from webvoice_mcp.errors import InvalidResponse, NetworkError, WebVoiceError

E = TypeVar("E", bound=WebVoiceError)


def stream_error(
    endpoint: Endpoint[Any, Any], context: CallContext, chunk: dict[str, Any], *, has_content: bool
) -> WebVoiceError:
    """Return the error that a chat's answer reports, before or after part of it."""
    if has_content:
        return answers.interruption_error(chunk, context, billing_advice(endpoint))
    return answers.refusal_error(chunk, context)


def broken_connection_error(
    endpoint: Endpoint[Any, Any], error: httpx2.HTTPError, *, has_response: bool
) -> NetworkError | InvalidResponse:
    """Return the error for a connection that broke before or within an answer."""
    if isinstance(error, httpx2.DecodingError):
        return InvalidResponse("The service's answer could not be decompressed.")
    if has_response:
        return InvalidResponse("The service's answer was cut short.")
    return mark_billed(NetworkError(f"The connection broke before an answer arrived. {billing_advice(endpoint)}"))


def mark_billed(error: E) -> E:
    """Return the error as one of a call that may have cost credits."""
    error.billed = True
    return error


def billed(error: WebVoiceError, reworded: E) -> E:
    """Return the reworded error with the bill of the original."""
    reworded.credits_used = error.credits_used
    return mark_billed(reworded)


def with_billing_advice(endpoint: Endpoint[Any, Any], error: WebVoiceError) -> WebVoiceError:
    """Return the error with advice: after a gateway's error, the service may still have carried out the request."""
    if error.billed and endpoint.paid:
        text = f"{error} {billing_advice(endpoint)}"
        return billed(error, type(error)(text, status=error.status, retry_after=error.retry_after))
    return error


def billing_advice(endpoint: Endpoint[Any, Any]) -> str:
    """Return advice about a failed call whose request may have arrived."""
    if endpoint.paid:
        return answers.SPENT_ADVICE
    if endpoint.method == "POST":
        return "The request may have been carried out: check before you repeat it. This call costs no credits."
    return "This call costs no credits."
