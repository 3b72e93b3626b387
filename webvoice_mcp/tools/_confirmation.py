"""Asking the user before a call that costs more than they allow without a question."""

import hashlib
import json
import secrets
from typing import Any

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from pydantic import ValidationError

from webvoice_mcp.contract.estimate import Estimate, one_line
from webvoice_mcp.errors import Declined
from webvoice_mcp.jobs.questions import Questions
from webvoice_mcp.jobs.services import Services

_INPUT_REQUIRED_SINCE = "2026-07-28"  # the revision in which a question is a result, not a request to the client
_KEY = "confirm"


class InputRequired(Exception):
    """Not an error: ends a call that the client will repeat with the user's answer.

    Attributes:
        result: the answer for the client.
    """

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__()
        self.result = result


async def confirm(context: Context[Any, Any], tool: str, estimate: Estimate, limit: float) -> None:
    """Ask the user for their consent to a call that is estimated above their limit.

    Args:
        limit: credits above which the user is asked.

    Raises:
        Declined: the user did not agree, or cannot be asked or not again so soon, or an answer was used before.
        InputRequired: the client is to put the question to the user and repeat the call.
    """
    price = _price(estimate)
    if not can_ask(context):
        raise Declined(
            f"{tool} would cost {price}, more than WEBVOICE_CONFIRM_ABOVE={limit:g} allows without a question, and "
            "this client cannot ask the user. Choose something cheaper, or ask the user to raise or unset the setting."
        )
    if not await is_agreed(context, f"{tool} will cost {price}. Go on?", "Spend the credits?"):
        raise Declined("The user did not agree to the cost. Nothing was spent. Ask before you call it again.")


async def is_agreed(context: Context[Any, Any], question: str, label: str) -> bool:
    """Put a question to the user of a client that can ask, and return True if they said yes.

    Args:
        question: the question, in one sentence; it is shown as one line.
        label: a few words for the box that the user ticks to agree.

    Raises:
        Declined: the answer was used before, or the user was asked too often within an hour.
        InputRequired: the client is to put the question to the user and repeat the call.
    """
    question = one_line(question)
    go_on = {"type": "boolean", "title": "Go on", "description": label}
    schema = {"type": "object", "properties": {"go_on": go_on}, "required": ["go_on"]}
    version = context.protocol_version
    if version is not None and version >= _INPUT_REQUIRED_SINCE:
        answer = _repeated_answer(context, question, schema)
    else:
        answer = await _ask(context, question, schema)
    # Only a plain true is a yes.
    return answer is not None and answer.action == "accept" and (answer.content or {}).get("go_on") is True


def can_ask(context: Context[Any, Any]) -> bool:
    """Return True if the client can put questions to its user."""
    # A bare `elicitation: {}` stands for forms, the only mode before 2025-11-25.
    elicitation = context.client_capabilities.elicitation if context.client_capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


async def _ask(context: Context[Any, Any], question: str, schema: dict[str, Any]) -> ElicitResult | None:
    _questions(context).count()
    try:
        answer: ElicitResult = await context.session.elicit_form(
            message=question, requested_schema=schema, related_request_id=context.request_id
        )
    except (MCPError, ValidationError):  # the client refused the question itself, or its answer is malformed
        return None
    return answer


def _repeated_answer(context: Context[Any, Any], question: str, schema: dict[str, Any]) -> ElicitResult | None:
    """Return the answer that came with a repeated call, or ask for one."""
    asked = hashlib.sha256(question.encode()).hexdigest()
    state = json.loads(context.request_state) if context.request_state else {}
    answer = (context.input_responses or {}).get(_KEY)
    if state.get("asked") != asked or answer is None:  # a first call, or one whose question has changed
        _questions(context).count()
        params = ElicitRequestFormParams(message=question, requested_schema=schema)
        raise InputRequired(
            InputRequiredResult(
                input_requests={_KEY: ElicitRequest(params=params)},
                request_state=json.dumps({"asked": asked, "nonce": secrets.token_hex(16)}),
            )
        )
    if not isinstance(answer, ElicitResult):
        return None
    if not _questions(context).use(state["nonce"]):
        raise Declined("That yes was for one call and has been used. Call the tool again, so that the user is asked.")
    return answer


def _questions(context: Context[Any, Any]) -> Questions:
    services: Services = context.request_context.lifespan_context
    return services.questions


def _price(estimate: Estimate) -> str:
    if estimate.credits is None:
        return f"an unknown number of credits ({estimate.basis})"
    return f"about {estimate.credits:g} credits ({estimate.basis})"
