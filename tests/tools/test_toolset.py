"""What stands between the tools and the SDK."""

from mcp import Client
from mcp.types import ImageContent, TextContent

from tests.support import failed
from webvoice_mcp.errors import InvalidResponse
from webvoice_mcp.server import Server
from webvoice_mcp.tools._results import Result
from webvoice_mcp.tools._toolset import READS_HERE, ToolSet, refusal


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
