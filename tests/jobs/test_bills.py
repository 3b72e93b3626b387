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
from tests.support import ChunkedBody, MakeSettings, ScriptedTransport, answer, connected, events, failed, fields
from webvoice_mcp.client.answers import carries_bill
from webvoice_mcp.contract.endpoint import Billed
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.jobs.budget import Budget
from webvoice_mcp.jobs.job import Job

CHAT, IMAGE, TTS = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_image"], BY_TOOL["webvoice_tts"]
NO_PRICES = [
    0,
    0.0,
    1e-300,
    "1e-9",
    "0",
    False,
    True,
    -1,
    -0.0,
    "-3",
    1e300,
    10**400,
    "1e999",
    None,
    [],
    {},
    [7],
    "seven",
    "",
    " ",
]


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


def broken(*chunks: str) -> httpx2.Response:
    """Return a stream whose connection breaks after these chunks."""
    sent = [f"data: {chunk}\n\n".encode() for chunk in chunks]
    body = ChunkedBody([*sent, httpx2.ReadError("reset")])
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=body)


WORD = json.dumps({"choices": [{"delta": {"content": "Hi"}}]})
BILL = json.dumps({"choices": [], "webvoice": {"credits_used": 7}})
BILLED_REFUSALS = [
    (httpx2.Response(200, json={"success": False, "message": "No.", "credits_used": 7}), 7),
    (httpx2.Response(200, json={"success": False, "webvoice": {"credits_used": 2}}), None),
    (httpx2.Response(200, json={"error": "No.", "webvoice": {"credits_used": 2}}), None),
    (httpx2.Response(400, json={"error": {"message": "No.", "credits_used": "7"}}), 7),
    (httpx2.Response(402, json={"error": "No.", "credits_used": 7}), 7),
    (httpx2.Response(429, json={"error": "No.", "credits_used": 7}, headers={"retry-after": "0"}), 7),
    (httpx2.Response(500, json={"error": "No.", "credits_used": 7}), 7),
    (httpx2.Response(400, json={"error": "No.", "more": "x" * (64 << 10), "credits_used": 7}), None),
    (events(json.dumps({"error": {"message": "No."}, "credits_used": 7})), 7),
    (events(WORD, BILL, json.dumps({"error": {"message": "No."}})), 7),
    (events(BILL, WORD), 7),
    (broken(BILL, WORD), 7),
]
KINDS = ["top", "chat", "error", "400", "402", "429", "500", "long", "stream", "stopped", "cut", "broken"]


@pytest.mark.parametrize(("refusal", "billed"), BILLED_REFUSALS, ids=KINDS)
async def test_a_refusal_counts_with_its_bill_and_at_least_as_estimated(
    make_settings: MakeSettings, tmp_path: Path, refusal: httpx2.Response, billed: float | None
) -> None:
    streams = "text/event-stream" in refusal.headers["content-type"]
    transport = ScriptedTransport(refusal, refusal)
    async with connected(make_settings(MAX_CREDITS=100), transport) as client:
        said = failed(await client.call_tool(CHAT.tool, {"prompt": "x", "stream": streams}))
        assert await left(client) == 100 - (billed or CHAT.estimate)
    assert "pent" in said  # credits were, or may have been
    assert rows(tmp_path / "state")[0]["credits"] == billed
    assert len(transport.requests) == 1


FREE_MODEL = "openrouter:openrouter/free"
BILLED_ANSWERS = [
    answer({**CHAT.answer, "webvoice": {"credits_used": 5}}),
    answer({"success": False, "credits_used": 5}),
    answer({"error": "No.", "webvoice": {"credits_used": 5}}, 500),
]


@pytest.mark.parametrize("limit", ["MAX_CREDITS", "MAX_CREDITS_PER_DAY", "MAX_CREDITS_PER_MONTH", "CONFIRM_ABOVE"])
@pytest.mark.parametrize("billed", BILLED_ANSWERS, ids=["answered", "refused", "failed"])
async def test_a_free_model_that_is_billed_is_free_only_once(
    make_settings: MakeSettings, limit: str, billed: httpx2.Response
) -> None:
    transport = ScriptedTransport(billed, billed)
    async with connected(make_settings(**{limit: 0}), transport) as client:
        await client.call_tool(CHAT.tool, {"prompt": "x", "model": FREE_MODEL})
        said = failed(await client.call_tool(CHAT.tool, {"prompt": "x", "model": FREE_MODEL}))
    assert "about 5 credits" in said
    assert len(transport.requests) == 1


async def test_a_price_near_zero_does_not_pass_an_exhausted_limit(make_settings: MakeSettings) -> None:
    listed = {"models": [{"id": "m", "credits_per_request": 1e-7}]}
    upstream = Upstream({**listed, **CHAT.answer, "webvoice": {"credits_used": 4}})
    async with connected(make_settings(MAX_CREDITS=4), upstream) as client:
        results = [await client.call_tool(CHAT.tool, {"prompt": str(n), "model": "m"}) for n in range(5)]
    assert [result.is_error for result in results] == [False] + [True] * 4
    assert upstream.posts == 1


@pytest.mark.parametrize("beside", [{"credits_used": 50}, {"credits_used": "50"}])
async def test_of_two_bills_the_dearer_counts(make_settings: MakeSettings, beside: dict[str, Any]) -> None:
    upstream = Upstream({**CHAT.answer, **beside, "webvoice": {"credits_used": 0.001}})
    async with connected(make_settings(MAX_CREDITS=100), upstream) as client:
        fields(await client.call_tool(CHAT.tool, CHAT.arguments))
        assert await left(client) == 50


async def test_of_the_bills_in_a_stream_the_dearest_counts(make_settings: MakeSettings) -> None:
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}], "webvoice": {"credits_used": 0.001, "provider": "p"}}
    stream = ScriptedTransport(events(WORD, BILL, json.dumps(end), "[DONE]"))
    async with connected(make_settings(MAX_CREDITS=100), stream) as client:
        said = fields(await client.call_tool(CHAT.tool, {"prompt": "x", "stream": True}))
        assert await left(client) == 93
    assert (said["credits_used"], said["provider"]) == (7, "p")


@pytest.mark.parametrize("listed", ["500 credits", [500], {"credits": 500}, -1, True])
async def test_a_model_called_free_beside_a_strange_price_has_no_known_price(
    make_settings: MakeSettings, listed: Any
) -> None:
    upstream = Upstream({"models": [{"id": "m", "credits_per_request": listed, "free": True}], **CHAT.answer})
    async with connected(make_settings(MAX_CREDITS=100), upstream) as client:
        assert "not known" in failed(await client.call_tool(CHAT.tool, {"prompt": "x", "model": "m"}))
    assert upstream.posts == 0


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
    assert budget.spent == (price or 0) or (is_number and 1e-6 <= float(used) <= 1e9 and budget.spent == float(used))


@given(Json)
def test_any_document_can_be_searched_for_a_bill(value: Any) -> None:
    assert not carries_bill(value)
    assert carries_bill({"credits_used": value}) == carries_bill({"webvoice": {"credits_used": value}}) == bool(value)
