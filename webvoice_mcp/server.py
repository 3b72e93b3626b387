"""Creates the MCP server from the settings."""

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any, Protocol

import anyio
import httpx2
from mcp.server.caching import CacheHint
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.request_state import RequestStateSecurity
from mcp.server.stdio import stdio_server
from mcp.types import (
    CallToolResult,
    GetPromptResult,
    InputRequiredResult,
    Resource,
    ResourceLink,
    ResourceTemplate,
)
from mcp.types import Tool as ListedTool
from pydantic import AnyUrl, ValidationError

from webvoice_mcp import __version__
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.jobs.jobs import Jobs
from webvoice_mcp.jobs.services import GRACE_SECONDS, Services
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import TOOLSETS, Settings
from webvoice_mcp.tools import completion, file_resources, prompts, resources
from webvoice_mcp.tools.apps import extension as apps
from webvoice_mcp.tools.apps import read_file
from webvoice_mcp.tools.arguments import explain, normalize
from webvoice_mcp.tools.cache import RunningServer
from webvoice_mcp.tools.catalogue import check_offered, offered, results_of_tools
from webvoice_mcp.tools.icon import icon
from webvoice_mcp.tools.results import failed_result, without_key
from webvoice_mcp.tools.skills.extension import Skills, declare_in_handshake, is_skill_uri, read_skill
from webvoice_mcp.tools.tasks import Tasks
from webvoice_mcp.worker.client import Start, Worker

_INSTRUCTIONS = """\
WebVoice speaks, transcribes, translates, chats, draws and edits images, films, sends e-mail and keeps memos, on one
wallet of credits. With no API key yet, call webvoice_register_send_code and then webvoice_register_verify: the key is
saved and works at once. webvoice_status tells the credits left, webvoice_estimate_credits what a call would cost. Media
are saved as files; results give their paths. A call that takes long answers with a job_id for webvoice_jobs."""

_POLL_SECONDS = 0.05  # between looks whether the shutdown is forced
_STRUCTURED_SINCE = "2025-06-18"  # the revision that brought structured content and resource links


class Server(MCPServer[Services]):
    """The SDK's server, with strict arguments and answers that every protocol revision understands."""

    def __init__(
        self,
        tools: list[Tool],
        families: frozenset[str] = TOOLSETS,
        running: RunningServer | None = None,
        **options: Any,
    ) -> None:
        super().__init__("webvoice", tools=tools, **options)
        self._families = families
        self._running = running or RunningServer()
        self._schemas = {tool.name: tool.parameters for tool in tools}

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Services, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. A wrong argument makes a failed result, never a protocol error."""
        try:
            check_offered(name, self._families)
            arguments = normalize(name, arguments, apps.callable_tools(self._schemas))
            result = await super().call_tool(name, arguments, context)
        except InvalidArgument as error:
            result = failed_result(error)
        except UnexpectedToolError:
            raise
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            result = failed_result(explain(error.__cause__, self._schemas[name]))
        services = context.request_context.lifespan_context if context is not None else None
        if isinstance(result, CallToolResult) and result.is_error and isinstance(services, Services):
            result = await without_key(result, services.keys)
        version = context.protocol_version if context is not None else None
        if isinstance(result, CallToolResult) and version is not None and version < _STRUCTURED_SINCE:
            return _for_older_clients(result)
        return result

    async def list_tools(self) -> list[ListedTool]:
        """List the tools that this request's client is offered."""
        return apps.listed_tools(await super().list_tools())

    async def serve(self, stdin: Any, stdout: Any) -> None:
        """Serve one client until its input ends.

        Args:
            stdin: yields lines.
            stdout: takes lines; both have the methods of anyio's files that the SDK calls.
        """
        async with stdio_server(stdin, stdout) as (received, sent):
            server = self._lowlevel_server
            await server.run(received, sent, server.create_initialization_options())

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Services, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Return a prompt. An unknown name or argument is refused, and the known ones are named."""
        prompts.check(name, arguments or {}, await self.list_prompts())
        return await super().get_prompt(name, arguments, context)

    async def list_resources(self) -> list[Resource]:
        """List the resources, and the newest files that calls made."""
        listed = apps.listed_resources(await super().list_resources())
        return [*listed, *await file_resources.newest_files(self._running.cache.services)]

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """List the templates of resources."""
        return [*await super().list_resource_templates(), file_resources.TEMPLATE]

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Services, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource, a file that a call made, or a skill."""
        if file_resources.is_file_uri(str(uri)):
            return [await file_resources.read_file(str(uri), self._running.cache.services)]
        if is_skill_uri(str(uri)):
            return [await read_skill(str(uri), self._families)]
        return await super().read_resource(uri, context)


