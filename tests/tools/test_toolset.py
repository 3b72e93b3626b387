"""Registration of tools: mistakes are refused, and dependencies are provided by type."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server.mcpserver.exceptions import ResourceError
from mcp.types import TextContent

from tests.support import failed
from webvoice_mcp.contract.account import STATUS
from webvoice_mcp.contract.speech import SPEECH, TRANSCRIPTION, VOICES
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.server import Server
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools.results import Result
from webvoice_mcp.tools.toolset import DESTROYS, READS, READS_LOCALLY, WRITES, ToolSet


class Counted(Result):
    count: int


@pytest.fixture
def tools() -> ToolSet:
    return ToolSet("account")


async def paid_call() -> PaidCall[Counted]:
    raise NotImplementedError


async def counted() -> Counted:
    raise NotImplementedError


async def unannotated():  # type: ignore[no-untyped-def]  # the mistake
    raise NotImplementedError


async def asks_for_a_path(*, folder: Path) -> Counted:
    raise NotImplementedError


async def asks_for_anything(*, anything) -> PaidCall[Counted]:  # type: ignore[no-untyped-def]  # the mistake
    raise NotImplementedError


def test_a_free_tool_cannot_call_a_paid_endpoint(tools: ToolSet) -> None:
    for endpoints in ((SPEECH,), (VOICES, SPEECH)):
        with pytest.raises(TypeError, match=r"^counted calls a paid endpoint, so it must be registered with paid\(\)$"):
            tools.free(*endpoints, title="", effect=READS)(counted)
    assert tools.tools == []


def test_a_paid_tool_cannot_call_a_free_endpoint(tools: ToolSet) -> None:
    with pytest.raises(TypeError, match="paid_call must be registered with one paid endpoint, then free ones"):
        tools.paid(STATUS, title="")(paid_call)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match="then free ones"):
        tools.paid(SPEECH, TRANSCRIPTION, title="")(paid_call)  # type: ignore[arg-type]  # the mistake
    assert tools.tools == []


def test_a_tool_must_be_annotated_with_what_it_returns(tools: ToolSet) -> None:
    for function in (counted, unannotated):
        with pytest.raises(
            TypeError, match=rf"^{function.__name__} must be annotated to return a PaidCall or a PaidBatch$"
        ):
            tools.paid(SPEECH, title="")(function)  # type: ignore[type-var]  # the mistake
    for function in (paid_call, unannotated):
        with pytest.raises(TypeError, match=rf"^{function.__name__} must be annotated to return a Result$"):
            tools.free(STATUS, title="", effect=READS)(function)  # type: ignore[type-var]  # the mistake
    assert tools.tools == []


def test_a_tool_can_ask_only_for_types_that_a_server_provides(tools: ToolSet) -> None:
    with pytest.raises(TypeError, match=r"^asks_for_a_path asks for folder, whose type no server provides$"):
        tools.free(STATUS, title="", effect=READS)(asks_for_a_path)
    with pytest.raises(TypeError, match=r"^asks_for_anything asks for anything, but a paid tool asks for nothing$"):
        tools.paid(SPEECH, title="")(asks_for_anything)
    assert tools.tools == []


def test_a_registered_function_stays_itself_and_is_found(tools: ToolSet) -> None:
    assert tools.free(STATUS, title="Count", effect=READS)(counted) is counted
    assert tools.paid(SPEECH, VOICES, title="Pay")(paid_call) is paid_call
    free, paid = tools.tools
    assert (free.name, free.title, free.endpoints, free.result, free.is_paid) == (
        "counted",
        "Count",
        (STATUS,),
        Counted,
        False,
    )
    assert (paid.endpoints, paid.result, paid.is_paid) == ((SPEECH, VOICES), Counted, True)


def test_effects_become_the_hints_of_the_protocol(tools: ToolSet) -> None:
    hints = {}
    for effect in (READS, READS_LOCALLY, WRITES, DESTROYS):
        found = effect.annotations("T")
        assert (found.title, found.idempotent_hint) == ("T", found.read_only_hint)
        hints[effect] = (found.read_only_hint, found.destructive_hint, found.open_world_hint)
    assert hints == {
        READS: (True, False, True),
        READS_LOCALLY: (True, False, False),
        WRITES: (False, False, True),
        DESTROYS: (False, True, True),
    }


async def test_the_model_neither_sees_nor_sets_dependencies(tools: ToolSet) -> None:
    @tools.free(title="Asks", effect=READS_LOCALLY)
    async def webvoice_asks(number: int, *, settings: Settings) -> Counted:
        """Ask."""
        raise NotImplementedError

    async with Client(Server([tools.tools[0].sdk_tool()])) as client:
        (tool,) = (await client.list_tools()).tools
        text = failed(await client.call_tool("webvoice_asks", {"number": 1, "settings": {}}))
    assert list(tool.input_schema["properties"]) == ["number"]
    assert text.startswith("invalid_argument: webvoice_asks does not know the argument 'settings'. It takes: number.")


async def documented() -> Counted:
    """Count.

    Free.
    """
    raise NotImplementedError


def test_a_description_stays_where_the_docstring_was_left_out(tools: ToolSet, monkeypatch: pytest.MonkeyPatch) -> None:
    tools.free(title="Count", effect=READS)(documented)
    tools.free(title="Count", effect=READS)(counted)
    monkeypatch.setattr(documented, "__doc__", None)
    assert [tool.sdk_tool().description for tool in tools.tools] == ["Count.\n\nFree.", ""]


async def test_a_bug_in_a_tool_is_not_reported_as_a_wrong_argument(tools: ToolSet) -> None:
    @tools.free(title="Broken", effect=READS_LOCALLY)
    async def webvoice_broken(number: int) -> Counted:
        """Fail."""
        return Counted.model_validate({"count": f"number {number}"})

    @tools.free(title="Refusing", effect=READS_LOCALLY)
    async def webvoice_refusing() -> Counted:
        """Refuse."""
        raise ResourceError("There is no such page")

    async with Client(Server([tool.sdk_tool() for tool in tools.tools])) as client:
        wrong = await client.call_tool("webvoice_broken", {"number": "x"})
        broken = await client.call_tool("webvoice_broken", {"number": 5})
        refusing = await client.call_tool("webvoice_refusing", {})
    assert failed(wrong).startswith("invalid_argument: number must be a whole number")
    texts: list[Any] = [broken.content, refusing.content]
    assert (broken.is_error, refusing.is_error) == (True, True)
    assert texts == [
        [TextContent(text="Error executing tool webvoice_broken")],
        [TextContent(text="Error executing tool webvoice_refusing: There is no such page")],
    ]
