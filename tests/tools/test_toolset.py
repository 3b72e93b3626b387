"""What stands between the tools and the SDK."""

from mcp import Client
from mcp.server.mcpserver.exceptions import ResourceError
from mcp.types import ImageContent, TextContent

from tests.support import failed
from webvoice_mcp.errors import InvalidResponse, RateLimited
from webvoice_mcp.server import Server
from webvoice_mcp.tools._toolset import READS_HERE, ToolSet, refusal
from webvoice_mcp.tools.results import Result


class Counted(Result):
    count: int


async def test_a_mistake_of_ours_is_not_told_as_a_wrong_argument() -> None:
    tools = ToolSet("account")

    @tools.add(title="Broken", effect=READS_HERE)
    async def webvoice_broken(number: int) -> Counted:
        """Fail."""
        return Counted.model_validate({"count": f"number {number}"})

    async with Client(Server([tools.entries[0].tool()])) as client:
        wrong = await client.call_tool("webvoice_broken", {"number": "x"})
        broken = await client.call_tool("webvoice_broken", {"number": 5})
    assert failed(wrong).startswith("invalid_argument: number should be a valid integer")
    assert (broken.content, broken.is_error) == ([TextContent(text="Error executing tool webvoice_broken")], True)


async def test_what_the_sdk_refuses_itself_keeps_its_words() -> None:
    tools = ToolSet("account")

    @tools.add(title="Refusing", effect=READS_HERE)
    async def webvoice_refusing() -> Counted:
        """Refuse."""
        raise ResourceError("There is no such page")

    async with Client(Server([tools.entries[0].tool()])) as client:
        result = await client.call_tool("webvoice_refusing", {})
    text = "Error executing tool webvoice_refusing: There is no such page"
    assert (result.content, result.is_error) == ([TextContent(text=text)], True)


def test_a_long_refusal_loses_its_middle() -> None:
    said = failed(refusal(InvalidResponse(f"It began {'x' * 5000}. Do this.")))
    assert said.startswith("invalid_response: It began xxx")
    assert "…" in said
    assert said.endswith("xxx. Do this.")
    assert len(said) < 500


def test_a_result_that_shows_pictures_is_another_one() -> None:
    picture = ImageContent(data="QUJD", mime_type="image/png")
    result = Result.model_validate({"a": 1})
    showing = result.showing((picture,))
    assert (result.shown, showing.shown, showing.fields()) == ((), (picture,), {"a": 1})


def test_a_refusal_carries_what_a_program_can_act_on() -> None:
    result = refusal(RateLimited("Too many requests. Try again later.", status=429, retry_after=60.0))
    assert failed(result) == "rate_limited: Too many requests. Try again later."
    assert result.meta == {"webvoice/error": {"code": "rate_limited", "status": 429, "retry_after_seconds": 60.0}}