class Shutdown(Protocol):
    """Tells the server how the process wants it to end."""

    def is_forced(self) -> bool:
        """Return True if running jobs are to be cut off."""

    def jobs_ended(self) -> None:
        """Take note that no job is running any more."""


def create_server(
    settings: Settings,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    shutdown: Shutdown | None = None,
    more_tools: Sequence[Tool] = (),
    start_worker: Start | None = None,
) -> Server:
    """Create the server.

    Args:
        transport: replaces the network in tests.
        more_tools: tools of a test.
        shutdown: None gives running jobs their time when the server ends.
        start_worker: starts the process that carries out calls that make media, and goes on when this one ends; None
            runs them in this process.
    """
    running = RunningServer()

    @asynccontextmanager
    async def lifespan(_: MCPServer[Services]) -> AsyncIterator[Services]:
        services = create_services(settings, transport)
        worker = Worker(services.keys, results_of_tools(settings.toolsets), start_worker) if start_worker else None
        services = replace(services, worker=worker)
        try:
            async with worker or nullcontext(), services.jobs:
                try:
                    with running.using(services):
                        yield services
                finally:
                    await services.player.stop()  # before jobs get their time, since many hosts kill within seconds
                    if shutdown is not None:
                        await _end_jobs(services.jobs, shutdown)
        finally:
            await services.aclose()

    day = CacheHint(ttl_ms=86_400_000, scope="private")
    lists = ("tools/list", "prompts/list", "resources/templates/list", "server/discover")  # resources come and go
    server = Server(
        [*(tool.sdk_tool() for tool in (*offered(settings.toolsets), *read_file.tools.tools)), *more_tools],
        settings.toolsets,
        running,
        title="WebVoice",
        version=__version__,
        instructions=_INSTRUCTIONS,
        website_url=settings.site,
        icons=[icon()],
        lifespan=lifespan,
        log_level=settings.log_level,
        request_state_security=RequestStateSecurity(keys=[secrets.token_bytes(32)]),
        cache_hints=dict.fromkeys(lists, day),
        subscriptions=False,  # the list of tools does not change while the server runs
        extensions=[Tasks(), Skills(settings.toolsets), apps.extension()],
        middleware=[declare_in_handshake, apps.note_client],
    )
    resources.add_to(server, settings.toolsets, running)
    prompts.add_to(server, settings.toolsets)
    completion.add_to(server, running)
    return server


def create_services(settings: Settings, transport: httpx2.AsyncBaseTransport | None = None) -> Services:
    """Create what tools and jobs share."""
    keys = Keys(settings, KeyStore(settings.credentials_file))
    client = Client(settings, keys, transport=transport)
    return Services.create(settings, keys, client, limit=settings.max_credits)


async def _end_jobs(jobs: Jobs, shutdown: Shutdown) -> None:
    """Let running jobs finish unless the shutdown is forced, then cut them off so that no partial file stays."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(GRACE_SECONDS):
        while not jobs.are_idle and not shutdown.is_forced():  # noqa: ASYNC110 - a signal sets no event of the loop's
            await anyio.sleep(_POLL_SECONDS)
    jobs.interrupt()
    shutdown.jobs_ended()


def _for_older_clients(result: CallToolResult) -> CallToolResult:
    content = [block for block in result.content if not isinstance(block, ResourceLink)]
    return result.model_copy(update={"content": content, "structured_content": None})
