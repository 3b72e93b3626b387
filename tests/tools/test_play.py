"""Playing: one file at a time, by a program of the system, which ends with the server."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.files.samples import MP3_BYTES, PNG_BYTES, mp4_bytes, wav_bytes
from tests.support import CANARY, MakeSettings, ScriptedTransport, connected, failed, fields

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the players of these tests are scripts of POSIX")
if os.name != "nt":
    from tests.studio.players import Players

PLAY = "webvoice_play"
INSTALL = "Install ffmpeg (its ffplay plays all kinds) or mpv, or open the file in another program."


@pytest.fixture
def players(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Players":
    """An empty folder of players, the only one on PATH."""
    found = Players(tmp_path / "players")
    monkeypatch.setenv("PATH", str(found.folder))
    return found


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a player take its time to end at once, since a machine may be busy."""
    monkeypatch.setattr("webvoice_mcp.studio.player._FAILURE_SECONDS", 60)


@pytest.fixture(autouse=True)
def _media(out: Path) -> None:
    out.mkdir()
    files = {"a.mp3": MP3_BYTES, "b.mp3": MP3_BYTES, "a.wav": wav_bytes(), "film.mp4": mp4_bytes(b"isom", b"vide")}
    for name, content in files.items():
        (out / name).write_bytes(content)


