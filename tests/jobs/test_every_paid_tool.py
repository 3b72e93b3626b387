"""The rule about money: what is paid is priced, asked about, budgeted, recorded and finished, whatever the tool."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.jobs.world import BY_TOOL, PAID, Upstream, last_job, left, made_in, put_inputs, rows
from tests.support import MakeSettings, connected, failed, fields
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract import account, chat, image, messaging, speech, translation, video
from webvoice_mcp.contract.endpoint import Billed, Empty, Endpoint, FreeEndpoint, PaidEndpoint, Reply
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.contract.speech import SPEECH, SpeechRequest
from webvoice_mcp.contract.translation import TRANSLATION, TranslationRequest
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.server import create_services
from webvoice_mcp.tools.catalogue import TOOLSETS
from webvoice_mcp.tools.results import Result
from webvoice_mcp.tools.toolset import READS, ToolSet

ENDPOINTS = [
    value
    for family in (account, chat, image, messaging, speech, translation, video)
    for value in vars(family).values()
    if isinstance(value, Endpoint)
]
TOOLS = [tool for toolset in TOOLSETS for tool in toolset.tools]


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    put_inputs(tmp_path / "out")
    yield tmp_path / "out"
    assert not [name for name in made_in(tmp_path / "out") if name.endswith(".part")]


def test_every_paid_endpoint_has_a_tool_and_every_paid_tool_is_tested() -> None:
    paid = [endpoint for endpoint in ENDPOINTS if endpoint.paid]
    assert {endpoint.path for tool in TOOLS if tool.is_paid for endpoint in tool.endpoints if endpoint.paid} == {
        endpoint.path for endpoint in paid
    }
    assert sorted(BY_TOOL) == sorted(tool.name for tool in TOOLS if tool.is_paid)
    assert all(isinstance(endpoint, PaidEndpoint | FreeEndpoint) for endpoint in ENDPOINTS)


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        ("CONFIRM_ABOVE", "declined: {tool} would cost about {estimate:g} credits "),
        ("MAX_CREDITS", "budget_exceeded: This call would cost about {estimate:g} credits "),
    ],
)
async def test_every_paid_tool_is_asked_about_and_budgeted_before_any_request(
    make_settings: MakeSettings, out: Path, limit: str, error: str
) -> None:
    upstream = Upstream({})
    async with connected(make_settings(**{limit: 0}), upstream) as client:
        for paid in PAID:
            message = failed(await client.call_tool(paid.tool, paid.arguments))
            assert message.startswith(error.format(tool=paid.tool, estimate=paid.estimate))
    assert upstream.asked == []
    assert made_in(out) == {}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_every_paid_tool_is_recorded_and_finished(
    make_settings: MakeSettings, tmp_path: Path, out: Path, mode: str
) -> None:
    for number, paid in enumerate(PAID):
        async with connected(make_settings(MAX_CREDITS=100, INLINE_IMAGES=0), Upstream(paid.answer), mode) as client:
            estimate = fields(
                await client.call_tool("webvoice_estimate_credits", {"tool": paid.tool, "arguments": paid.arguments})
            )
            assert estimate["credits"] == paid.estimate
            result = fields(await client.call_tool(paid.tool, paid.arguments))
            job = await last_job(client)
            assert (job["tool"], job["state"], job["result"]) == (paid.tool, "done", result)
            assert await left(client) == pytest.approx(100 - paid.credits)
        row = rows(tmp_path / "state")[number]
        assert (row["tool"], row["state"], row["credits"]) == (paid.tool, "done", paid.credits)
        assert row["estimate"] == paid.estimate
        assert made_in(out) == ({paid.file: paid.content} if paid.file else {})
        for name in made_in(out):
            (out / name).unlink()


def test_a_paid_endpoint_without_a_price_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="price"):
        PaidEndpoint("POST", "new/", Empty, Billed)  # type: ignore[call-arg]  # the mistake


def test_an_endpoint_whose_reply_carries_a_bill_cannot_be_declared_free() -> None:
    with pytest.raises(TypeError, match="must be a PaidEndpoint with a price"):
        FreeEndpoint("POST", "new/", Empty, Billed)


@pytest.mark.parametrize("traits", [{"media": frozenset({"audio"})}, {"file_field": "audio"}])
def test_an_endpoint_that_carries_files_cannot_be_declared_free(traits: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="must be a PaidEndpoint with a price"):
        FreeEndpoint("POST", "new/", Empty, Reply, **traits)


def test_an_endpoint_is_free_or_paid() -> None:
    with pytest.raises(TypeError, match="must be a FreeEndpoint or a PaidEndpoint"):
        Endpoint("POST", "new/", Empty, Reply)


def test_no_tool_can_ask_for_a_client_that_pays() -> None:
    async def free(*, client: Client) -> Result:
        raise NotImplementedError

    with pytest.raises(TypeError, match="free asks for client, whose type no server provides"):
        ToolSet("new").free(title="", effect=READS)(free)


def test_a_paid_endpoint_whose_reply_carries_no_bill_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="must be able to carry a bill"):
        PaidEndpoint("POST", "new/", Empty, Reply, price=lambda _request, _seconds: Estimate(1, "one"))


async def test_a_paid_endpoint_cannot_be_called_as_a_free_one(make_settings: MakeSettings) -> None:
    services = create_services(make_settings(), Upstream({}))
    call: Any = services.client.call
    request = translation.TranslationRequest(text="x", target_language="it")
    with pytest.raises(TypeError, match="return a PaidCall"):
        await call(translation.TRANSLATION, request)
    await services.aclose()


def test_a_call_that_could_only_fail_after_payment_cannot_be_made() -> None:
    out = Output("x", "t", name_from="", suffixes=(".txt",), family="text")
    speech_request = SpeechRequest(text="x", language="it", speed=1)
    translation_request = TranslationRequest(text="x", target_language="it")
    for endpoint, request, output, message in (
        (SPEECH, translation_request, out, "tts/ takes a SpeechRequest"),
        (SPEECH, speech_request, None, "tts/ delivers media, so the call needs an output"),
        (
            TRANSLATION,
            translation_request,
            out,
            "translation/ delivers no media, so it takes no output and no files",
        ),
    ):
        with pytest.raises(TypeError, match=f"^{message}$"):
            PaidCall(endpoint, request, result=lambda delivery: delivery.reply, output=output)


async def test_a_paid_tool_cannot_use_another_endpoint(make_settings: MakeSettings) -> None:
    tools = ToolSet("new")

    @tools.paid(SPEECH, title="Other")
    async def webvoice_other() -> PaidCall[Result]:
        """Use an endpoint for which it is not registered."""
        request = TranslationRequest(text="x", target_language="it")
        return PaidCall(TRANSLATION, request, result=lambda delivery: Result())

    services = create_services(make_settings(), Upstream({}))
    context = SimpleNamespace(request_context=SimpleNamespace(lifespan_context=services))
    with pytest.raises(TypeError, match=r"^webvoice_other is not registered for translation/$"):
        await tools.tools[0].sdk_tool().fn(context=context)
