"""Progress notifications."""

import time
from types import SimpleNamespace
from typing import Any, cast

import anyio
import httpx2
import pytest
from mcp.server.mcpserver import Context

from tests.jobs.world import BY_TOOL, Upstream
from tests.support import MakeSettings, ScriptedTransport, connected, events, fields
from tests.tools.clock import Clock
from webvoice_mcp.contract.estimate import FREE
from webvoice_mcp.jobs.budget import Budget
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.tools import progress
from webvoice_mcp.tools.progress import Progress

TTS = BY_TOOL["webvoice_tts"]
MIB = 1024 * 1024


class Received:
    """The notifications that a caller received."""

    def __init__(self) -> None:
        self.all: list[tuple[float, float | None, str]] = []
        self._next = anyio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.all.append((progress, total, message or ""))
        self._next.set()
        self._next = anyio.Event()

    async def wait(self) -> None:
        """Wait for the next notification."""
        await self._next.wait()


def progress_of(clock: Clock, *, token: str | None = "t") -> tuple[Progress, list[tuple[float, float | None, str]]]:
    """Return the progress of a request, and the list that its notifications are added to."""
    sent: list[tuple[float, float | None, str]] = []

    async def report_progress(progress: float, total: float | None, message: str) -> None:
        sent.append((progress, total, message))

    meta = {"progress_token": token} if token else None
    context = SimpleNamespace(request_context=SimpleNamespace(meta=meta), report_progress=report_progress)
    return Progress(cast("Context[Any, Any]", context), clock=clock), sent


def new_job() -> Job:
    return Job("webvoice_tts", FREE, Budget(None).reserve(FREE))


async def test_the_first_notification_comes_in_a_second_and_others_in_five() -> None:
    clock = Clock()
    progress, sent = progress_of(clock)
    job = new_job()
    assert 0.5 < progress.due - clock.now < 1
    await progress.send_due(job)
    assert sent == []
    for longest in (1, 5, 5):
        count = len(sent)
        wait = progress.due - clock.now
        assert longest - 1 < wait < longest
        clock.now = progress.due
        await progress.send_due(job)
        assert len(sent) == count + 1


async def test_bytes_are_reported_and_the_number_only_rises() -> None:
    clock = Clock()
    progress, sent = progress_of(clock)
    job = new_job()
    expected = [
        (0, None, None, "webvoice_tts: 0 s so far"),
        (MIB, 3 * MIB, 3 * MIB, "webvoice_tts: 1.0 of 3.0 MiB received"),
        (2 * MIB, None, None, "webvoice_tts: 2.0 MiB received"),
        (2 * MIB, MIB, None, "webvoice_tts: 2.0 MiB received"),  # more than the service said
        (3 * MIB, 3 * MIB, 3 * MIB, "webvoice_tts: 3.0 of 3.0 MiB received"),
        (3 * MIB, 3 * MIB, None, "webvoice_tts: 3.0 of 3.0 MiB received"),  # the number is beyond the total by now
    ]
    for received, total, sent_total, message in expected:
        job.record_received(received, total)
        clock.now = progress.due
        await progress.send_due(job)
        assert sent[-1][1:] == (sent_total, message)
    numbers = [number for number, _, _ in sent]
    assert numbers == sorted(set(numbers))
    assert int(numbers[-1]) == 3 * MIB


async def test_text_is_sent_in_few_pieces_and_counts_its_characters() -> None:
    clock = Clock()
    progress, sent = progress_of(clock)
    woken = []
    progress.on_text = lambda: woken.append(clock.now)
    job = new_job()
    for piece in ("one ", "two "):
        progress.add_text(piece)
    assert (woken, progress.due) == ([clock.now], clock.now)
    await progress.send_due(job)
    assert sent == [(8.0, None, "one two ")]
    progress.add_text("three")
    assert clock.now < progress.due < clock.now + 1
    await progress.send_due(job)
    assert len(sent) == 1
    await progress.finish()
    assert sent[1:] == [(13.0, None, "three")]
    await progress.finish()
    assert len(sent) == 2


