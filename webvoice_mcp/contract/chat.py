"""Chat: the OpenAI-compatible endpoints."""

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


def text_of(content: Any) -> str:
    """Return a message's content as text; the text parts of a list are joined."""
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


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
    reasoning: str | None = Field(None, validation_alias=AliasChoices("reasoning", "reasoning_content"))

    @property
    def text(self) -> str:
        """The content as one text."""
        return text_of(self.content)

    @property
    def picture_urls(self) -> list[str]:
        """URLs of the images in the field `images` and in the parts of the content."""
        images_field = (self.model_extra or {}).get("images")
        parts = [part for value in (images_field, self.content) if isinstance(value, list) for part in value]
        images = [part.get("image_url") for part in parts if isinstance(part, dict)]
        urls = [image.get("url") if isinstance(image, dict) else image for image in images]
        return [url for url in urls if isinstance(url, str)]


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
