"""Chat: the OpenAI-compatible endpoints."""

from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from webvoice_mcp.contract import models
from webvoice_mcp.contract.endpoint import Billed, Empty, Endpoint, Reply, Request, Rows

DocumentedModel = models.DocumentedModel
DOCUMENTED_MODELS = models.DOCUMENTED_MODELS


def text_of(content: Any) -> str:
    """A message's content as one text: itself, or of a list of parts those that are text."""
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def _credits(price: Any) -> Any:
    # The documentation's own table has this word where others have a number.
    return 0.0 if isinstance(price, str) and price.strip().casefold() == "free" else price


class ModelFacts(Reply):
    """A row of chat/models/; the documentation names two of its fields, the others are read where they are."""

    id: str = Field(validation_alias=AliasChoices("id", "model_id", "model"))
    display_name: str | None = Field(None, validation_alias=AliasChoices("display_name", "name"))
    provider: str | None = Field(None, validation_alias=AliasChoices("provider", "owned_by"))
    credits_per_request: Annotated[float | None, BeforeValidator(_credits)] = None
    free: bool | None = Field(None, validation_alias=AliasChoices("free", "is_free"))


class ModelsReply(Reply):
    models: Rows[ModelFacts] = Field(validation_alias=AliasChoices("models", "data"))


class OpenAIModel(Reply):
    id: str
    object: str = "model"
    created: int | None = None
    owned_by: str | None = None


class OpenAIModelsReply(Reply):
    data: Rows[OpenAIModel]


class ChatRequest(Request):
    """OpenAI's request; `messages`, `tools` and `tool_choice` are OpenAI's own structures."""

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


class Choice(Reply):
    message: Message
    finish_reason: str | None = None


class WalletNote(Billed):
    provider: str | None = None


class ChatReply(Reply):
    choices: Rows[Choice] = Field(min_length=1)
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    webvoice: WalletNote = Field(default_factory=WalletNote)


CHAT_MODELS = Endpoint("GET", "chat/models/", Empty, ModelsReply)
OPENAI_MODELS = Endpoint("GET", "models/", Empty, OpenAIModelsReply)
CHAT = Endpoint("POST", "chat/completions/", ChatRequest, ChatReply, paid=True, names_model=True)
