"""The extension MCP Apps: pages, and the tools that they belong to, for clients that show pages and for no others."""

from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from importlib.resources import files
from typing import Any, TypeVar

from mcp.server.apps import APP_MIME_TYPE, Apps, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.resources import FunctionResource
from mcp.types import Resource, Tool

from webvoice_mcp.tools.apps import read_file

PLAYER = "ui://webvoice/player"
USAGE = "ui://webvoice/usage"

_PREFIX = "ui:"
_USAGE_TOOL = "webvoice_usage"
_PERMISSIONS: dict[str, Any] = {"clipboardWrite": {}}  # for copying a path

T = TypeVar("T")

_shows_pages: ContextVar[bool] = ContextVar("client shows pages", default=False)


def extension() -> Apps:
    """Return the SDK's extension, with our pages. A page is read from the disk when a client asks for it."""
    apps = Apps()
    for uri, title, description in (
        (PLAYER, "Player", "Plays sound and films, and shows pictures, of a result."),
        (USAGE, "Usage", "Shows the credits spent by day and by tool."),
    ):
        name = uri.rpartition("/")[2]
        apps.add_resource(
            FunctionResource(
                uri=uri,
                name=name,
                title=title,
                description=description,
                mime_type=APP_MIME_TYPE,
                meta={"ui": {"prefersBorder": True, "permissions": _PERMISSIONS}},
                fn=partial(page, name),
            )
        )
    return apps


def page(name: str) -> str:
    """Return a page, which is one HTML file. Blocks."""
    return files(__package__).joinpath(f"{name}.html").read_text("utf-8")


async def note_client(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Note, for the time of a request, if its client shows pages. The SDK calls lists without the request."""
    token = _shows_pages.set(client_supports_apps(ctx))
    try:
        return await call_next(ctx)
    finally:
        _shows_pages.reset(token)


def listed_tools(tools: list[Tool]) -> list[Tool]:
    """Return the tools for this request's client: with their pages, or without the tool that only pages call."""
    if _shows_pages.get():
        return [_with_page(tool) for tool in tools]
    return [tool for tool in tools if tool.name != read_file.NAME]


def listed_resources(resources: list[Resource]) -> list[Resource]:
    """Return the resources for this request's client: pages only if it shows them."""
    return [resource for resource in resources if _shows_pages.get() or not resource.uri.startswith(_PREFIX)]


def callable_tools(tools: Mapping[str, T]) -> dict[str, T]:
    """Return what is known of each tool by its name, for those that this request's client may call."""
    return {name: known for name, known in tools.items() if _shows_pages.get() or name != read_file.NAME}


def _with_page(tool: Tool) -> Tool:
    if tool.name == read_file.NAME:
        return tool.model_copy(update={"meta": {"ui": {"visibility": ["app"]}}})
    if tool.name == _USAGE_TOOL:
        uri = USAGE
    elif "files" in (tool.output_schema or {}).get("required", ()):  # it makes media
        uri = PLAYER
    else:
        return tool
    # The second key is for hosts of before the extension was final.
    return tool.model_copy(update={"meta": {**(tool.meta or {}), "ui": {"resourceUri": uri}, "ui/resourceUri": uri}})
