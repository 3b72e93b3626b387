"""All toolsets, in the order in which their tools are listed."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from webvoice_mcp.contract.estimate import FREE, Estimate
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.jobs.run import estimate_cost
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.tools import account, chat, image, jobs, messaging, speech, studio, transcription, translation, video
from webvoice_mcp.tools.arguments import explain, normalize
from webvoice_mcp.tools.results import Result
from webvoice_mcp.tools.toolset import RegisteredTool, ToolSet

TOOLSETS: tuple[ToolSet, ...] = (
    account.tools,
    jobs.tools,
    chat.tools,
    speech.tools,
    transcription.tools,
    translation.tools,
    image.tools,
    video.tools,
    studio.tools,
    messaging.tools,
)


def offered(families: frozenset[str]) -> list[RegisteredTool]:
    """Return the tools of the chosen families."""
    return [tool for toolset in TOOLSETS if toolset.family in families for tool in toolset.tools]


def results_of_tools(families: frozenset[str]) -> dict[str, type[Result]]:
    """Return the type of each tool's result, by the tools' names."""
    return {tool.name: tool.result for tool in offered(families)}


def check_offered(name: str, families: frozenset[str]) -> None:
    """Refuse a tool that the settings switch off.

    Raises:
        InvalidArgument: names the setting.
    """
    off = [toolset.family for toolset in TOOLSETS if name in {tool.name for tool in toolset.tools}]
    if off and off[0] not in families:
        raise InvalidArgument(
            f"{name} is switched off: WEBVOICE_TOOLSETS is {','.join(sorted(families))}. To use it, a person has to add"
            f" {off[0]} to WEBVOICE_TOOLSETS in the client's configuration, and restart the server."
        )


async def estimate_call(name: str, arguments: Mapping[str, Any], services: Services) -> Estimate:
    """Estimate a call of an offered tool. Nothing that could cost credits is sent.

    Raises:
        WebVoiceError: the call would be refused.
    """
    check_offered(name, services.settings.toolsets)
    tools = {tool.name: tool for tool in offered(services.settings.toolsets)}
    schemas = {tool.name: tool.sdk_tool().parameters for tool in tools.values()}
    normalized = normalize(name, arguments, schemas)
    tool = tools[name]
    try:
        values = tool.sdk_tool().fn_metadata.validate_arguments(normalized)
    except ValidationError as error:
        raise explain(error, schemas[name]) from None
    return await estimate_cost(await tool.function(**values), services) if tool.is_paid else FREE
