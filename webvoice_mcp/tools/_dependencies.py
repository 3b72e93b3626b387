"""The dependencies that a tool may ask for by type. The model neither sees nor sets them."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.files import Files
from webvoice_mcp.jobs.history import History
from webvoice_mcp.jobs.jobs import Jobs
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.settings import Settings
from webvoice_mcp.studio.player import Player
from webvoice_mcp.tools.progress import Progress

if TYPE_CHECKING:  # the worker process imports families of tools, and does without the SDK
    from mcp.server.mcpserver import Context

Get = Callable[["Context[Services]"], Any]


def _services(context: "Context[Services]") -> Services:
    return context.request_context.lifespan_context


_BY_TYPE: Mapping[Any, Get] = {
    Files: lambda context: _services(context).files,
    FreeClient: lambda context: _services(context).free_client,
    History: lambda context: _services(context).history,
    Jobs: lambda context: _services(context).jobs,
    Keys: lambda context: _services(context).keys,
    Player: lambda context: _services(context).player,
    Progress: Progress,
    Services: _services,
    Settings: lambda context: _services(context).settings,
}


def check_dependencies(function: Callable[..., Any]) -> None:
    """Check that a server can provide what a function asks for by its keyword-only parameters.

    Raises:
        TypeError: a parameter has another type.
    """
    _getters(function)


def dependencies(function: Callable[..., Any], context: "Context[Services]") -> dict[str, Any]:
    """Return what a function asks for, by the names of its keyword-only parameters."""
    return {name: get(context) for name, get in _getters(function).items()}


@cache
def _getters(function: Callable[..., Any]) -> dict[str, Get]:
    getters: dict[str, Get] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            get = _BY_TYPE.get(parameter.annotation) or _context_getter(parameter.annotation)
            if get is None:
                raise TypeError(f"{function.__name__} asks for {parameter.name}, whose type no server provides")
            getters[parameter.name] = get
    return getters


def _context_getter(annotation: Any) -> Get | None:
    from mcp.server.mcpserver import Context  # noqa: PLC0415 - the SDK is imported where it is needed

    return (lambda context: context) if annotation == Context[Services] else None
