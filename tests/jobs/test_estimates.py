"""Estimates that need a look at a recording or at the service's list of models."""

import time
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.files.recordings import mp3, wav
from tests.files.samples import FLAC_BYTES, MP3_BYTES, put, wav_bytes
from tests.jobs.world import Upstream
from tests.support import MakeSettings, connected, fields
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.chat import CHAT, ChatRequest
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.files import Files
from webvoice_mcp.jobs.estimates import Estimates
from webvoice_mcp.keystore import KeyStore

NEW = ChatRequest(model="new", messages=[{"role": "user", "content": "x"}])
LISTED = {"models": [{"id": "new", "credits_per_request": 4}]}


class Clock:
    now = 50_000.0

    def __call__(self) -> float:
        return self.now


class World:
    """Estimates against a service that gives one answer."""

    def __init__(self, make_settings: MakeSettings, answer: dict[str, Any]) -> None:
        settings = make_settings()
        self.clock = Clock()
        self.upstream = Upstream(answer)
        keys = Keys(settings, KeyStore(settings.credentials_file))
        self.estimates = Estimates(Client(settings, keys, transport=self.upstream), clock=self.clock)

    async def chat(self, *, ask: bool = True) -> Estimate:
        return await self.estimates.estimate(CHAT, NEW, None, ask=ask)


async def test_the_list_of_models_is_fetched_once_an_hour_for_all(make_settings: MakeSettings) -> None:
    world = World(make_settings, LISTED)
    estimates: list[Estimate] = []

    async def estimate() -> None:
        estimates.append(await world.chat())

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(estimate)
    assert estimates == [Estimate(4.0, '4 per request with "new"')] * 8
    world.clock.now += 3599
    await world.chat()
    assert len(world.upstream.asked) == 1
    world.clock.now += 1
    await world.chat()
    assert len(world.upstream.asked) == 2


async def test_a_cached_list_is_used_even_when_nothing_may_be_asked(make_settings: MakeSettings) -> None:
    world = World(make_settings, LISTED)
    assert await world.chat(ask=False) == Estimate(None, '"new" is not in the documented list of models')
    assert world.upstream.asked == []
    await world.chat()
    assert (await world.chat(ask=False)).credits == 4.0


async def test_a_list_that_could_not_be_fetched_is_fetched_again(make_settings: MakeSettings) -> None:
    world = World(make_settings, {"nothing": 1})
    for _ in range(2):
        assert (await world.chat()).credits is None
    assert len(world.upstream.asked) == 2


@pytest.mark.parametrize(
    ("content", "credits_"),
    [
        (wav_bytes(8000), 0.3),
        (wav_bytes(8000 * 61), 0.6),
        (wav_bytes(0), None),
        (mp3(2400), 0.6),
        (wav(5, size=0xFFFFFFFF), 0.3),
        (mp3(14_000, stated_frames=10), None),
        (FLAC_BYTES, None),
    ],
    ids=[
        "a second",
        "over a minute",
        "no sound",
        "mp3 over a minute",
        "from a pipe",
        "a header that lies",
        "no length",
    ],
)
async def test_a_transcription_is_priced_by_the_recordings_content(
    make_settings: MakeSettings, out: Path, content: bytes, credits_: float | None
) -> None:
    put(out / "named.mp3", content)
    async with connected(make_settings(), Upstream({})) as client:
        asked = {"tool": "webvoice_stt", "arguments": {"audio_path": "named.mp3"}}
        assert fields(await client.call_tool("webvoice_estimate_credits", asked)).get("credits") == credits_


async def test_recordings_are_never_read_on_the_shared_threads(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sync = anyio.to_thread.run_sync

    async def with_own_limiter(*work: Any, limiter: anyio.CapacityLimiter | None = None) -> Any:
        assert limiter is not None
        return await run_sync(*work, limiter=limiter)

    put(out / "a.wav", wav_bytes())
    monkeypatch.setattr("anyio.to_thread.run_sync", with_own_limiter)
    async with Files(make_settings()).open_input("a.wav", family="audio", argument="audio_path") as recording:
        assert await recording.seconds() == 100 / 8000


@pytest.mark.slow
@pytest.mark.untraced
async def test_a_damaged_recording_is_not_searched_for_minutes(make_settings: MakeSettings, out: Path) -> None:
    put(out / "endless.mp3", MP3_BYTES + b"\xff\xfb\x90\x00" * (40 << 20))
    started = time.monotonic()
    async with Files(make_settings()).open_input("endless.mp3", family="audio", argument="audio_path") as recording:
        assert await recording.seconds() is None
    assert time.monotonic() - started < 30  # minutes without the limit
