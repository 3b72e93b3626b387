"""Chat: the OpenAI-compatible endpoints and the documented models with their prices."""

from typing import Any, NamedTuple

from pydantic import AliasChoices, Field

from webvoice_mcp.contract.endpoint import Billed, Empty, Endpoint, Reply, Request


class DocumentedModel(NamedTuple):
    """A row of the documentation's table "All public chat models"; 0 credits is what it calls Free."""

    id: str
    name: str
    provider: str
    credits: float


DOCUMENTED_MODELS = (
    DocumentedModel("deepseek-v4-flash", "DeepSeek V4 Flash", "DeepSeek", 2.0),
    DocumentedModel("openrouter:openrouter/free", "OpenRouter Free (auto)", "OpenRouter", 0.0),
    DocumentedModel("openrouter:allenai/olmo-3.1-32b-think", "AllenAI: Olmo 3.1 32B Think", "OpenRouter", 2.0),
    DocumentedModel("deepseek-v4-pro", "DeepSeek V4 Pro", "DeepSeek", 3.0),
    DocumentedModel("openrouter:openai/gpt-oss-120b:free", "GPT OSS 120B (OpenRouter free)", "OpenRouter", 0.0),
    DocumentedModel("deepseek-reasoner", "DeepSeek Reasoner (V4 thinking)", "DeepSeek", 3.0),
    DocumentedModel("gemini", "Google Gemini", "Google Gemini", 2.0),
    DocumentedModel("openrouter:google/gemini-2.5-flash", "Google: Gemini 2.5 Flash", "OpenRouter", 2.0),
    DocumentedModel("openrouter:openai/gpt-oss-20b:free", "GPT OSS 20B (OpenRouter free)", "OpenRouter", 0.0),
    DocumentedModel("deepseek-websearch", "DeepSeek WebSearch (V4 Flash)", "DeepSeek", 2.0),
    DocumentedModel(
        "openrouter:google/gemini-2.5-flash-image",
        "Google: Gemini 2.5 Flash Image (Nano Banana)",
        "OpenRouter",
        2.0,
    ),
    DocumentedModel("qwen3_fast", "Qwen3 Fast (Groq)", "Groq", 2.0),
    DocumentedModel("llama-3.1-8b-instant", "Llama 3.1 8B Instant (Groq)", "Groq", 2.0),
    DocumentedModel("openrouter:google/gemma-4-31b-it:free", "Google Gemma 4 31B (OpenRouter free)", "OpenRouter", 0.0),
    DocumentedModel("openai/gpt-oss-safeguard-20b", "GPT OSS Safeguard 20B (Groq)", "Groq", 2.0),
    DocumentedModel("moonshotai/kimi-k2-instruct-0905", "Kimi K2 (Groq)", "Groq", 2.0),
    DocumentedModel("openai/gpt-oss-20b", "GPT OSS 20B (Groq)", "Groq", 2.0),
    DocumentedModel("llama-3.3-70b-versatile", "Llama 3.3 70B Versatile (Groq)", "Groq", 3.0),
    DocumentedModel("openai/gpt-oss-120b", "GPT OSS 120B (Groq)", "Groq", 2.0),
    DocumentedModel("moonshotai/Kimi-K2.6", "Kimi K2.6 (DeepInfra)", "DeepInfra", 3.0),
    DocumentedModel(
        "nvidia/Nemotron-3-Nano-Omni-30B-A3B-Reasoning",
        "Nemotron 3 Nano Omni 30B Reasoning (DeepInfra)",
        "DeepInfra",
        2.0,
    ),
    DocumentedModel("Qwen/Qwen3-Max-Thinking", "Qwen3 Max Thinking (DeepInfra)", "DeepInfra", 5.0),
    DocumentedModel("google/gemma-4-26B-A4B-it", "Gemma 4 26B IT (DeepInfra)", "DeepInfra", 1.0),
    DocumentedModel("deepseek-chat", "DeepSeek Chat (legacy alias)", "DeepSeek", 2.0),
    DocumentedModel("kimi-k2.5", "Moonshot Kimi K2.5", "Moonshot Kimi", 2.0),
    DocumentedModel("glm-4.6", "Z.AI GLM 4.6", "Z.AI GLM", 2.0),
    DocumentedModel("glm-4.7", "Z.AI GLM 4.7", "Z.AI GLM", 2.0),
    DocumentedModel("glm-5", "Z.AI GLM 5", "Z.AI GLM", 2.0),
    DocumentedModel(
        "MiniMax-M2.7-highspeed", "MiniMax M2.7 Highspeed (api.minimax.io)", "MiniMax (api.minimax.io)", 2.0
    ),
)


class ModelFacts(Reply):
    """A row of chat/models/; the documentation names two of its fields, the others are read where they are."""

    id: str = Field(validation_alias=AliasChoices("id", "model_id", "model"))
    display_name: str | None = Field(None, validation_alias=AliasChoices("display_name", "name"))
    provider: str | None = Field(None, validation_alias=AliasChoices("provider", "owned_by"))
    credits_per_request: float | None = None
    free: bool | None = Field(None, validation_alias=AliasChoices("free", "is_free"))


class ModelsReply(Reply):
    models: list[ModelFacts] = Field(validation_alias=AliasChoices("models", "data"))


class OpenAIModel(Reply):
    id: str
    object: str = "model"
    created: int | None = None
    owned_by: str | None = None


class OpenAIModelsReply(Reply):
    data: list[OpenAIModel]


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
    tool_calls: list[dict[str, Any]] | None = None
    reasoning: str | None = Field(None, validation_alias=AliasChoices("reasoning", "reasoning_content"))

    @property
    def text(self) -> str:
        """The content as one text; of a list of parts, those that are text."""
        if isinstance(self.content, list):
            return "".join(part["text"] for part in self.content if isinstance(part, dict) and "text" in part)
        return self.content or ""


class Choice(Reply):
    message: Message
    finish_reason: str | None = None


class WalletNote(Billed):
    provider: str | None = None


class ChatReply(Reply):
    choices: list[Choice] = Field(min_length=1)
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    webvoice: WalletNote = Field(default_factory=WalletNote)


CHAT_MODELS = Endpoint("GET", "chat/models/", Empty, ModelsReply)
OPENAI_MODELS = Endpoint("GET", "models/", Empty, OpenAIModelsReply)
CHAT = Endpoint("POST", "chat/completions/", ChatRequest, ChatReply, paid=True)
