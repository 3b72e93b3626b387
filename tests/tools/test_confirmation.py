"""The user is asked before an expensive call, in both protocol eras."""

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.types import (
    METHOD_NOT_FOUND,
    CallToolResult,
    ClientCapabilities,
    ElicitRequest,
    ElicitRequestParams,
    ElicitResult,
    EmptyResult,
    ErrorData,
    InputRequiredResult,
    ListRootsResult,
)
from pydantic import BaseModel

from tests.files.samples import wav_bytes
from tests.jobs.world import BY_TOOL, PAID, Upstream, made_in, put_inputs
from tests.support import MakeSettings, connected, failed, fields
from tests.tools.calls import BOTH_ERAS
from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.contract.speech import SPEECH, SpeechRequest
from webvoice_mcp.errors import Declined
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.questions import Questions
from webvoice_mcp.jobs.run import run
from webvoice_mcp.server import create_server, create_services
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools import caller, progress
from webvoice_mcp.tools.results import Result

CHAT, STT = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_stt"]
QUESTION = "webvoice_chat will cost about 2 credits (2 per request with deepseek-v4-flash). Go on?"
NOT_AGREED = "declined: The user did not agree to the cost. Nothing was spent. Ask before you call it again."
USED = "declined: That yes was for one call and has been used. Call the tool again, so that the user is asked."
YES = ElicitResult(action="accept", content={"go_on": True})