class Caller:
    """Calls the tool on one server."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def play(self, path: str) -> dict[str, Any]:
        return fields(await self._client.call_tool(PLAY, {"path": path}))

    async def stop(self) -> dict[str, Any]:
        return fields(await self._client.call_tool(PLAY, {"stop": True}))

    async def refused(self, **arguments: Any) -> str:
        return failed(await self._client.call_tool(PLAY, arguments))


@asynccontextmanager
async def calling(make_settings: MakeSettings, **variables: Any) -> AsyncIterator[Caller]:
    service = ScriptedTransport()
    async with connected(make_settings(**variables), service) as client:
        yield Caller(client)
    assert service.requests == []


async def test_a_file_is_played_until_it_is_stopped(
    make_settings: MakeSettings, players: "Players", out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBVOICE_API_KEY", CANARY)
    monkeypatch.setenv("PULSE_SERVER", "somewhere")
    players.install("mpv", has_child=True)
    async with calling(make_settings) as caller:
        assert await caller.play("a.mp3") == {"playing": True, "player": "mpv"}
        started = await players.started("mpv")
        assert started["arguments"] == ["--no-video", str(out / "a.mp3")]
        assert (started["leads_its_group"], started["has_streams"]) == (True, False)
        assert started["environ"]["PULSE_SERVER"] == "somewhere"
        assert [name for name in started["environ"] if name.startswith("WEBVOICE_")] == []
        assert await caller.stop() == {"playing": False, "player": "mpv"}
        await players.wait_for_end("mpv", started["pid"])
        assert await caller.stop() == {"playing": False}


async def test_another_file_replaces_the_one_that_plays(make_settings: MakeSettings, players: "Players") -> None:
    players.install("ffplay")
    async with calling(make_settings) as caller:
        await caller.play("a.mp3")
        first = await players.started("ffplay")
        await caller.play("b.mp3")
        second = await players.started("ffplay")
        with pytest.raises(ProcessLookupError):
            os.kill(first["pid"], 0)
        assert [Path(started["arguments"][-1]).name for started in (first, second)] == ["a.mp3", "b.mp3"]


async def test_the_player_ends_with_the_server(make_settings: MakeSettings, players: "Players") -> None:
    players.install("ffplay", has_child=True)
    async with calling(make_settings) as caller:
        await caller.play("film.mp4")
        started = await players.started("ffplay")
    await players.wait_for_end("ffplay", started["pid"])


async def test_the_player_of_a_caller_that_went_away_is_not_forgotten(
    make_settings: MakeSettings, players: "Players", patient: None
) -> None:
    players.install("mpv")
    async with calling(make_settings) as caller:
        async with anyio.create_task_group() as calls:
            calls.start_soon(caller.play, "a.mp3")
            started = await players.started("mpv")
            calls.cancel_scope.cancel()
        assert await caller.stop() == {"playing": False, "player": "mpv"}
        await players.wait_for_end("mpv", started["pid"])


async def test_a_player_that_has_ended_leaves_nothing_behind(
    make_settings: MakeSettings, players: "Players", patient: None
) -> None:
    players.install("mpv", seconds=0)
    async with calling(make_settings) as caller:
        note = "The player has ended already: the file is very short, or this computer has no sound device."
        assert await caller.play("a.mp3") == {"playing": False, "player": "mpv", "note": note}
        await players.wait_for_end("mpv", (await players.started("mpv"))["pid"])
        assert await caller.stop() == {"playing": False}


async def test_a_player_that_fails_gives_way_to_the_next(
    make_settings: MakeSettings, players: "Players", patient: None
) -> None:
    players.install_program("ffplay", "#!/bin/sh\nexit 3\n")
    players.install_program("mpv", "#!/bin/sh\nexit 0\n")
    async with calling(make_settings) as caller:
        assert (await caller.play("film.mp4"))["player"] == "mpv"


async def test_players_that_all_fail_are_named(
    make_settings: MakeSettings, players: "Players", out: Path, patient: None
) -> None:
    players.install_program("ffplay", "#!/bin/sh\nexit 3\n")
    players.install_program("mpv", "#!/nowhere/sh\n")
    async with calling(make_settings) as caller:
        assert await caller.refused(path="film.mp4") == (
            f"unsupported_media: {out / 'film.mp4'} cannot be played: ffplay ended with code 3, mpv cannot be started"
            f" (No such file or directory). {INSTALL}"
        )


async def test_without_a_player_the_answer_says_what_to_install(
    make_settings: MakeSettings, players: "Players", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    players.install("aplay")  # it would play other files than WAV as noise
    monkeypatch.chdir(players.folder)
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "players", str(tmp_path)]))
    async with calling(make_settings) as caller:
        for path, kind in (("a.wav", "WAV"), ("film.mp4", "MP4")):
            text = await caller.refused(path=path)
            assert text == f"unsupported_media: This computer has no player for {kind}. {INSTALL}"


async def test_files_that_may_not_be_read_or_make_no_sound_are_refused(
    make_settings: MakeSettings, players: "Players", out: Path, tmp_path: Path
) -> None:
    players.install("ffplay")
    (out / ".hidden").mkdir()
    for path, content in (
        (out / "picture.mp3", PNG_BYTES),
        (out / "empty.mp3", b""),
        (out / "list.m3u", b"#EXTM3U\nhttp://127.0.0.1/a.mp3\n"),
        (out / ".hidden/a.mp3", MP3_BYTES),
        (tmp_path / "outside.mp3", MP3_BYTES),
    ):
        path.write_bytes(content)
    (out / "to-hidden.mp3").symlink_to(out / ".hidden/a.mp3")
    os.mkfifo(out / "pipe.mp3")
    async with calling(make_settings, ALLOWED_DIRS=out) as caller:
        for given, beginning in {
            "picture.mp3": "unsupported_media: path: picture.mp3 is PNG, judged by its content. Accepted are sound and",
            "empty.mp3": "unsupported_media: path: empty.mp3 is in no known format, judged by its content. ",
            "list.m3u": "unsupported_media: path: list.m3u is plain text, ",
            "pipe.mp3": "unsupported_media: path: pipe.mp3 is a folder, device or pipe. Give the path of a file.",
            ".": "unsupported_media: path: . is a folder, device or pipe. ",
            "gone.mp3": f"file_not_found: path: there is no file {out / 'gone.mp3'}. ",
            ".hidden/a.mp3": f"path_not_allowed: path: {out}/.hidden/a.mp3 is hidden (part of it starts with a dot), "
            "and hidden files are never read. ",
            "to-hidden.mp3": f"path_not_allowed: path: {out}/.hidden/a.mp3 is hidden ",
            "../outside.mp3": f"path_not_allowed: path: {tmp_path}/outside.mp3 is outside the folders in ",
        }.items():
            assert (await caller.refused(path=given)).startswith(beginning), given
        assert (await caller.refused()).startswith("invalid_argument: path is missing")
        assert (await caller.refused(path="a.mp3", stop=True)).startswith("invalid_argument: Give path to play")
        assert await caller.stop() == {"playing": False}
