"""Chat: OpenAI's endpoints, with answers from rules instead of a language model."""

import base64
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from webvoice_mcp.contract.chat import CHAT, CHAT_MODELS, OPENAI_MODELS
from webvoice_mcp.contract.models import DOCUMENTED_MODELS
from webvoice_mcp.sandbox import rate_limits
from webvoice_mcp.sandbox.chat_request import PROVIDER_KEYS, ChatParameters, parse_chat
from webvoice_mcp.sandbox.engines import chat as engine
from webvoice_mcp.sandbox.engines import picture
from webvoice_mcp.sandbox.requests import ApiRequest, api_route
from webvoice_mcp.sandbox.responses import success

_DRAWING_MODEL = "openrouter:google/gemini-2.5-flash-image"
_PICTURE_SIZE = (1024, 1024)
_MODEL_CREATED = 1_700_000_000  # from the documentation's example
_PIECES = re.compile(r"\S{1,12}\s*|\s+")  # about a word in each piece; all pieces together are the whole text


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer, to be sent as one JSON object or as chunks.

    Attributes:
        common: the fields of every chunk.
        summary: the additional fields of the last chunk: usage and credits.
    """

    common: dict[str, Any]
    message: dict[str, Any]
    finish_reason: str
    summary: dict[str, Any]


async def chat_models(request: ApiRequest) -> Response:
    """List the models with their prices."""
    request.authenticate()
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


async def openai_models(request: ApiRequest) -> Response:
    """List the models in OpenAI's format."""
    request.authenticate()
    data = [
        {"id": model.id, "object": "model", "created": _MODEL_CREATED, "owned_by": PROVIDER_KEYS[model.provider]}
        for model in DOCUMENTED_MODELS
    ]
    return JSONResponse({"object": "list", "data": data})


async def completions(request: ApiRequest) -> Response:
    """Answer a conversation with one JSON object or a stream of events. The account pays before either is sent."""
    account = request.authenticate().account
    parameters = parse_chat(await request.read_json())
    price = parameters.model.credits
    request.require_credits(account, price)
    if not price:
        limits = rate_limits.FREE_CHAT_AFTER_PURCHASE if account.has_purchased else rate_limits.FREE_CHAT
        rate_limits.enforce(request.sandbox.database, "free chat", str(account.id), limits, request.now)
    completion = await request.run_engine(
        engine.complete, parameters.messages, parameters.tools, parameters.tool_choice, parameters.max_tokens
    )
    pictures: list[bytes] = []
    if parameters.model.id == _DRAWING_MODEL and completion.text:
        question = engine.last_question(parameters.messages)
        pictures = [await request.run_engine(picture.render, question, _PICTURE_SIZE)]
    answer = _answer(parameters, completion, pictures, request.charge(account, price), request.now)
    if parameters.stream:
        return StreamingResponse(_events(answer), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
    choice = {"index": 0, "message": answer.message, "finish_reason": answer.finish_reason}
    return JSONResponse({**answer.common, "object": "chat.completion", "choices": [choice], **answer.summary})


def _answer(
    parameters: ChatParameters,
    completion: engine.Completion,
    pictures: list[bytes],
    billing: dict[str, Any],
    now: float,
) -> _Answer:
    message: dict[str, Any] = {"role": "assistant", "content": completion.text or None}
    if pictures:  # as OpenRouter sends them
        urls = [f"data:image/png;base64,{base64.b64encode(drawn).decode()}" for drawn in pictures]
        message["images"] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    if completion.tool_calls:
        message["tool_calls"] = completion.tool_calls
    prompt_tokens = engine.count_tokens(_to_json(parameters.messages))
    completion_tokens = engine.count_tokens(completion.text or _to_json(completion.tool_calls))
    return _Answer(
        common={
            "id": f"chatcmpl-sbx{secrets.token_hex(8)}",
            "created": int(now),
            "model": engine.PROVIDER.replace(":", "/"),
            "system_fingerprint": engine.PROVIDER,
        },
        message=message,
        finish_reason=completion.finish_reason,
        summary={
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            },
            "webvoice": {**billing, "provider": engine.PROVIDER, "requested_model": parameters.model.id},
        },
    )


async def _events(answer: _Answer) -> AsyncIterator[str]:
    """Yield an answer as server-sent events, with its text in pieces like a language model's."""
    common = {**answer.common, "object": "chat.completion.chunk"}
    for delta in _deltas(answer.message):
        yield _event({**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    last_choice = {"index": 0, "delta": {}, "finish_reason": answer.finish_reason}
    yield _event({**common, "choices": [last_choice], **answer.summary})
    yield "data: [DONE]\n\n"


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for piece in _PIECES.findall(message["content"] or ""):
        yield {"content": piece}
    if "images" in message:
        yield {"images": message["images"]}
    for index, call in enumerate(message.get("tool_calls", ())):
        function = {"name": call["function"]["name"], "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": function}]}
        for piece in _PIECES.findall(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _event(chunk: dict[str, Any]) -> str:
    return f"data: {_to_json(chunk)}\n\n"


def _to_json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


ROUTES = [
    api_route(endpoint, handler, final_slash=final_slash)
    for endpoint, handler in ((CHAT_MODELS, chat_models), (OPENAI_MODELS, openai_models), (CHAT, completions))
    for final_slash in (True, False)
]
