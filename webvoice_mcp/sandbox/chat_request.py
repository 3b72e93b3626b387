"""Validates chat requests: a documented subset of OpenAI's."""

from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from webvoice_mcp.contract.models import DOCUMENTED_MODELS, DocumentedModel
from webvoice_mcp.sandbox.requests import Fields

# The names of providers in the documented table of models, and their names in requests.
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
_PROVIDERS_WITH_TOOLS = ("deepseek", "openrouter")
_MAX_TOKENS = 8000
_DEFAULT_MAX_TOKENS = 2000
_TOOL_CHOICES = ("none", "auto", "required")


@dataclass(frozen=True, slots=True)
class ChatParameters:
    """A valid chat request."""

    model: DocumentedModel
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    max_tokens: int
    stream: bool


def parse_chat(fields: Fields) -> ChatParameters:
    """Return the parameters of a request that follows the documented rules.

    Raises:
        HTTPException: 400 with the rule that the request breaks.
    """
    model = _model(fields)
    tools = _tools(fields, model)
    if tools and fields.boolean("web_search"):
        raise HTTPException(400, '"tools" and "web_search" cannot be combined in one request.')
    fields.number("temperature", 0.7, 0, 2)
    return ChatParameters(
        model=model,
        messages=_messages(fields.get("messages"), with_tools=bool(tools)),
        tools=tools,
        tool_choice=_tool_choice(fields.get("tool_choice"), [tool["function"]["name"] for tool in tools]),
        max_tokens=fields.integer("max_tokens", _DEFAULT_MAX_TOKENS, 1, _MAX_TOKENS),
        stream=fields.boolean("stream"),
    )


def _model(fields: Fields) -> DocumentedModel:
    model = _MODELS.get(fields.string("model"))
    if model is None:
        raise HTTPException(400, f"There is no model {fields.get('model')!r}. List the models with GET models/.")
    provider = PROVIDER_KEYS[model.provider]
    if (fields.string("provider", "") or provider).lower() != provider:
        raise HTTPException(
            400, f"The model {model.id!r} is offered by {provider!r}, not by {fields.get('provider')!r}."
        )
    return model


def _tools(fields: Fields, model: DocumentedModel) -> list[dict[str, Any]]:
    tools = fields.get("tools") or []
    if not isinstance(tools, list) or not all(map(_is_function_tool, tools)):
        raise HTTPException(400, '"tools" must be a list of {"type": "function", "function": {"name": ...}}.')
    if tools and PROVIDER_KEYS[model.provider] not in _PROVIDERS_WITH_TOOLS:
        raise HTTPException(400, f'"tools" are for DeepSeek and OpenRouter models only, not for {model.id!r}.')
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
    raise HTTPException(400, f'"tool_choice" must be one of {", ".join(_TOOL_CHOICES)}, or name one of "tools".')


def _messages(messages: Any, *, with_tools: bool) -> list[dict[str, Any]]:
    if not isinstance(messages, list) or not messages:
        raise HTTPException(400, '"messages" must be a list of at least one message.')
    tool_call_ids: set[str] = set()
    for index, message in enumerate(messages):
        if not _is_message(message, tool_call_ids, with_tools=with_tools):
            raise HTTPException(400, f"messages[{index}] is not a valid message at this place.")
        tool_call_ids |= {call["id"] for call in message.get("tool_calls") or ()}
    last_roles = ("user", "tool") if with_tools else ("user",)
    if messages[-1]["role"] not in last_roles:
        raise HTTPException(400, f"The last message must be from: {', '.join(last_roles)}.")
    return messages


def _is_message(message: Any, tool_call_ids: set[str], *, with_tools: bool) -> bool:
    match message:
        case {"role": "system" | "user", "content": content}:
            return _is_content(content)
        case {"role": "assistant", "tool_calls": [*calls]} if calls:
            return with_tools and all(map(_is_tool_call, calls)) and _is_content(message.get("content") or "")
        case {"role": "assistant", "content": content}:
            return _is_content(content)
        case {"role": "tool", "tool_call_id": str(call_id), "content": content}:
            return with_tools and call_id in tool_call_ids and _is_content(content)
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
