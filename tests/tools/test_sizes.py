"""What a model has to read of an answer: little, unless it is the user's own text or a list of the service's."""

from pathlib import Path
from typing import Any

import pytest
from mcp.types import CallToolResult, TextContent
from webvoice_mcp.tools.orders import _SHORTENED

from tests.jobs.world import BY_TOOL, PAID, Paid, Upstream, ended, put_inputs
from tests.support import MakeSettings, connected, fields

MOST = 1536  # bytes

CHAT, TRANSLATE = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_translate"]


def read(result: CallToolResult) -> int:
    """Bytes of text."""
    fields(result)
    return sum(len(each.text.encode()) for each in result.content if isinstance(each, TextContent))


@pytest.mark.parametrize("paid", PAID, ids=lambda paid: paid.tool)
async def test_the_answer_of_a_call_that_costs_something_is_short(
    make_settings: MakeSettings, tmp_path: Path, paid: Paid
) -> None:
    put_inputs(tmp_path / "out")
    async with connected(make_settings(), Upstream(paid.answer)) as client:
        assert 50 < read(await client.call_tool(paid.tool, paid.arguments)) <= MOST


async def test_usage_and_jobs_stay_short_however_much_there_was(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), Upstream(TRANSLATE.answer)) as client:
        for _ in range(30):
            await client.call_tool(TRANSLATE.tool, TRANSLATE.arguments)
        answers = {tool: await client.call_tool(tool, {}) for tool in ("webvoice_usage", "webvoice_jobs")}
    assert all(1000 < read(answer) <= MOST for answer in answers.values())
    usage, listed = map(fields, answers.values())
    assert usage["total_credits"] == 1.5
    assert {(each["tool"], each["credits"]) for each in usage["recent"]} == {(TRANSLATE.tool, 0.05)}
    assert listed["note"] == _SHORTENED
    assert [set(job) for job in listed["jobs"][:2]] == [{"id", "tool", "state", "started_at", "result"}] * 2


async def test_a_long_answer_among_the_jobs_is_told_when_it_is_asked_for(make_settings: MakeSettings) -> None:
    told = "A long story. " * 500
    choice = {"index": 0, "message": {"role": "assistant", "content": told}, "finish_reason": "stop"}
    async with connected(make_settings(), Upstream(CHAT.answer | {"choices": [choice]})) as client:
        await client.call_tool(CHAT.tool, CHAT.arguments)
        (job,) = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
        assert set(job) == {"id", "tool", "state", "started_at"}
        assert (await ended(client, job["id"]))["result"]["text"] == told


async def test_what_the_service_adds_is_passed_on_as_long_as_it_is_little(make_settings: MakeSettings) -> None:
    added = {f"field_{number}": "word " * 80 for number in range(5)} | {"large": "y y " * 200, "tier": {"name": "play"}}
    async with connected(make_settings(), Upstream(TRANSLATE.answer | added)) as client:
        answer = await client.call_tool(TRANSLATE.tool, TRANSLATE.arguments)
    assert read(answer) <= MOST
    found: dict[str, Any] = fields(answer)
    assert {name: found[name] for name in added if name in found} == {
        name: added[name] for name in ("field_0", "field_1", "tier")
    }