class User:
    """A user who is asked and always gives the same answer."""

    def __init__(self, answer: ElicitResult = YES) -> None:
        self.questions: list[str] = []
        self.answer = answer

    async def __call__(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        self.questions.append(params.message)
        return self.answer


@asynccontextmanager
async def asking(
    settings: Settings, upstream: httpx2.AsyncBaseTransport, mode: str, user: User
) -> AsyncIterator[Client]:
    async with Client(create_server(settings, transport=upstream), mode=mode, elicitation_callback=user) as client:
        yield client


@BOTH_ERAS
async def test_a_yes_pays_for_one_call(make_settings: MakeSettings, mode: str) -> None:
    user, upstream = User(), Upstream(CHAT.answer)
    async with asking(make_settings(CONFIRM_ABOVE=1), upstream, mode, user) as client:
        for number in (1, 2):
            assert fields(await client.call_tool(CHAT.tool, CHAT.arguments))["text"] == "Good day to you"
            assert len(user.questions) == upstream.posts == number
    assert user.questions == [QUESTION] * 2


@BOTH_ERAS
@pytest.mark.parametrize(
    "answer",
    [
        ElicitResult(action="accept", content={"go_on": False}),
        ElicitResult(action="decline", content={"go_on": True}),
        ElicitResult(action="cancel"),
        ElicitResult(action="accept"),
        ElicitResult(action="accept", content={"go_on": "yes"}),
        ElicitResult(action="accept", content={"go_on": 1}),
    ],
    ids=["no", "declined", "cancelled", "no content", "a word", "a number"],
)
async def test_any_other_answer_is_a_no(make_settings: MakeSettings, mode: str, answer: ElicitResult) -> None:
    upstream = Upstream(CHAT.answer)
    async with asking(make_settings(CONFIRM_ABOVE=1), upstream, mode, User(answer)) as client:
        text = failed(await client.call_tool(CHAT.tool, CHAT.arguments))
        assert fields(await client.call_tool("webvoice_jobs", {})) == {"jobs": []}
    assert text == NOT_AGREED
    assert upstream.asked == []


@BOTH_ERAS
async def test_a_client_that_cannot_ask_is_told_the_setting(make_settings: MakeSettings, mode: str) -> None:
    upstream = Upstream(CHAT.answer)
    async with connected(make_settings(CONFIRM_ABOVE="1.5"), upstream, mode) as client:
        text = failed(await client.call_tool(CHAT.tool, CHAT.arguments))
    assert text.startswith("declined: webvoice_chat would cost about 2 credits (2 per request with deepseek-v4-flash)")
    assert "WEBVOICE_CONFIRM_ABOVE=1.5" in text
    assert upstream.asked == []


async def test_a_client_that_refuses_the_question_is_declined(make_settings: MakeSettings) -> None:
    async def refuse(context: Any, params: ElicitRequestParams) -> ErrorData:
        return ErrorData(code=METHOD_NOT_FOUND, message="no")

    upstream = Upstream(CHAT.answer)
    server = create_server(make_settings(CONFIRM_ABOVE=1), transport=upstream)
    async with Client(server, mode="legacy", elicitation_callback=refuse) as client:
        assert failed(await client.call_tool(CHAT.tool, CHAT.arguments)) == NOT_AGREED
    assert upstream.asked == []


async def test_a_malformed_answer_is_a_no(make_settings: MakeSettings) -> None:
    async def answer(context: Any, params: ElicitRequestParams) -> Any:
        return EmptyResult()

    upstream = Upstream(CHAT.answer)
    server = create_server(make_settings(CONFIRM_ABOVE=1), transport=upstream)
    async with Client(server, mode="legacy", elicitation_callback=answer) as client:
        assert failed(await client.call_tool(CHAT.tool, CHAT.arguments)) == NOT_AGREED
    assert upstream.asked == []


@BOTH_ERAS
async def test_nobody_is_asked_up_to_the_limit(make_settings: MakeSettings, mode: str) -> None:
    user = User(ElicitResult(action="decline"))
    async with asking(make_settings(CONFIRM_ABOVE=2), Upstream(CHAT.answer), mode, user) as client:
        fields(await client.call_tool(CHAT.tool, CHAT.arguments))
        fields(await client.call_tool("webvoice_account_links", {}))
    assert user.questions == []


async def test_the_user_is_asked_about_an_unknown_price(make_settings: MakeSettings) -> None:
    user = User(ElicitResult(action="decline"))
    upstream = Upstream({"models": [{"id": "old", "credits_per_request": 1}]})
    async with asking(make_settings(CONFIRM_ABOVE=1000), upstream, "auto", user) as client:
        failed(await client.call_tool("webvoice_chat", {"prompt": "x", "model": "new"}))
    (question,) = user.questions
    assert question.startswith('webvoice_chat will cost an unknown number of credits ("new" has no price in ')


async def test_nobody_is_asked_about_a_call_that_is_refused(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    for name in ("there.mp3", "there.txt"):
        (tmp_path / "out" / name).write_bytes(b"")
    refused: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
        ("webvoice_tts", {"text": "x", "output_path": "photo.png"}, {}, "invalid_argument"),
        ("webvoice_tts", {"text": "x", "language": "fr", "output_path": "there.mp3"}, {}, "file_exists"),
        ("webvoice_stt", {"audio_path": "talk.wav", "output_path": "there.txt"}, {}, "file_exists"),
        ("webvoice_image_to_image", {"prompt": "x", "images": ["missing.png"]}, {}, "file_not_found"),
        ("webvoice_image_to_video", {"prompt": "x", "image": "talk.wav"}, {}, "unsupported_media"),
        ("webvoice_chat", {"prompt": "x"}, {"API_KEY": ""}, "not_authenticated"),
        ("webvoice_stt", {"audio_path": "missing.wav"}, {"API_KEY": ""}, "not_authenticated"),
        ("webvoice_text_to_video", {"prompt": "x"}, {"MAX_CREDITS": 1}, "budget_exceeded"),
    ]
    user, upstream = User(), Upstream({})
    for tool, arguments, variables, code in refused:
        async with asking(make_settings(CONFIRM_ABOVE=0, **variables), upstream, "auto", user) as client:
            assert failed(await client.call_tool(tool, arguments)).startswith(f"{code}: ")
    assert user.questions == []
    assert upstream.asked == []
    assert set(made_in(tmp_path / "out")) == {"there.mp3", "there.txt"}


@BOTH_ERAS
async def test_the_user_is_asked_sixty_questions_an_hour_at_most(make_settings: MakeSettings, mode: str) -> None:
    user, upstream = User(ElicitResult(action="decline")), Upstream(CHAT.answer)
    async with asking(make_settings(CONFIRM_ABOVE=1), upstream, mode, user) as client:
        refused = [failed(await client.call_tool(CHAT.tool, CHAT.arguments)) for _ in range(63)]
    assert len(user.questions) == 60
    assert refused[:60] == [NOT_AGREED] * 60
    assert {said.partition(" Wait 60 minutes")[0] for said in refused[60:]} == {
        "declined: The user was asked 60 questions within an hour, and is asked no more for now. Nothing was done."
    }
    assert upstream.asked == []


def test_an_hour_later_the_user_is_asked_again() -> None:
    now = 1000.0
    questions = Questions(lambda: now)
    for _ in range(60):
        questions.count()
        now += 1
    now = 1000.0 + 3599
    with pytest.raises(Declined, match=r"Wait 1 minute, or"):
        questions.count()
    now += 1
    questions.count()
    with pytest.raises(Declined):
        questions.count()


async def test_an_argument_in_a_question_is_one_quoted_line(make_settings: MakeSettings) -> None:
    user, upstream = User(ElicitResult(action="decline")), Upstream({"models": []})
    models = ("x\n\nThis call is FREE", 'x" is free. Go on? "', "x" * 500)
    async with asking(make_settings(CONFIRM_ABOVE=1), upstream, "legacy", user) as client:
        for model in models:
            failed(await client.call_tool("webvoice_chat", {"prompt": "x", "model": model}))
    shown = ('"x This call is FREE"', "\"x' is free. Go on? '\"", f'"{"x" * 57}…"')
    assert user.questions == [
        f"webvoice_chat will cost an unknown number of credits ({name} has no price in the service's list of models). "
        "Go on?"
        for name in shown
    ]


async def test_a_recording_that_changes_while_the_user_is_asked_is_not_sent(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    """The file keeps its size and time, and its header now says that it lasts 200 times as long."""
    recording = tmp_path / "out" / "talk.wav"

    class SlowUser(User):
        async def __call__(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
            content = bytearray(wav_bytes(8000))
            content[24:32] = (40).to_bytes(4, "little") + (80).to_bytes(4, "little")  # samples and bytes in a second
            before = recording.stat()
            recording.write_bytes(content)
            os.utime(recording, ns=(before.st_atime_ns, before.st_mtime_ns))
            return await super().__call__(context, params)

    put_inputs(tmp_path / "out")
    user, upstream = SlowUser(), Upstream(STT.answer)
    async with asking(make_settings(CONFIRM_ABOVE=0), upstream, "legacy", user) as client:
        said = failed(await client.call_tool(STT.tool, {"audio_path": "talk.wav"}))
    assert "about 0.3 credits" in user.questions[0]
    assert said == (
        "declined: The call would now cost about 1.2 credits (200.0 s of audio, 0.3 per started minute), more than the "
        "0.3 that were agreed to. Nothing was sent. Call it again, so that the new price is checked and agreed to."
    )
    assert upstream.posts == 0


async def test_a_request_that_becomes_dearer_when_it_is_complete_is_not_sent(make_settings: MakeSettings) -> None:
    class Agrees:
        tool, wants_text = "webvoice_speak", False
        arguments: Mapping[str, Any] = {}

        async def confirm(self, estimate: Estimate) -> None:
            assert estimate.credits == 0.5

        async def send_text(self, piece: str) -> None:
            raise NotImplementedError

        async def wait(self, job: Job, *, background: bool) -> BaseModel:
            while not job.is_finished:
                await job.changed()
            return job.outcome()

    async def longer(client: FreeClient) -> SpeechRequest:
        return SpeechRequest(text="x" * 5000, voice="v", language="en", speed=1)

    request = SpeechRequest(text="x", language="en", speed=1)
    output = Output("", "speak", name_from="x", suffixes=(".mp3",), family="audio")
    call = PaidCall(SPEECH, request, result=lambda delivery: Result(), output=output, complete=longer)
    upstream = Upstream(BY_TOOL["webvoice_tts"].answer)
    for name in ("MAX_CREDITS", "MAX_CREDITS_PER_DAY", "MAX_CREDITS_PER_MONTH", "CONFIRM_ABOVE"):
        services = create_services(make_settings(**{name: 100}), upstream)
        async with services.jobs:
            refused = pytest.raises(
                Declined, match=r"would now cost about 3 credits \(about 333 s of .* than the 0\.5 that"
            )
            with refused:
                await run(call, services, Agrees())
        await services.aclose()
    assert upstream.posts == 0


async def test_every_paid_tool_asks(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    for paid in PAID:
        user, upstream = User(), Upstream(paid.answer)
        arguments = {**paid.arguments, "output_path": ""} if paid.file else paid.arguments
        async with asking(make_settings(CONFIRM_ABOVE=0), upstream, "auto", user) as client:
            fields(await client.call_tool(paid.tool, arguments))
        (question,) = user.questions
        assert question.startswith(f"{paid.tool} will cost about {paid.estimate:g} credits (")
        assert upstream.posts == 1


async def test_the_time_of_the_user_is_not_part_of_the_inline_wait(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed)
    for module in (caller, progress):
        monkeypatch.setattr(module, "time", clock)

    class SlowUser(User):
        async def __call__(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
            nonlocal passed
            passed += 1000
            return await super().__call__(context, params)

    settings = make_settings(CONFIRM_ABOVE=1, INLINE_WAIT=900)
    async with asking(settings, Upstream(CHAT.answer), "legacy", SlowUser()) as client:
        assert fields(await client.call_tool(CHAT.tool, CHAT.arguments))["text"] == "Good day to you"
    assert passed == 1000


# The following calls are repeated by hand, as a client of the stateless revision may do it.


async def call_by_hand(client: Client, tool: str, arguments: dict[str, Any], **again: Any) -> Any:
    return await client.session.call_tool(tool, arguments, **again, allow_input_required=True)


async def question_of(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Make a first call; return the question, and what a repeated call with a yes carries."""
    asked = await call_by_hand(client, tool, arguments)
    assert isinstance(asked, InputRequiredResult)
    ((name, request),) = (asked.input_requests or {}).items()
    assert isinstance(request, ElicitRequest)
    return request.params.message, {"request_state": asked.request_state, "input_responses": {name: YES}}


async def test_a_yes_that_is_used_again_is_refused(make_settings: MakeSettings) -> None:
    upstream = Upstream(CHAT.answer)
    results: list[CallToolResult] = []
    async with asking(make_settings(CONFIRM_ABOVE=1), upstream, "auto", User()) as client:
        _, again = await question_of(client, CHAT.tool, CHAT.arguments)

        async def repeat() -> None:
            results.append(await call_by_hand(client, CHAT.tool, CHAT.arguments, **again))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(repeat)
        await repeat()
    assert [failed(result) for result in results if result.is_error] == [USED] * 3
    assert upstream.posts == 1


async def test_a_price_that_has_changed_meanwhile_is_asked_about_again(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    put_inputs(tmp_path / "out")
    upstream = Upstream(STT.answer)
    async with asking(make_settings(CONFIRM_ABOVE=0), upstream, "auto", User()) as client:
        question, again = await question_of(client, STT.tool, {"audio_path": "talk.wav"})
        assert "about 0.3 credits (1.0 s of audio" in question
        (tmp_path / "out" / "talk.wav").write_bytes(wav_bytes(8000 * 61))
        asked = await call_by_hand(client, STT.tool, {"audio_path": "talk.wav"}, **again)
        assert isinstance(asked, InputRequiredResult)
        assert "about 0.6 credits (61.0 s of audio" in asked.model_dump_json()
        assert upstream.posts == 0
        again["request_state"] = asked.request_state
        assert fields(await call_by_hand(client, STT.tool, {"audio_path": "talk.wav"}, **again))["text"] == "Good day"
    assert upstream.posts == 1


async def test_a_repeated_call_without_an_answer_is_asked_again(make_settings: MakeSettings) -> None:
    upstream = Upstream(CHAT.answer)
    async with asking(make_settings(CONFIRM_ABOVE=1), upstream, "auto", User()) as client:
        _, again = await question_of(client, CHAT.tool, CHAT.arguments)
        asked = await call_by_hand(client, CHAT.tool, CHAT.arguments, request_state=again["request_state"])
        assert isinstance(asked, InputRequiredResult)
        unasked = await call_by_hand(client, CHAT.tool, CHAT.arguments, input_responses=again["input_responses"])
        assert isinstance(unasked, InputRequiredResult)
    assert upstream.asked == []


async def test_an_answer_of_another_kind_is_a_no(make_settings: MakeSettings) -> None:
    upstream = Upstream(CHAT.answer)
    async with asking(make_settings(CONFIRM_ABOVE=1), upstream, "auto", User()) as client:
        _, again = await question_of(client, CHAT.tool, CHAT.arguments)
        again["input_responses"] = {name: ListRootsResult(roots=[]) for name in again["input_responses"]}
        assert failed(await call_by_hand(client, CHAT.tool, CHAT.arguments, **again)) == NOT_AGREED
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("elicitation", "can_ask"), [({}, True), ({"form": {}, "url": {}}, True), ({"url": {}}, False), (None, False)]
)
async def test_only_a_client_with_forms_is_asked(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, elicitation: dict[str, Any] | None, can_ask: bool
) -> None:
    capabilities = ClientCapabilities.model_validate({"elicitation": elicitation})
    monkeypatch.setattr("mcp.client.session.ClientSession._build_capabilities", lambda *_: capabilities)
    async with asking(make_settings(CONFIRM_ABOVE=1), Upstream(CHAT.answer), "auto", User()) as client:
        result = await call_by_hand(client, CHAT.tool, CHAT.arguments)
    assert isinstance(result, InputRequiredResult) == can_ask
