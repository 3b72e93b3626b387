"""What the chat endpoint accepts: the documented subset of OpenAI's request."""

from dataclasses import dataclass
from typing import Any

from webvoice_mcp.contract.chat import DOCUMENTED_MODELS, DocumentedModel
from webvoice_mcp.sandbox.reading import Fields
from webvoice_mcp.sandbox.replies import ApiError

# What requests call the providers, by the name that the table of models has for them.
PROVIDER_KEYS = {
    "DeepSeek": "deepseek",
    "OpenRouter": "openrouter",
    "Google Gemini": "gemini",
    "Groq": "groq",
    "DeepInfra": "deepinfra",
    "Moonshot Kimi": "moonshot",
    "Z.AI GLM": "zai",
    "MiniMax (api.minimax.io)": "minimax",
}
_MODELS = {model.id: model for model in DOCUMENTED_MODELS}
_WITH_TOOLS = ("deepseek", "openrouter")
_MOST_TOKENS = 8000
_USUAL_TOKENS = 2000
_CHOICES = ("none", "auto", "required")


@dataclass(frozen=True, slots=True)
class ChatAsked:
    """A request that may be answered."""

    model: DocumentedModel
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    max_tokens: int
    stream: bool


def read_chat(fields: Fields) -> ChatAsked:
    """The request, checked against the documented rules.

    Raises:
        ApiError: 400 with the rule that it breaks.
    """
    model = _model(fields)
    tools = _tools(fields, model)
    if tools and fields.flag("web_search"):
        raise ApiError(400, '"tools" and "web_search" cannot be combined in one request.')
    fields.number("temperature", 0.7, 0, 2)
    return ChatAsked(
        model=model,
        messages=_messages(fields.get("messages"), with_tools=bool(tools)),
        tools=tools,
        tool_choice=_tool_choice(fields.get("tool_choice"), [tool["function"]["name"] for tool in tools]),
        max_tokens=fields.whole("max_tokens", _USUAL_TOKENS, 1, _MOST_TOKENS),
        stream=fields.flag("stream"),
    )


def _model(fields: Fields) -> DocumentedModel:
    model = _MODELS.get(fields.text("model"))
    if model is None:
        raise ApiError(400, f"There is no model {fields.get('model')!r}; GET models/ lists those that there are.")
    provider = PROVIDER_KEYS[model.provider]
    if (fields.text("provider", "") or provider).lower() != provider:
        raise ApiError(400, f"The model {model.id!r} is offered by {provider!r}, not by {fields.get('provider')!r}.")
    return model


def _tools(fields: Fields, model: DocumentedModel) -> list[dict[str, Any]]:
    tools = fields.get("tools") or []
    if not isinstance(tools, list) or not all(map(_is_function_tool, tools)):
        raise ApiError(400, '"tools" must be a list of {"type": "function", "function": {"name": ...}}.')
    if tools and PROVIDER_KEYS[model.provider] not in _WITH_TOOLS:
        raise ApiError(400, f'"tools" work with DeepSeek and OpenRouter models only, not with {model.id!r}.')
    return tools


def _is_function_tool(tool: Any) -> bool:
    match tool:
        case {"type": "function", "function": {"name": str(name), **rest}}:
            return bool(name) and isinstance(rest.get("parameters") or {}, dict)
    return False


def _tool_choice(choice: Any, names: list[str]) -> str | dict[str, Any]:
    match choice:
        case None:
            return "auto"
        case "none" | "auto":
            return str(choice)
        case "required" if names:
            return "required"
        case {"type": "function", "function": {"name": str(name)}} if name in names:
            return {"type": "function", "function": {"name": name}}
    raise ApiError(400, f'"tool_choice" must be one of {", ".join(_CHOICES)}, or name one of "tools".')


def _messages(messages: Any, *, with_tools: bool) -> list[dict[str, Any]]:
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, '"messages" must be a list of at least one message.')
    called: set[str] = set()
    for index, message in enumerate(messages):
        if not _is_message(message, called, with_tools=with_tools):
            raise ApiError(400, f"messages[{index}] is not a message that is accepted here.")
        called |= {call["id"] for call in message.get("tool_calls") or ()}
    last = ("user", "tool") if with_tools else ("user",)
    if messages[-1]["role"] not in last:
        raise ApiError(400, f"The last message must be from: {', '.join(last)}.")
    return messages


def _is_message(message: Any, called: set[str], *, with_tools: bool) -> bool:
    match message:
        case {"role": "system" | "user", "content": content}:
            return _is_content(content)
        case {"role": "assistant", "tool_calls": [*calls]} if calls:
            return with_tools and all(map(_is_tool_call, calls)) and _is_content(message.get("content") or "")
        case {"role": "assistant", "content": content}:
            return _is_content(content)
        case {"role": "tool", "tool_call_id": str(call), "content": content}:
            return with_tools and call in called and _is_content(content)
    return False


def _is_content(content: Any) -> bool:
    if isinstance(content, list):
        return bool(content) and all(isinstance(part, dict) and isinstance(part.get("type"), str) for part in content)
    return isinstance(content, str)


def _is_tool_call(call: Any) -> bool:
    match call:
        case {"id": str(), "type": "function", "function": {"name": str(), "arguments": str()}}:
            return True
    return False
