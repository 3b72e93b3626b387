"""A recording is opened once: what was judged, priced and agreed to is what is sent."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from tests.files.recordings import mp3, wav
from tests.files.samples import put
from tests.jobs.world import BY_TOOL, rows
from tests.support import MakeSettings, ScriptedTransport, answer, failed, fields, form
from tests.tools.calls import BOTH_ERAS
from webvoice_mcp.server import create_server

STT = BY_TOOL["webvoice_stt"]
CALL = {"audio_path": "talk.wav"}
SHORT, LONG = wav(1), wav(600)


class User:
    """A user who says yes after something else has happened."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.questions: list[str] = []
        self.meanwhile = meanwhile

    async def __call__(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        self.questions.append(params.message)
        self.meanwhile()
        return ElicitResult(action="accept", content={"go_on": True})


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not replace a file that is open")
async def test_a_recording_put_in_place_during_the_question_is_not_sent(make_settings: MakeSettings, out: Path) -> None:
    put(out / "talk.wav", SHORT)
    put(out / "long.wav", LONG)
    user = User(lambda: (out / "long.wav").replace(out / "talk.wav"))
    service = ScriptedTransport(answer(STT.answer))
    server = create_server(make_settings(CONFIRM_ABOVE=0.1), transport=service)
    async with Client(server, mode="legacy", elicitation_callback=user) as client:
        fields(await client.call_tool("webvoice_stt", CALL))
    assert "about 0.3 credits" in user.questions[0]
    assert form(service.requests[0], service.bodies[0])[-1][-1] == SHORT


async def test_a_recording_changed_during_the_question_is_not_sent(
    make_settings: MakeSettings, out: Path, tmp_path: Path
) -> None:
    put(out / "talk.wav", SHORT)
    user = User(lambda: (out / "talk.wav").write_bytes(LONG))
    service = ScriptedTransport()
    server = create_server(make_settings(CONFIRM_ABOVE=0.1), transport=service)
    async with Client(server, mode="legacy", elicitation_callback=user) as client:
        assert failed(await client.call_tool("webvoice_stt", CALL)) == (
            f"disk_error: {out / 'talk.wav'} changed after it was checked, so nothing was sent."
            " Try again when it is complete."
        )
    assert service.requests == []
    assert rows(tmp_path / "state") == []


@BOTH_ERAS
async def test_a_false_header_does_not_avoid_the_question(make_settings: MakeSettings, out: Path, mode: str) -> None:
    put(out / "talk.wav", mp3(13_800, stated_frames=10))  # six minutes
    user, service = User(), ScriptedTransport(answer(STT.answer))
    server = create_server(make_settings(CONFIRM_ABOVE=0.5), transport=service)
    async with Client(server, mode=mode, elicitation_callback=user) as client:
        fields(await client.call_tool("webvoice_stt", CALL))
    assert ["the length of the recording is unknown" in question for question in user.questions] == [True]


async def test_a_recording_of_unknown_length_is_sent_if_nothing_limits_its_price(
    make_settings: MakeSettings, out: Path
) -> None:
    put(out / "talk.wav", mp3(100, stated_frames=10))
    service = ScriptedTransport(answer(STT.answer))
    async with Client(create_server(make_settings(), transport=service)) as client:
        assert fields(await client.call_tool("webvoice_stt", CALL))["text"] == "Good day"


@pytest.mark.skipif(sys.platform != "linux", reason="waits for the moment after the check of an open file's path")
async def test_a_pipe_in_place_of_the_recording_stops_no_estimate(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(out / "talk.wav", SHORT)
    original = os.readlink

    def swap_for_a_pipe(link: Any) -> str:
        path: str = original(link)
        if path == str(out / "talk.wav"):
            (out / "talk.wav").unlink()
            os.mkfifo(out / "talk.wav")
        return path

    async with Client(create_server(make_settings(), transport=ScriptedTransport())) as client:
        asked = {"tool": "webvoice_stt", "arguments": CALL}
        monkeypatch.setattr("os.readlink", swap_for_a_pipe)
        with anyio.fail_after(10):
            assert fields(await client.call_tool("webvoice_estimate_credits", asked))["credits"] == 0.3
    assert (out / "talk.wav").is_fifo()
