"""From a function to a tool: registration, schemas, hints, dependencies, results."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from webvoice_mcp.contract.endpoint import Endpoint, FreeEndpoint, PaidEndpoint
from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.jobs.batch import PaidBatch
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.jobs.run import run
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.tools import _schema
from webvoice_mcp.tools._dependencies import check_dependencies, dependencies
from webvoice_mcp.tools._docstring import docstring
from webvoice_mcp.tools.results import Result, failed_result, successful_result

if TYPE_CHECKING:  # the worker process calls functions of paid tools, and does without the SDK
    from mcp.server.mcpserver.tools import Tool
    from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations

FreeFunction = TypeVar("FreeFunction", bound=Callable[..., Awaitable[Result]])
PaidFunction = TypeVar("PaidFunction", bound=Callable[..., Awaitable[PaidCall[Any] | PaidBatch[Any]]])


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a call on its environment, as MCP's four hints describe it."""

    read_only: bool = False
    open_world: bool = True
    destructive: bool = False

    def annotations(self, title: str) -> "ToolAnnotations":
        """Return the hints of a tool with this effect."""
        from mcp.types import ToolAnnotations  # noqa: PLC0415 - the SDK is imported where it is needed

        return ToolAnnotations(
            title=title,
            read_only_hint=self.read_only,
            destructive_hint=self.destructive,
            idempotent_hint=self.read_only,
            open_world_hint=self.open_world,
        )


READS = Effect(read_only=True)
READS_LOCALLY = Effect(read_only=True, open_world=False)  # needs neither key nor network
WRITES = Effect()
WRITES_LOCALLY = Effect(open_world=False)  # needs neither key nor network, and changes something on this computer
DESTROYS = Effect(destructive=True)  # cannot be undone


@dataclass(frozen=True, slots=True)
class RegisteredTool:
    """A tool before the SDK sees it.

    Attributes:
        endpoints: the endpoints that it calls; the first one of a paid tool is the paid one.
        result: type of its result.
    """

    function: Callable[..., Awaitable[Any]]
    title: str
    effect: Effect
    endpoints: tuple[Endpoint[Any, Any], ...]
    result: type[Result]

    @property
    def name(self) -> str:
        """The tool's public name, which is the function's."""
        return self.function.__name__

    @property
    def is_paid(self) -> bool:
        """True if its function returns a paid call, which `run` carries out."""
        return any(endpoint.paid for endpoint in self.endpoints)

    @functools.cache  # noqa: B019 - tools live as long as the process, and building a schema takes milliseconds
    def sdk_tool(self) -> "Tool":
        """Return the SDK's tool."""
        from mcp.server.mcpserver.tools import Tool  # noqa: PLC0415 - the SDK is imported where it is needed

        tool = Tool.from_function(
            _sdk_function(self),
            name=self.name,
            title=self.title,
            description=docstring(self.function),
            annotations=self.effect.annotations(self.title),
        )
        tool.parameters = _schema.closed(tool.parameters)
        tool.fn_metadata.output_schema = _schema.answer(tool.fn_metadata.output_schema or {})
        return tool


class ToolSet:
    """The tools of one family, in the order in which they are listed."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.tools: list[RegisteredTool] = []

    def free(
        self, *endpoints: FreeEndpoint[Any, Any], title: str, effect: Effect
    ) -> Callable[[FreeFunction], FreeFunction]:
        """Register a tool that costs nothing and returns its result. The function stays an ordinary function."""

        def register(function: FreeFunction) -> FreeFunction:
            result = inspect.signature(function).return_annotation
            if any(endpoint.paid for endpoint in endpoints):
                raise TypeError(f"{function.__name__} calls a paid endpoint, so it must be registered with paid()")
            if not (isinstance(result, type) and issubclass(result, Result)):
                raise TypeError(f"{function.__name__} must be annotated to return a Result")
            self._add(function, title, effect, endpoints, result)
            return function

        return register

    def paid(
        self, endpoint: PaidEndpoint[Any, Any], *others: FreeEndpoint[Any, Any], title: str
    ) -> Callable[[PaidFunction], PaidFunction]:
        """Register a tool that may cost credits. The function only checks its arguments.

        It returns a `PaidCall` or, for long work, a `PaidBatch`.
        """

        def register(function: PaidFunction) -> PaidFunction:
            returned = inspect.signature(function).return_annotation
            if not isinstance(endpoint, PaidEndpoint) or any(other.paid for other in others):
                raise TypeError(f"{function.__name__} must be registered with one paid endpoint, then free ones")
            for parameter in inspect.signature(function).parameters.values():
                if parameter.kind is parameter.KEYWORD_ONLY:  # an estimate calls the function, and has no context
                    raise TypeError(f"{function.__name__} asks for {parameter.name}, but a paid tool asks for nothing")
            kinds = get_args(returned) if get_origin(returned) in (Union, UnionType) else (returned,)
            results = {_paid_result(kind) for kind in kinds}
            if len(results) != 1 or None in results:
                raise TypeError(f"{function.__name__} must be annotated to return a PaidCall or a PaidBatch")
            self._add(function, title, WRITES, (endpoint, *others), results.pop())
            return function

        return register

    def _add(
        self,
        function: Callable[..., Awaitable[Any]],
        title: str,
        effect: Effect,
        endpoints: tuple[Endpoint[Any, Any], ...],
        result: type[Result],
    ) -> None:
        check_dependencies(function)
        self.tools.append(RegisteredTool(function, title, effect, endpoints, result))


def _paid_result(kind: Any) -> Any:
    """Return the type of the result of a `PaidCall` or `PaidBatch`, None for another type."""
    return get_args(kind)[0] if get_origin(kind) in (PaidCall, PaidBatch) else None


def _sdk_function(tool: RegisteredTool) -> "Callable[..., Awaitable[CallToolResult | InputRequiredResult]]":
    from mcp.server.mcpserver import Context  # noqa: PLC0415 - the SDK is imported where it is needed
    from mcp.types import CallToolResult, InputRequiredResult  # noqa: PLC0415 - the SDK is imported where it is needed

    from webvoice_mcp.tools._confirmation import InputRequired  # noqa: PLC0415 - it imports the SDK
    from webvoice_mcp.tools.caller import McpCaller  # noqa: PLC0415 - it imports the SDK

    # The SDK reads parameters and output schema from the signature. The wrapper shows the function's own, without the
    # dependencies, with the request's context, and with the result that the function's result becomes.
    signature = inspect.signature(tool.function)
    parameters = [
        parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=Context)
    returns = Annotated[CallToolResult, tool.result]

    async def call(context: Context[Services], **arguments: Any) -> CallToolResult | InputRequiredResult:
        services = context.request_context.lifespan_context
        try:
            returned = await tool.function(**arguments, **dependencies(tool.function, context))
            if isinstance(returned, PaidCall | PaidBatch):
                if returned.endpoint not in tool.endpoints:
                    raise TypeError(f"{tool.name} is not registered for {returned.endpoint.path}")
                returned = await run(returned, services, McpCaller(tool.name, arguments, context))
            return await successful_result(returned, services)
        except InputRequired as question:
            return question.result
        except WebVoiceError as error:
            return failed_result(error)

    call.__name__ = tool.name
    call.__doc__ = tool.function.__doc__
    call.__signature__ = signature.replace(parameters=[*parameters, context], return_annotation=returns)  # type: ignore[attr-defined]  # read by inspect
    call.__annotations__ = {
        **{parameter.name: parameter.annotation for parameter in parameters},
        "context": Context,
        "return": returns,
    }
    return call
