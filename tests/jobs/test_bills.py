"""Bills that are no prices: what was paid for is delivered, and every budget counts the estimate."""

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.jobs.world import BY_TOOL, Upstream, left, rows
from tests.support import MakeSettings, ScriptedTransport, connected, events, failed, fields
from webvoice_mcp.client.answers import carries_bill
from webvoice_mcp.contract.endpoint import Billed
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.jobs.budget import Budget
from webvoice_mcp.jobs.job import Job

CHAT, IMAGE, TTS = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_image"], BY_TOOL["webvoice_tts"]
NO_PRICES = [0, 0.0, "0", False, True, -1, -0.0, "-3", 1e300, 10**400, "1e999", None, [], {}, [7], "seven", "", " "]


@pytest.mark.parametrize("used", [0, "0", False])
async def test_images_without_a_real_bill_cannot_pass_the_budget(make_settings: MakeSettings, used: Any) -> None:
    upstream = Upstream({**IMAGE.answer, "credits_used": used})
    async with connected(make_settings(MAX_CREDITS=7, INLINE_IMAGES=0), upstream) as client:
        results = [await client.call_tool(IMAGE.tool, {"prompt": "x"}) for _ in range(20)]
    assert [result.is_error for result in results] == [False] + [True] * 19
    assert upstream.posts == 1


@pytest.mark.parametrize("used", NO_PRICES, ids=lambda used: repr(used)[:12])
async def test_a_bill_that_is_no_price_counts_as_estimated(
    make_settings: MakeSettings, tmp_path: Path, used: Any
) -> None:
    upstream = Upstream({**TTS.answer, "credits_used": used})
    async with connected(make_settings(MAX_CREDITS=100), upstream) as client:
        assert fields(await client.call_tool(TTS.tool, TTS.arguments))["files"]
        assert await left(client) == 100 - TTS.estimate
        usage = fields(await client.call_tool("webvoice_usage", {}))
    assert (usage["total_credits"], usage["unknown"]) == (0, {"jobs": 1, "at_most": TTS.estimate})
    assert rows(tmp_path / "state")[0]["credits"] is None


async def test_a_free_model_that_is_billed_at_nothing_costs_nothing(make_settings: MakeSettings) -> None:
    arguments = {"prompt": "x", "model": "openrouter:openrouter/free"}
    for bill in ({"credits_used": 0}, {}):
        async with connected(make_settings(MAX_CREDITS=100), Upstream({**CHAT.answer, "webvoice": bill})) as client:
            fields(await client.call_tool(CHAT.tool, arguments))
            assert fields(await client.call_tool("webvoice_usage", {}))["unknown"] == {"jobs": 0, "at_most": 0}
            assert await left(client) == 100


BILLED_REFUSALS = [
    httpx2.Response(200, json={"success": False, "message": "No.", "credits_used": 7}),
    httpx2.Response(200, json={"success": False, "webvoice": {"credits_used": 2}}),
    httpx2.Response(200, json={"error": "No.", "webvoice": {"credits_used": 2}}),
    httpx2.Response(400, json={"error": "No.", "credits_used": "7"}),
    httpx2.Response(402, json={"error": "No.", "credits_used": 7}),
    events(json.dumps({"error": {"message": "No."}, "credits_used": 7})),
]


@pytest.mark.parametrize("refusal", BILLED_REFUSALS, ids=["top", "chat", "error", "400", "402", "stream"])
async def test_a_refusal_with_a_bill_counts_as_estimated(
    make_settings: MakeSettings, tmp_path: Path, refusal: httpx2.Response
) -> None:
    streams = "text/event-stream" in refusal.headers["content-type"]
    async with connected(make_settings(MAX_CREDITS=100), ScriptedTransport(refusal)) as client:
        said = failed(await client.call_tool(CHAT.tool, {"prompt": "x", "stream": streams}))
        assert await left(client) == 100 - CHAT.estimate
    assert "pent" in said  # credits were, or may have been
    assert rows(tmp_path / "state")[0]["credits"] is None


@pytest.mark.parametrize("bill", [{}, {"credits_used": 0}, {"credits_used": None}, {"webvoice": "x"}])
async def test_a_refusal_without_a_bill_costs_nothing(make_settings: MakeSettings, bill: dict[str, Any]) -> None:
    refusal = httpx2.Response(200, json={"success": False, "message": "No.", **bill})
    async with connected(make_settings(MAX_CREDITS=100), ScriptedTransport(refusal)) as client:
        assert "pent" not in failed(await client.call_tool(CHAT.tool, CHAT.arguments))
        assert await left(client) == 100


Json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5), st.lists, max_leaves=3
)


@given(used=Json, price=st.sampled_from([0.0, 0.5, 7.0, None]))
def test_a_job_costs_a_positive_bill_or_its_estimate(used: Any, price: float | None) -> None:
    budget = Budget(None)
    estimate = Estimate(price, "so much")

    async def run() -> None:
        job = Job("t", estimate, budget.reserve(estimate))
        job.start()
        job.record_bill(Billed.model_validate({"credits_used": used}))
        for _ in range(2):  # only the first time counts
            job.reservation.settle(job.reservation.credits if job.cost is None else job.cost)

    anyio.run(run)
    assert budget.reserved == 0
    is_number = isinstance(used, int | float | str) and not isinstance(used, bool)
    assert budget.spent == (price or 0) or (is_number and 0 < float(used) <= 1e9 and budget.spent == float(used))


@given(Json)
def test_any_document_can_be_searched_for_a_bill(value: Any) -> None:
    assert not carries_bill(value)
    assert carries_bill({"credits_used": value}) == carries_bill({"webvoice": {"credits_used": value}}) == bool(value)
