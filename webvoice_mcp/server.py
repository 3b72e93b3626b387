"""Joins the parts: Settings -> App -> MCPServer."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import anyio
import httpx2
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.request_state import RequestStateSecurity
from mcp.types import CallToolResult, InputRequiredResult, ResourceLink, TextContent
from pydantic import ValidationError

from webvoice_mcp import __version__
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.errors import (
    DiskError,
    FileExists,
    FileNotFound,
    InvalidArgument,
    PathNotAllowed,
    UnsupportedMedia,
    WebVoiceError,
)
from webvoice_mcp.files import Files
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.orders.budget import Budget
from webvoice_mcp.orders.desk import Office
from webvoice_mcp.orders.history import History
from webvoice_mcp.orders.jobs import Jobs
from webvoice_mcp.orders.quotes import Quotes
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools._arguments import given, readable
from webvoice_mcp.tools._consent import OneTimeStates
from webvoice_mcp.tools._inject import App
from webvoice_mcp.tools._toolset import refusal
from webvoice_mcp.tools.catalogue import offered

_INSTRUCTIONS = """\
WebVoice speaks, transcribes, translates, chats, draws and edits images, films, sends e-mail and keeps memos, on one
wallet of credits. With no API key yet, call webvoice_register_send_code and then webvoice_register_verify: the key is
saved and works at once. webvoice_status tells the credits left, webvoice_estimate_credits what a call would cost. Media
are saved as files; results give their paths. A call that takes long answers with a job_id for webvoice_jobs."""

# Refusals before any request, which quote the caller's own arguments.
_OUR_OWN = tuple(
    f"{each.code}: "
    for each in (InvalidArgument, FileNotFound, FileExists, PathNotAllowed, UnsupportedMedia, DiskError)
)
_LONGEST_REFUSAL = 480  # characters
_END_KEPT = 300  # of them: what to do stands at the end
_GRACE = 20.0  # seconds that running orders get when the server ends; hosts give less, and then the history tells
_LOOK = 0.05  # seconds between looks whether the end is in a hurry
_STRUCTURED_SINCE = "2025-06-18"  # the revision that brought structured content and resource links


class Server(MCPServer[App]):
    """The SDK's server, strict about arguments and with answers that every protocol revision understands."""

    def __init__(self, tools: list[Tool], **options: Any) -> None:
        super().__init__("webvoice", tools=tools, **options)
        self._schemas = {tool.name: tool.parameters for tool in tools}

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[App, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; a failure that the caller can mend is a failed result, never a protocol error."""
        try:
            arguments = given(name, arguments, self._schemas)
            result = await super().call_tool(name, arguments, context)
        except InvalidArgument as error:
            result = refusal(error)
        except UnexpectedToolError as error:
            if not isinstance(error.__cause__, WebVoiceError):  # raised by what lends things to a tool
                raise
            result = refusal(error.__cause__)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            result = refusal(readable(error.__cause__, self._schemas[name]))
        if isinstance(result, CallToolResult) and result.is_error:
            return _shortened(result)
        version = context.protocol_version if context is not None else None
        if isinstance(result, CallToolResult) and version is not None and version < _STRUCTURED_SINCE:
            return _for_older_clients(result)
        return result


class Departure(Protocol):
    """How the process wants the server to end."""

    def hurried(self) -> bool:
        """Whether running orders are to be given up."""

    def settled(self) -> None:
        """Hears that no order runs any more."""


def build(
    settings: Settings,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    departure: Departure | None = None,
) -> Server:
    """The server for these settings.

    Args:
        transport: in place of the network, for tests.
        departure: unset, running orders get their time when the server ends.
    """

    @asynccontextmanager
    async def lifespan(_: MCPServer[App]) -> AsyncIterator[App]:
        app = assemble(settings, transport)
        try:
            async with app.office.jobs:
                try:
                    yield app
                finally:
                    await _patience(app.office.jobs, departure)
        finally:
            await app.office.client.aclose()
            await app.office.history.aclose()

    day = CacheHint(ttl_ms=86_400_000, scope="private")
    return Server(
        [entry.tool() for entry in offered(settings.toolsets)],
        title="WebVoice",
        version=__version__,
        instructions=_INSTRUCTIONS,
        website_url=settings.site,
        lifespan=lifespan,
        log_level=settings.log_level,
        request_state_security=RequestStateSecurity(codec=OneTimeStates([secrets.token_bytes(32)])),
        cache_hints={"tools/list": day, "server/discover": day},
        subscriptions=False,  # the list of tools does not change while the server runs
    )


async def _patience(jobs: Jobs, departure: Departure | None) -> None:
    """Let running orders end while nobody is in a hurry; then give them up, so that no half of a file stays."""
    if departure is None:
        return
    with anyio.CancelScope(shield=True), anyio.move_on_after(_GRACE):
        while jobs.running() and not departure.hurried():  # noqa: ASYNC110 - a signal sets no event of the loop's
            await anyio.sleep(_LOOK)
    for order in jobs.running():
        order.scope.cancel()
    departure.settled()


def assemble(settings: Settings, transport: httpx2.AsyncBaseTransport | None = None) -> App:
    """The parts that tools work with."""
    keys = Keys(settings, KeyStore(settings.credentials_file))
    client = Client(settings, keys, transport=transport)
    office = Office(
        client=client,
        keys=keys,
        files=Files(settings),
        quotes=Quotes(client),
        budget=Budget(settings.max_credits),
        history=History(settings.history_file, settings.base_url),
        jobs=Jobs(grace=_GRACE),
    )
    return App(settings, office, {entry.name: entry for entry in offered(settings.toolsets)})


def _shortened(result: CallToolResult) -> CallToolResult:
    """A refusal that quotes a long argument, with its middle left out; others may quote a link, and stay whole."""
    text = result.content[0]
    if not isinstance(text, TextContent) or len(text.text) <= _LONGEST_REFUSAL or not text.text.startswith(_OUR_OWN):
        return result
    short = f"{text.text[: _LONGEST_REFUSAL - _END_KEPT]}…{text.text[-_END_KEPT:]}"
    return result.model_copy(update={"content": [TextContent(text=short)]})


def _for_older_clients(result: CallToolResult) -> CallToolResult:
    content = [block for block in result.content if not isinstance(block, ResourceLink)]
    return result.model_copy(update={"content": content, "structured_content": None})
