"""From a function to a tool: registration, schemas, hints, results, errors."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ContentBlock, ResourceLink, TextContent, ToolAnnotations

from webvoice_mcp.contract.endpoint import Endpoint
from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.tools import _schema
from webvoice_mcp.tools._results import File, Result, compact
from webvoice_mcp.tools._waiting import CallDesk

ERROR_META = "webvoice/error"

_LONGEST_REFUSAL = 480  # characters; what quotes a long path or argument loses its middle
_END_KEPT = 300  # of them: what to do stands at the end

Function = TypeVar("Function", bound=Callable[..., Awaitable[Result]])


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call does to the world, as MCP's four hints say it, and to the wallet.

    Attributes:
        spends: whether it may cost credits.
        outlives: whether it goes on when its caller is gone, since what it makes can be fetched later.
    """

    read_only: bool
    open_world: bool = True
    destructive: bool = False
    spends: bool = False
    outlives: bool = False

    def annotations(self, title: str) -> ToolAnnotations:
        """The hints of a tool with this effect."""
        return ToolAnnotations(
            title=title,
            read_only_hint=self.read_only,
            destructive_hint=self.destructive,
            idempotent_hint=self.read_only,
            open_world_hint=self.open_world,
        )


READS = Effect(read_only=True)
READS_HERE = Effect(read_only=True, open_world=False)  # needs neither key nor network
WRITES = Effect(read_only=False)  # free
SPENDS = Effect(read_only=False, spends=True)  # for text, which is worth nothing without its reader
MAKES = Effect(read_only=False, spends=True, outlives=True)  # for something that stays
DESTROYS = Effect(read_only=False, destructive=True)  # free, and cannot be undone


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered tool: its function and what is known of it before the SDK sees it."""

    function: Callable[..., Awaitable[Result]]
    title: str
    effect: Effect
    endpoints: tuple[Endpoint[Any, Any], ...]

    @property
    def name(self) -> str:
        """The tool's public name: the function's."""
        return self.function.__name__

    @functools.cache  # noqa: B019 - entries live as long as the process, and building a schema takes milliseconds
    def tool(self) -> Tool:
        """The SDK's tool."""
        made = Tool.from_function(
            _sdk_function(self),
            name=self.name,
            title=self.title,
            description=inspect.cleandoc(self.function.__doc__ or ""),
            annotations=self.effect.annotations(self.title),
        )
        made.parameters = _schema.closed(made.parameters)
        made.fn_metadata.output_schema = _schema.answer(made.fn_metadata.output_schema or {})
        return made

    async def call(self, arguments: Mapping[str, Any], lent: Mapping[str, Any]) -> Result:
        """Call the function with checked arguments and what is lent of that which it asks for, None for the rest."""
        parameters = inspect.signature(self.function).parameters.values()
        asked = [each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
        return await self.function(**arguments, **{name: lent.get(name) for name in asked})


class ToolSet:
    """The tools of one family, in the order in which they are listed."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.entries: list[Entry] = []

    def add(self, *endpoints: Endpoint[Any, Any], title: str, effect: Effect) -> Callable[[Function], Function]:
        """Register a tool; the function stays an ordinary function."""

        def register(function: Function) -> Function:
            self.entries.append(Entry(function, title, effect, endpoints))
            return function

        return register


def success(result: Result) -> CallToolResult:
    """The SDK's result: compact JSON for the model, pictures, a link for each file, the same as structured content."""
    fields = result.fields()
    content: list[ContentBlock] = [TextContent(text=compact(fields)), *result.shown]
    content += [_link(each) for each in result.linked()]
    return CallToolResult(content=content, structured_content=fields)


def refusal(error: WebVoiceError) -> CallToolResult:
    """The SDK's result for a failure that we raised ourselves.

    The details lie in `_meta`: TypeScript clients of version 1 check structured content against the output schema
    even when a call failed, and would show their own complaint in place of our sentence.
    """
    details: dict[str, Any] = {"code": error.code}
    if error.status is not None:
        details["status"] = error.status
    if error.retry_after is not None:
        details["retry_after_seconds"] = error.retry_after
    text = f"{error.code}: {error}"
    if len(text) > _LONGEST_REFUSAL:
        text = f"{text[: _LONGEST_REFUSAL - _END_KEPT]}…{text[-_END_KEPT:]}"
    return CallToolResult(content=[TextContent(text=text)], is_error=True, _meta={ERROR_META: details})


def _link(file: File) -> ResourceLink:
    return ResourceLink(uri=file.uri, name=Path(file.path).name, mime_type=file.mime_type, size=file.size_bytes)


def _sdk_function(entry: Entry) -> Callable[..., Awaitable[CallToolResult]]:
    # The SDK reads a tool's parameters and output schema from the signature, so the wrapper shows the function's
    # own, with a return type that says: a ready-made result, whose structured content fits this model.
    function = entry.function
    signature = inspect.signature(function)
    returns = Annotated[CallToolResult, signature.return_annotation]

    @functools.wraps(function)
    async def run(**arguments: Any) -> CallToolResult:
        desk = arguments.get("desk")
        try:
            if isinstance(desk, CallDesk):
                return success(await desk.carry_out(functools.partial(function, **arguments)))
            return success(await function(**arguments))
        except WebVoiceError as error:
            return refusal(error)

    run.__signature__ = signature.replace(return_annotation=returns)  # type: ignore[attr-defined]  # what inspect reads
    run.__annotations__ = {**function.__annotations__, "return": returns}
    return run
