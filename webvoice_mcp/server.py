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
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, GetPromptResult, InputRequiredResult, ResourceLink
from pydantic import ValidationError

from webvoice_mcp import __version__
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.errors import InvalidArgument, WebVoiceError
from webvoice_mcp.files import Files
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.orders.budget import Budget
from webvoice_mcp.orders.desk import Office
from webvoice_mcp.orders.history import History
from webvoice_mcp.orders.jobs import Jobs
from webvoice_mcp.orders.quotes import Quotes
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools import completion, prompts, resources
from webvoice_mcp.tools._arguments import given, readable
from webvoice_mcp.tools._consent import OneTimeStates, no_yes
from webvoice_mcp.tools._inject import App
from webvoice_mcp.tools._shelf import Running
from webvoice_mcp.tools._toolset import refusal
from webvoice_mcp.tools.catalogue import offered

_INSTRUCTIONS = """\
WebVoice speaks, transcribes, translates, chats, draws and edits images, films, sends e-mail and keeps memos, on one
wallet of credits. With no API key yet, call webvoice_register_send_code and then webvoice_register_verify: the key is
saved and works at once. webvoice_status tells the credits left, webvoice_estimate_credits what a call would cost. Media
are saved as files; results give their paths. A call that takes long answers with a job_id for webvoice_jobs."""

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
            if isinstance(error.__cause__, ToolError):  # the SDK's own: no answer to what the user was asked
                result = refusal(no_yes())
            elif isinstance(error.__cause__, ValidationError):
                result = refusal(readable(error.__cause__, self._schemas[name]))
            else:
                raise
        except MCPError:  # the client refused the question itself, the only request that a tool sends
            result = refusal(no_yes())
        version = context.protocol_version if context is not None else None
        if isinstance(result, CallToolResult) and version is not None and version < _STRUCTURED_SINCE:
            return _for_older_clients(result)
        return result

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[App, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Get a prompt; a name or an argument that is not known is refused with what there is."""
        prompts.check(name, arguments or {}, await self.list_prompts())
        return await super().get_prompt(name, arguments, context)


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

    running = Running()

    @asynccontextmanager
    async def lifespan(_: MCPServer[App]) -> AsyncIterator[App]:
        app = assemble(settings, transport)
        try:
            async with app.office.jobs:
                try:
                    with running.lending(app):
                        yield app
                finally:
                    await _patience(app.office.jobs, departure)
        finally:
            await app.office.client.aclose()
            await app.office.history.aclose()

    day = CacheHint(ttl_ms=86_400_000, scope="private")
    lists = ("tools/list", "prompts/list", "resources/list", "resources/templates/list", "server/discover")
    server = Server(
        [entry.tool() for entry in offered(settings.toolsets)],
        title="WebVoice",
        version=__version__,
        instructions=_INSTRUCTIONS,
        website_url=settings.site,
        lifespan=lifespan,
        log_level=settings.log_level,
        request_state_security=RequestStateSecurity(codec=OneTimeStates([secrets.token_bytes(32)])),
        cache_hints=dict.fromkeys(lists, day),
        subscriptions=False,  # the list of tools does not change while the server runs
    )
    resources.add_to(server, settings.toolsets, running)
    prompts.add_to(server, settings.toolsets)
    completion.add_to(server, running)
    return server


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


def _for_older_clients(result: CallToolResult) -> CallToolResult:
    content = [block for block in result.content if not isinstance(block, ResourceLink)]
    return result.model_copy(update={"content": content, "structured_content": None})