async def test_parts_are_counted_and_told_as_they_come() -> None:
    clock = Clock()
    progress, sent = progress_of(clock)
    job = new_job()
    job.parts = 4
    clock.now += 1
    await progress.send_due(job)
    clock.now += 5
    job.parts_done = 1
    await progress.send_due(job)
    for done in (1, 2, 4):  # without waiting for the next time, as soon as another part is done
        clock.now += 0.1
        job.parts_done = done
        await progress.send_due(job)
    assert [(total, message) for _, total, message in sent] == [
        (4, f"webvoice_tts: {done} of 4 parts") for done in (0, 1, 2, 4)
    ]
    assert [round(number) for number, _, _ in sent] == [0, 1, 2, 4]


async def test_a_caller_who_did_not_ask_gets_nothing() -> None:
    clock = Clock()
    progress, sent = progress_of(clock, token=None)
    progress.add_text("one")
    assert (progress.is_wanted, progress.due) == (False, float("inf"))
    clock.now += 100
    await progress.send_due(new_job())
    await progress.finish()
    assert sent == []


async def test_a_call_reports_seconds_and_then_bytes(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_FIRST_SECONDS", 0.02)
    monkeypatch.setattr(progress, "_INTERVAL_SECONDS", 0.02)
    received, upstream = Received(), Upstream(TTS.answer, hold="head")
    async with connected(make_settings(), upstream, "legacy") as client, anyio.create_task_group() as group:

        async def call() -> None:
            fields(await client.call_tool(TTS.tool, {"text": "x"}, progress_callback=received))
            count = len(received.all)
            await client.call_tool("webvoice_account_links", {})
            assert len(received.all) == count  # none after the answer

        group.start_soon(call)
        await received.wait()
        upstream.here = anyio.Event()
        held, upstream.release = upstream.release, anyio.Event()
        upstream.hold = "body"
        held.set()
        await upstream.here.wait()
        await received.wait()
        await received.wait()
        upstream.release.set()
    assert received.all[0][1:] == (None, "webvoice_tts: 0 s so far")
    size = len(upstream.body)
    assert (size, "webvoice_tts: 0.0 of 0.0 MiB received") in [(total, text) for _, total, text in received.all]
    assert received.all[-1][0] >= size // 2


async def test_a_caller_who_waits_for_a_job_gets_progress_too(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_FIRST_SECONDS", 0.02)
    received, upstream = Received(), Upstream(TTS.answer, hold="head")
    async with connected(make_settings(), upstream, "legacy") as client, anyio.create_task_group() as group:
        answer = fields(await client.call_tool(TTS.tool, {"text": "x", "background": True}))

        async def wait() -> None:
            arguments = {"job_id": answer["job_id"], "wait_seconds": 45}
            await client.call_tool("webvoice_jobs", arguments, progress_callback=received)

        group.start_soon(wait)
        await received.wait()
        upstream.release.set()
    assert received.all[0][2].startswith("webvoice_tts: ")


async def test_streamed_text_arrives_whole_in_few_notifications(make_settings: MakeSettings) -> None:
    def event(text: str, finish: str = "null") -> str:
        return f'{{"id":"c1","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}'

    words = [f"word{number} " for number in range(500)]
    reply: httpx2.Response = events(*map(event, words), event("end.", '"stop"'), "[DONE]")
    received = Received()
    started = time.monotonic()
    async with connected(make_settings(), ScriptedTransport(reply), "legacy") as client:
        result = fields(await client.call_tool("webvoice_chat", {"prompt": "x"}, progress_callback=received))
    assert "".join(message for _, _, message in received.all) == result["text"] == "".join(words) + "end."
    assert len(received.all) <= 3 + 10 * (time.monotonic() - started)


async def test_an_answer_does_not_follow_a_notification_at_once(make_settings: MakeSettings) -> None:
    received, upstream = Received(), Upstream(TTS.answer, hold="head")
    notified_at = []

    async def note_time(progress: float, total: float | None, message: str | None) -> None:
        notified_at.append(time.monotonic())
        await received(progress, total, message)

    async with connected(make_settings(), upstream, "legacy") as client, anyio.create_task_group() as group:

        async def call() -> None:
            fields(await client.call_tool(TTS.tool, {"text": "x"}, progress_callback=note_time))
            assert time.monotonic() - notified_at[-1] > 0.09

        group.start_soon(call)
        await received.wait()
        upstream.release.set()
