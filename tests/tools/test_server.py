"""The server from its start to its end."""

from pathlib import Path

import anyio
import pytest
from mcp import Client

from tests.jobs.world import BY_TOOL, Upstream, ended, made_in, rows
from tests.support import MakeSettings, connected, fields
from webvoice_mcp import __version__
from webvoice_mcp.server import create_server

TTS = BY_TOOL["webvoice_tts"]
IN_BACKGROUND = {**TTS.arguments, "background": True}


class Shutdown:
    """Ends the server after one look at `is_forced`, or lets its jobs finish."""

    def __init__(self, upstream: Upstream, *, forced: bool) -> None:
        self.looks = 0
        self.ended = 0
        self._upstream = upstream
        self._forced = forced

    def is_forced(self) -> bool:
        self.looks += 1
        if not self._forced and self.looks == 2:
            self._upstream.release.set()
        return self._forced

    def jobs_ended(self) -> None:
        self.ended += 1


async def test_the_server_introduces_itself(make_settings: MakeSettings) -> None:
    async with connected(make_settings(BASE_URL="https://site.example/api/v1"), Upstream({}), "legacy") as client:
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.title) == ("webvoice", "WebVoice")
        assert (client.server_info.version, client.server_info.website_url) == (__version__, "https://site.example")
        assert "webvoice_register_send_code" in (client.instructions or "")


async def test_only_tools_of_the_chosen_families_are_offered(make_settings: MakeSettings) -> None:
    async with connected(make_settings(TOOLSETS="translation"), Upstream({})) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert names[-1] == "webvoice_translate"
    assert "webvoice_status" in names
    assert "webvoice_tts" not in names


async def test_running_jobs_are_finished_when_the_server_ends(make_settings: MakeSettings, tmp_path: Path) -> None:
    upstream = Upstream(TTS.answer, hold="head")
    client_left = anyio.Event()

    async def release() -> None:
        await client_left.wait()
        upstream.release.set()

    async with anyio.create_task_group() as group:
        group.start_soon(release)
        async with connected(make_settings(), upstream) as client:
            fields(await client.call_tool(TTS.tool, IN_BACKGROUND))
            await upstream.here.wait()
            client_left.set()
    assert made_in(tmp_path / "out") == {"made.mp3": TTS.content}
    assert [row["state"] for row in rows(tmp_path / "state")] == ["done"]


async def test_a_job_that_outlasts_the_grace_is_interrupted(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webvoice_mcp.jobs.services.GRACE_SECONDS", 0.05)
    upstream = Upstream(TTS.answer, hold="body")
    async with connected(make_settings(), upstream) as client:
        answer = fields(await client.call_tool(TTS.tool, IN_BACKGROUND))
    assert upstream.closed == 1
    assert made_in(tmp_path / "out") == {}
    async with connected(make_settings(), Upstream({})) as client:
        job = await ended(client, answer["job_id"])
    assert job["state"] == "interrupted"
    assert job["error"]["code"] == "interrupted"
    assert "Credits may have been spent" in job["error"]["message"]


@pytest.mark.parametrize(("forced", "state"), [(True, "interrupted"), (False, "done")])
async def test_a_shutdown_waits_for_jobs_unless_it_is_forced(
    make_settings: MakeSettings, tmp_path: Path, forced: bool, state: str
) -> None:
    upstream = Upstream(TTS.answer, hold="body")
    shutdown = Shutdown(upstream, forced=forced)
    server = create_server(make_settings(), transport=upstream, shutdown=shutdown)
    async with Client(server) as client:
        fields(await client.call_tool(TTS.tool, IN_BACKGROUND))
        await upstream.here.wait()
    assert [row["state"] for row in rows(tmp_path / "state")] == [state]
    assert made_in(tmp_path / "out") == ({} if forced else {"made.mp3": TTS.content})
    assert (shutdown.looks == 1, shutdown.ended) == (forced, 1)


async def test_a_shutdown_does_not_wait_longer_than_the_grace(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("server", "jobs.services"):
        monkeypatch.setattr(f"webvoice_mcp.{module}.GRACE_SECONDS", 0.05)
    upstream = Upstream(TTS.answer, hold="body")
    shutdown = Shutdown(Upstream({}), forced=False)
    async with Client(create_server(make_settings(), transport=upstream, shutdown=shutdown)) as client:
        fields(await client.call_tool(TTS.tool, IN_BACKGROUND))
        await upstream.here.wait()
    assert [row["state"] for row in rows(tmp_path / "state")] == ["interrupted"]
    assert shutdown.ended == 1
