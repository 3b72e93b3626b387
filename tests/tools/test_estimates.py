"""Estimates and the budget, through MCP."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.types import CallToolResult

from tests.files.samples import FLAC_BYTES
from tests.jobs.world import BY_TOOL, PAID, PATIENCE, Upstream, left, made_in, put_inputs
from tests.support import MakeSettings, connected, failed, fields
from tests.tools.calls import check_refused
from tests.tools.provider_values import LINK
from webvoice_mcp.contract.translation import TRANSLATION_PRICE

CHAT, TTS = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_tts"]
TOOL = "webvoice_estimate_credits"
UNKNOWN_MODEL = {"prompt": "x", "model": "new"}


async def test_estimates_come_with_their_basis_and_nothing_is_sent(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    free_model = {"prompt": "x", "model": "openrouter:openrouter/free", "stream": True}
    references = {"prompt": "x", "reference_images": [LINK]}
    expected: list[tuple[str, dict[str, Any], float, str]] = [
        *[(paid.tool, paid.arguments, paid.estimate, "") for paid in PAID],
        ("webvoice_tts", {"text": "x" * 10_000, "speed": 2.0}, 3.0, "about 333 s of speech from 10000 characters"),
        ("webvoice_tts", {"text": "x", "language": "fr"}, 0.5, "0.5 per started minute"),
        ("webvoice_translate", {"text": "x" * 1001, "target_language": "it"}, 0.2, "1001 characters"),
        ("webvoice_chat", free_model, 0.0, "0 per request"),
        ("webvoice_image", {"prompt": "x", "provider": "nucleus", "num_images": 2}, 8.0, "num_images 2, 4 per image"),
        ("webvoice_image", {"prompt": "x", "provider": "gen4"}, 3.0, "with gen4 at 1080p"),
        ("webvoice_image_to_image", {"prompt": "x", "images": ["missing.png"]}, 1.0, "1 per edit"),
        ("webvoice_text_to_video", references, 26.0, "doubled for references"),
        ("webvoice_status", {}, 0.0, "this call is free"),
        ("webvoice_send_email", {"to": "a@example.com", "body": "x"}, 0.0, "this call is free"),
    ]
    upstream = Upstream({})
    async with connected(make_settings(API_KEY="", CONFIRM_ABOVE=0, MAX_CREDITS=0), upstream) as client:
        for tool, arguments, credits_, basis in expected:
            estimate = fields(await client.call_tool(TOOL, {"tool": tool, "arguments": arguments}))
            assert (estimate.get("credits"), basis in estimate["basis"]) == (credits_, True), (tool, arguments)
    assert upstream.asked == []
    assert made_in(tmp_path / "out") == {}


@pytest.mark.parametrize(
    ("listed", "credits_", "basis"),
    [
        (
            {"models": [{"id": "new", "credits_per_request": price} for price in (2, 6, 4)]},
            6.0,
            '6 per request with "new"',
        ),
        ({"models": [{"id": "old", "credits_per_request": 1}]}, None, '"new" has no price in the service\'s list'),
        (
            {"models": [{"id": "new", "credits_per_request": price} for price in (None, -1)]},
            None,
            '"new" has no price in the service\'s list',
        ),
        ({"nothing": 1}, None, "the service's list is not available: invalid_response"),
    ],
)
async def test_a_model_that_is_not_documented_is_looked_up(
    make_settings: MakeSettings, listed: dict[str, Any], credits_: float | None, basis: str
) -> None:
    upstream = Upstream(listed)
    async with connected(make_settings(), upstream) as client:
        estimate = fields(await client.call_tool(TOOL, {"tool": "webvoice_chat", "arguments": UNKNOWN_MODEL}))
    assert (estimate.get("credits"), basis in estimate["basis"]) == (credits_, True)
    assert upstream.asked == [("GET", "chat/models/")]


async def test_calls_that_would_be_refused_have_no_estimate(make_settings: MakeSettings) -> None:
    expected: list[tuple[dict[str, Any], str]] = [
        ({"tool": "webvoice_nonsense", "arguments": {}}, "invalid_argument: There is no tool 'webvoice_nonsense'."),
        ({"tool": "webvoice_tts", "arguments": {}}, "invalid_argument: text is missing"),
        ({"tool": "webvoice_tts", "arguments": {"text": "x", "speed": 9}}, "invalid_argument: speed must be"),
        ({"tool": "webvoice_tts", "arguments": {"text": "x", "y": 9}}, "invalid_argument: webvoice_tts does not know"),
        ({"tool": "webvoice_image", "arguments": {"prompt": "x", "width": 512}}, "invalid_argument: width and height"),
        ({"tool": "webvoice_tts"}, "invalid_argument: arguments is missing"),
        ({"tool": "webvoice_stt", "arguments": {"audio_path": "no.wav"}}, "file_not_found: "),
    ]
    await check_refused(make_settings(), TOOL, expected)
    not_offered = {"tool": "webvoice_tts", "arguments": {"text": "x"}}
    await check_refused(
        make_settings(TOOLSETS="chat"), TOOL, [(not_offered, "invalid_argument: webvoice_tts is switched off")]
    )


async def test_a_recording_of_unknown_length_has_no_known_price(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    (tmp_path / "out" / "odd.flac").write_bytes(FLAC_BYTES)
    arguments = {"tool": "webvoice_stt", "arguments": {"audio_path": "odd.flac"}}
    async with connected(make_settings(), Upstream({})) as client:
        estimate = fields(await client.call_tool(TOOL, arguments))
    assert estimate == {"basis": "the length of the recording is unknown"}


async def test_parallel_calls_cannot_exceed_the_budget_together(make_settings: MakeSettings) -> None:
    upstream = Upstream({**TTS.answer, "credits_used": 0.5}, hold="head")
    results: list[CallToolResult] = []
    all_refused = anyio.Event()
    async with connected(make_settings(MAX_CREDITS=10), upstream) as client:
        async with anyio.create_task_group() as group:

            async def call() -> None:
                results.append(await client.call_tool(TTS.tool, {"text": "x"}))
                if len(results) == 12:
                    all_refused.set()

            for _ in range(32):
                group.start_soon(call)
            with anyio.fail_after(PATIENCE):
                await all_refused.wait()
            upstream.release.set()
        refused = [failed(result) for result in results if result.is_error]
        assert fields(await client.call_tool("webvoice_usage", {}))["total_credits"] == 10
    assert len(refused) == 12
    assert all(text.startswith("budget_exceeded: ") for text in refused)
    assert upstream.posts == 20


async def test_every_paid_tool_needs_a_budget(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    for paid in PAID:
        upstream = Upstream(paid.answer)
        async with connected(make_settings(MAX_CREDITS=paid.estimate - 0.05), upstream) as client:
            text = failed(await client.call_tool(paid.tool, paid.arguments))
        assert text.startswith(f"budget_exceeded: This call would cost about {paid.estimate:g} credits")
        assert upstream.asked == []
    assert made_in(tmp_path / "out") == {}


async def test_free_calls_and_free_models_need_no_budget(make_settings: MakeSettings) -> None:
    free = {"prompt": "x", "model": "openrouter:openrouter/free"}
    async with connected(make_settings(MAX_CREDITS=0, CONFIRM_ABOVE=0), Upstream(CHAT.answer)) as client:
        fields(await client.call_tool("webvoice_chat", free))
        fields(await client.call_tool("webvoice_account_links", {}))
        text = failed(await client.call_tool("webvoice_translate", {"text": "x", "target_language": "it"}))
    assert text.startswith(f"budget_exceeded: This call would cost about {TRANSLATION_PRICE.credits:g} credits")


async def test_a_call_of_unknown_price_needs_a_run_without_a_budget(make_settings: MakeSettings) -> None:
    upstream = Upstream({"models": [{"id": "old", "credits_per_request": 1}]})
    async with connected(make_settings(MAX_CREDITS=100), upstream) as client:
        text = failed(await client.call_tool("webvoice_chat", UNKNOWN_MODEL))
        assert text.startswith('budget_exceeded: The price of this call is not known ("new" has no price')
    assert upstream.posts == 0
    async with connected(make_settings(), Upstream(CHAT.answer)) as client:
        fields(await client.call_tool("webvoice_chat", UNKNOWN_MODEL))


async def test_a_bill_that_is_no_number_does_not_undo_the_budget(make_settings: MakeSettings) -> None:
    for odd in (-5, float("nan"), float("inf"), "much"):
        async with connected(make_settings(MAX_CREDITS=100), Upstream({**TTS.answer, "credits_used": odd})) as client:
            await client.call_tool(TTS.tool, {"text": "x"})
            assert await left(client) == 99.5
