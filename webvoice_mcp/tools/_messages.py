"""Checks OpenAI's chat structures before they are sent and paid for."""

from typing import Any

from webvoice_mcp.contract.links import is_public_link
from webvoice_mcp.contract.rules import Link
from webvoice_mcp.errors import InvalidArgument

JsonObject = dict[str, Any]

_ROLES = ("system", "user", "assistant", "tool")
_CHOICES = ("none", "auto", "required")


def conversation(prompt: str, messages: list[JsonObject] | None, system: str) -> list[JsonObject]:
    """Return the messages to send, from exactly one of `prompt` (with `system`) and `messages`.

    Raises:
        InvalidArgument: both or neither were given, or a message is malformed.
    """
    if bool(prompt) == bool(messages):
        raise InvalidArgument("Give exactly one of prompt (a question) and messages (a whole conversation).")
    if messages:
        if system:
            raise InvalidArgument("system goes with prompt; in messages it is a message of role system.")
        _check_messages(messages)
        return messages
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": prompt}]


def _check_messages(messages: list[JsonObject]) -> None:
    for number, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role not in _ROLES:
            raise InvalidArgument(f"messages[{number}].role is not one of {', '.join(_ROLES)}.")
        if not (content is None or isinstance(content, str | list)):
            raise InvalidArgument(f"messages[{number}].content must be a string, null or a list of parts.")
        if content is None and not (role == "assistant" and message.get("tool_calls")):
            raise InvalidArgument(f"messages[{number}].content is missing; only an assistant with tool_calls has none.")
        _check_pictures(content, f"messages[{number}].content")
        if role == "tool" and not message.get("tool_call_id"):
            raise InvalidArgument(f"messages[{number}].tool_call_id is missing: say which call this answers.")
    last = messages[-1]["role"]
    if last not in {"user", "tool"}:
        raise InvalidArgument(f"messages ends with role {last}; the last one must be of role user, or tool.")


def _check_pictures(content: Any, name: str) -> None:
    for number, part in enumerate(content if isinstance(content, list) else ()):
        image = part.get("image_url") if isinstance(part, dict) else None
        url = image.get("url") if isinstance(image, dict) else image
        if isinstance(url, str) and url.strip().lower().startswith("https:") and not is_public_link(url):
            raise InvalidArgument(f"{name}[{number}].image_url must be {Link().words}, or a data: URL.")


def check_tools(tools: list[JsonObject], *, web_search: bool) -> None:
    """Refuse malformed OpenAI function tools, and tools together with web search.

    Raises:
        InvalidArgument: names the argument.
    """
    if tools and web_search:
        raise InvalidArgument("web_search cannot be combined with tools in one request. Leave one of them out.")
    for number, tool in enumerate(tools):
        function = tool.get("function")
        if tool.get("type") != "function" or not isinstance(function, dict) or not _has_name(function):
            raise InvalidArgument(
                f'tools[{number}] is not a function tool. Give {{"type": "function", "function": {{"name": …}}}}.'
            )


def choice(tool_choice: str, tools: list[JsonObject]) -> str | JsonObject | None:
    """Return `tool_choice` as the API expects it: a word, or an object that names one of `tools`.

    Raises:
        InvalidArgument: there are no tools, or none has that name.
    """
    if not tool_choice:
        return None
    names = [tool["function"]["name"] for tool in tools]
    if not names:
        raise InvalidArgument("tool_choice goes with tools. Give tools, or leave tool_choice out.")
    if tool_choice in _CHOICES:
        return tool_choice
    if tool_choice not in names:
        raise InvalidArgument(f"tool_choice is not one of {', '.join((*_CHOICES, *names))}.")
    return {"type": "function", "function": {"name": tool_choice}}


def _has_name(function: JsonObject) -> bool:
    name = function.get("name")
    return isinstance(name, str) and bool(name.strip())
