"""Chat: OpenAI's endpoints, answered by rules instead of a language model."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from webvoice_mcp.contract.chat import CHAT, CHAT_MODELS, DOCUMENTED_MODELS, OPENAI_MODELS
from webvoice_mcp.sandbox import limits
from webvoice_mcp.sandbox.call import Call, door
from webvoice_mcp.sandbox.chat_request import PROVIDER_KEYS, ChatAsked, read_chat
from webvoice_mcp.sandbox.database import Holder
from webvoice_mcp.sandbox.engines import chat as rules
from webvoice_mcp.sandbox.reading import read_json
from webvoice_mcp.sandbox.replies import json_response, success, to_json

_CREATED = 1_700_000_000  # of every model, as the documentation's example has it
_PIECES = re.compile(r"\S{1,12}\s*|\s+")  # about a word each; together they are the whole text


@dataclass(frozen=True, slots=True)
class _Answer:
    """What all chunks of an answer share, and the answer."""

    head: dict[str, Any]
    message: dict[str, Any]
    finish_reason: str
    tail: dict[str, Any]


async def chat_models(_call: Call, _holder: Holder) -> Response:
    """The models with their prices."""
    models = [
        {
            "id": model.id,
            "display_name": model.name,
            "provider": PROVIDER_KEYS[model.provider],
            "credits_per_request": model.credits,
            "free": not model.credits,
        }
        for model in DOCUMENTED_MODELS
    ]
    return success(models=models, count=len(models))


async def openai_models(_call: Call, _holder: Holder) -> Response:
    """The models as OpenAI lists them."""
    data = [
        {"id": model.id, "object": "model", "created": _CREATED, "owned_by": PROVIDER_KEYS[model.provider]}
        for model in DOCUMENTED_MODELS
    ]
    return json_response({"object": "list", "data": data})


async def completions(call: Call, holder: Holder) -> Response:
    """Answer a conversation, whole or as a stream of events; either is paid once, before it is sent."""
    asked = read_chat(await read_json(call.request))
    call.afford(holder, asked.model.credits)
    if not asked.model.credits:
        rates = limits.FREE_CHAT_AFTER_PURCHASE if holder.account.purchased else limits.FREE_CHAT
        limits.admit(call.sandbox.database, "free chat", str(holder.account.id), rates, call.now)
    made = await call.work(rules.complete, asked.messages, asked.tools, asked.tool_choice, asked.max_tokens)
    answer = _answer(asked, made, call.charge(holder, asked.model.credits), call.now)
    if asked.stream:
        return _EventStream(answer)
    choice = {"index": 0, "message": answer.message, "finish_reason": answer.finish_reason}
    return json_response({**answer.head, "object": "chat.completion", "choices": [choice], **answer.tail})


def _answer(asked: ChatAsked, made: rules.Completion, note: dict[str, Any], now: float) -> _Answer:
    message: dict[str, Any] = {"role": "assistant", "content": made.text or None}
    if made.tool_calls:
        message["tool_calls"] = made.tool_calls
    prompt = rules.count_tokens(to_json(asked.messages))
    completion = rules.count_tokens(made.text or to_json(made.tool_calls))
    return _Answer(
        head={
            "id": f"chatcmpl-sbx{secrets.token_hex(8)}",
            "created": int(now),
            "model": rules.PROVIDER.replace(":", "/"),
            "system_fingerprint": rules.PROVIDER,
        },
        message=message,
        finish_reason=made.finish_reason,
        tail={
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
            },
            "webvoice": {**note, "provider": rules.PROVIDER, "requested_model": asked.model.id},
        },
    )


class _EventStream(Response):
    """The answer as server-sent events, each sent by itself and without a Content-Length."""

    media_type = "text/event-stream"

    def __init__(self, answer: _Answer) -> None:
        super().__init__(None, headers={"Cache-Control": "no-store"})
        del self.headers["Content-Length"]
        self._answer = answer

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for event in _events(self._answer):
            await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _events(answer: _Answer) -> Iterator[str]:
    head = {**answer.head, "object": "chat.completion.chunk"}
    for delta in _deltas(answer.message):
        yield _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    last = {"index": 0, "delta": {}, "finish_reason": answer.finish_reason}
    yield _event({**head, "choices": [last], **answer.tail})
    yield "data: [DONE]\n\n"


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for piece in _PIECES.findall(message["content"] or ""):
        yield {"content": piece}
    for index, call in enumerate(message.get("tool_calls", ())):
        function = {"name": call["function"]["name"], "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": function}]}
        for piece in _PIECES.findall(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _event(chunk: dict[str, Any]) -> str:
    return f"data: {to_json(chunk)}\n\n"


DOORS = (
    door(CHAT_MODELS, chat_models, slashless=True),
    door(OPENAI_MODELS, openai_models, slashless=True),
    door(CHAT, completions, slashless=True),
)
