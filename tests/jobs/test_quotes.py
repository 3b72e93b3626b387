"""Quotes: how often the service is asked, and what a recording tells."""

import time
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.files.samples import FLAC_BYTES, MP3_BYTES, wav_bytes
from tests.jobs.world import Upstream
from tests.support import MakeSettings
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.chat import ChatRequest
from webvoice_mcp.contract.speech import TranscriptionRequest
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.jobs.estimates import Quotes

NEW = ChatRequest(model="new", messages=[])
LISTED = {"models": [{"id": "new", "credits_per_request": 4}]}


class Clock:
    now = 50_000.0

    def __call__(self) -> float:
        return self.now


def quotes(make_settings: MakeSettings, answer: dict[str, Any], clock: Clock) -> tuple[Quotes, Upstream]:
    settings, upstream = make_settings(), Upstream(answer)
    keys = Keys(settings, KeyStore(settings.credentials_file))
    return Quotes(Client(settings, keys, transport=upstream), clock=clock), upstream


async def test_the_list_of_models_is_asked_for_once_an_hour_however_many_want_it(make_settings: MakeSettings) -> None:
    clock = Clock()
    made, upstream = quotes(make_settings, LISTED, clock)
    found: list[Estimate] = []

    async def ask() -> None:
        found.append(await made.of(NEW))

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(ask)
    assert found == [Estimate(4.0, "4 a request with new")] * 8
    clock.now += 3599
    await made.of(NEW)
    assert len(upstream.asked) == 1
    clock.now += 1
    await made.of(NEW)
    assert len(upstream.asked) == 2


async def test_where_the_service_is_not_to_be_asked_a_list_that_is_there_is_used(make_settings: MakeSettings) -> None:
    made, upstream = quotes(make_settings, LISTED, Clock())
    assert await made.of(NEW, ask=False) == Estimate(None, "new is not in the documented list of models")
    assert upstream.asked == []
    await made.of(NEW)
    assert (await made.of(NEW, ask=False)).credits == 4.0


async def test_a_list_that_cannot_be_had_is_asked_for_again(make_settings: MakeSettings) -> None:
    made, upstream = quotes(make_settings, {"nothing": 1}, Clock())
    for _ in range(2):
        assert (await made.of(NEW)).credits is None
    assert len(upstream.asked) == 2


def long_mp3() -> bytes:
    return MP3_BYTES[: len(MP3_BYTES) // 3] * 2400  # 62.7 s of 128 kbit/s


@pytest.mark.parametrize(
    ("content", "credits_"),
    [
        (wav_bytes(8000), 0.3),
        (wav_bytes(8000 * 61), 0.6),
        (wav_bytes(0), None),
        (long_mp3(), 0.6),
        (FLAC_BYTES, None),
        (b"", None),
        (b"RIFF\x24\0\0\0WAVEfmt \xff\xff\xff\xff", None),
        (None, None),
    ],
    ids=["a second", "over a minute", "no sound", "mp3 over a minute", "no length", "empty", "cut", "gone"],
)
async def test_a_recordings_own_length_is_what_counts(
    make_settings: MakeSettings, tmp_path: Path, content: bytes | None, credits_: float | None
) -> None:
    made, upstream = quotes(make_settings, {}, Clock())
    recording = tmp_path / "says it is.mp3"
    if content is not None:
        recording.write_bytes(content)
    assert (await made.of(TranscriptionRequest(), recording)).credits == credits_
    assert upstream.asked == []


async def test_a_recording_is_looked_at_in_a_thread_of_its_own(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_run = anyio.to_thread.run_sync

    async def without_shared_ones(*work: Any, limiter: anyio.CapacityLimiter | None = None) -> Any:
        assert limiter is not None
        return await really_run(*work, limiter=limiter)

    monkeypatch.setattr("anyio.to_thread.run_sync", without_shared_ones)
    made, _ = quotes(make_settings, {}, Clock())
    (tmp_path / "a.wav").write_bytes(wav_bytes())
    assert (await made.of(TranscriptionRequest(), tmp_path / "a.wav")).credits == 0.3


async def test_what_only_begins_like_a_recording_is_not_searched_for_its_end(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    made, _ = quotes(make_settings, {}, Clock())
    recording = tmp_path / "endless.mp3"
    recording.write_bytes(MP3_BYTES)
    with recording.open("r+b") as file:
        file.truncate(200 << 20)
    began = time.monotonic()
    assert (await made.of(TranscriptionRequest(), recording)).credits is None
    assert time.monotonic() - began < 10  # without a limit it is a minute
