"""Chat: the OpenAI-compatible endpoints."""

import json
import math
from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from webvoice_mcp.contract.endpoint import (
    Billed,
    Empty,
    FreeEndpoint,
    PaidEndpoint,
    Reply,
    Request,
    Rows,
    require_number,
)
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.contract.models import DOCUMENTED_MODELS
from webvoice_mcp.contract.prices import Price

CHAT_PRICES = {
    model.id: Price(
        f"chat with {model.id}",
        model.credits,
        "request",
        f"All public chat models: | {model.id} | {model.name} | {model.provider} | {model.credits or 'Free'} |",
    )
    for model in DOCUMENTED_MODELS
}


_MAX_WORD_CHARACTERS = 64  # of a string beside a picture that is neither a link nor base64
_PICTURE_FIELDS = ("image_url", "b64_json", "image", "output_image", "inline_data", "inlineData", "source")


def text_of(content: Any) -> str:
    """Return a message's content as text; the text parts of a list are joined."""
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
"""The names under which services send a model's reasoning; the first that has any counts."""


def reasoning_in(message: dict[str, Any]) -> str:
    """Return the reasoning in a message or delta, whatever its name; "" for none."""
    for name in REASONING_FIELDS:
        value = message.get(name)
        if text := text_of(value.get("content") or value.get("text") if isinstance(value, dict) else value):
            return text
    details = message.get("reasoning_details")
    parts = [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []
    return text_of([part.get("text") or part.get("summary") for part in parts])


def arguments_text(arguments: Any) -> str:
    """Return the arguments of a tool call as JSON text, as which OpenAI defines them; "" for none."""
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))


def is_picture_part(part: Any) -> bool:
    """Return True if a part of a message's content is a picture."""
    return isinstance(part, dict) and any(part.get(name) for name in _PICTURE_FIELDS)


def _links_in(picture: Any) -> list[str]:
    """Return the strings of a picture: links, and base64 that was not recognized and taken out while it arrived."""
    if isinstance(picture, str):
        return [picture] if ":" in picture or len(picture) > _MAX_WORD_CHARACTERS else []
    if isinstance(picture, list):
        return [link for item in picture for link in _links_in(item)]
    if isinstance(picture, dict):
        return [link for name in (*_PICTURE_FIELDS, "url", "data") for link in _links_in(picture.get(name))]
    return []


def _is_price(price: Any) -> bool:
    try:
        return price is None or math.isfinite(float(_parse_credits(price)))
    except (TypeError, ValueError, OverflowError):
        return False


def _parse_credits(price: Any) -> Any:
    # The documentation's table says "Free" where other rows have a number.
    price = require_number(price)
    return 0.0 if isinstance(price, str) and price.strip().casefold() == "free" else price


class ChatModel(Reply):
    """A row of chat/models/. The documentation names only two fields; common names of the others are accepted."""

    id: str = Field(validation_alias=AliasChoices("id", "model_id", "model"))
    display_name: str | None = Field(None, validation_alias=AliasChoices("display_name", "name"))
    provider: str | None = Field(None, validation_alias=AliasChoices("provider", "owned_by"))
    credits_per_request: Annotated[float | None, BeforeValidator(_parse_credits)] = None
    free: bool | None = Field(None, validation_alias=AliasChoices("free", "is_free"))

    @model_validator(mode="before")
    @classmethod
    def _drop_unreadable_prices(cls, data: Any) -> Any:
        if not isinstance(data, dict) or _is_price(data.get("credits_per_request")):
            return data
        # It may be high, even if "free" stands beside it.
        return {name: data[name] for name in data.keys() - {"credits_per_request", "free", "is_free"}}

    @property
    def price(self) -> float | None:
        """Credits for one request, None if that is not known. Of two statements the dearer one counts."""
        listed = self.credits_per_request
        if listed is None:
            return 0.0 if self.free else None
        return None if listed < 0 or (listed == 0 and self.free is False) else listed


class ModelsReply(Reply):
    models: Rows[ChatModel] = Field(validation_alias=AliasChoices("models", "data"))


class OpenAIModel(Reply):
    id: str
    object: str = "model"
    created: int | None = None
    owned_by: str | None = None


class OpenAIModelsReply(Reply):
    data: Rows[OpenAIModel]


class ChatRequest(Request):
    """OpenAI's request, with OpenAI's structures in `messages`, `tools` and `tool_choice`."""

    model: str
    messages: list[dict[str, Any]]
    provider: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    web_search: bool | None = None
    stream: bool | None = None


class Message(Reply):
    role: str = "assistant"
    content: str | list[Any] | None = None
    tool_calls: Rows[dict[str, Any]] | None = None
    reasoning: str | None = None
    images: Any = None

    @model_validator(mode="before")
    @classmethod
    def _read_other_spellings(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        fields = {name: value for name, value in data.items() if name not in REASONING_FIELDS}
        if reasoning := reasoning_in(data):
            fields["reasoning"] = reasoning
        calls = fields.get("tool_calls")
        if isinstance(calls, list):
            fields["tool_calls"] = [_with_arguments_as_text(call) for call in calls]
        return fields

    @property
    def text(self) -> str:
        """The content as one text."""
        return text_of(self.content)

    @property
    def picture_links(self) -> list[str]:
        """Links of the pictures in the field `images` and in the parts of the content."""
        parts = self.content if isinstance(self.content, list) else []
        return _links_in([self.images, [part for part in parts if is_picture_part(part)]])


def _with_arguments_as_text(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or "arguments" not in function:
        return call
    return {**call, "function": {**function, "arguments": arguments_text(function["arguments"])}}


class Choice(Reply):
    message: Message
    finish_reason: str | None = None


class ChatBill(Billed):
    provider: str | None = None


class ChatReply(Reply):
    carries_bill: ClassVar[bool] = True

    choices: Rows[Choice] = Field(min_length=1)
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    webvoice: ChatBill = Field(default_factory=ChatBill)

    @property
    def bill(self) -> Billed | None:
        """The `webvoice` object."""
        return self.webvoice


def _estimate(request: ChatRequest, _seconds: float | None) -> Estimate:
    price = CHAT_PRICES.get(request.model)
    if price is None:
        return Estimate.of(None, "{model} is not in the documented list of models", model=request.model)
    return Estimate(price.credits, f"{price.credits:g} per request with {request.model}")


CHAT_MODELS = FreeEndpoint("GET", "chat/models/", Empty, ModelsReply)
OPENAI_MODELS = FreeEndpoint("GET", "models/", Empty, OpenAIModelsReply)
CHAT = PaidEndpoint("POST", "chat/completions/", ChatRequest, ChatReply, price=_estimate, names_model=True)
