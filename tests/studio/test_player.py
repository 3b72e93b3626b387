"""The programs that play sound, on each system."""

import os
import sys
from pathlib import Path

import pytest

from tests.files.samples import wav_bytes
from webvoice_mcp.errors import UnsupportedMedia
from webvoice_mcp.files import LocalFile
from webvoice_mcp.files.kinds import KINDS, MP3, MP4, WAV, Kind
from webvoice_mcp.studio.player import Player, find_commands

posix = pytest.mark.skipif(os.name == "nt", reason="programs of POSIX")
PROGRAMS = ("afplay", "pw-play", "paplay", "ffplay", "mpv", "aplay")


@posix
@pytest.mark.parametrize(
    ("platform", "kind", "programs"),
    [
        ("linux", MP3, ["pw-play", "paplay", "ffplay", "mpv"]),
        ("linux", WAV, ["pw-play", "paplay", "ffplay", "mpv", "aplay"]),
        ("linux", MP4, ["ffplay", "mpv"]),
        ("darwin", MP3, ["afplay", "ffplay", "mpv"]),
        ("darwin", WAV, ["afplay", "ffplay", "mpv"]),
    ],
)
def test_a_kind_of_file_is_played_by_the_programs_that_know_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, kind: Kind, programs: list[str]
) -> None:
    for name in PROGRAMS:
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    file = LocalFile(Path("/music/-rf 'a'.mp3"), kind)
    commands = list(find_commands(file, platform))
    assert [Path(command[0]).relative_to(tmp_path).name for command in commands] == programs
    assert {command[-1] for command in commands} == {"/music/-rf 'a'.mp3"}


@posix
def test_a_path_cannot_leave_the_text_in_the_script_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path))
    program = rf"{tmp_path}\System32\WindowsPowerShell\v1.0\powershell.exe"
    Path(program).touch(0o755)
    (command,) = find_commands(LocalFile(Path("/a'); $(Get-Date) `\"#%.mp3"), MP3), "win32")
    assert command[:3] == (program, "-NoProfile", "-Command")
    assert "$player.Open([Uri]'file:///a%27%29%3B%20%24%28Get-Date%29%20%60%22%23%25.mp3')\n" in command[3]


@pytest.mark.skipif(sys.platform not in {"darwin", "win32"}, reason="systems that come with a player")
async def test_the_player_of_the_system_is_found() -> None:
    for kind in KINDS:
        assert list(find_commands(LocalFile(Path.home() / "a", kind)))


@pytest.mark.slow
async def test_an_installed_player_is_started_and_ended(tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    path.write_bytes(wav_bytes(80_000))
    file = LocalFile(path, WAV)
    if not list(find_commands(file)):
        pytest.skip("no player is installed")
    player = Player()
    try:
        name = await player.play(file)
    except UnsupportedMedia as error:
        if " cannot be played: " not in str(error):  # else the machine has no sound device
            raise
    else:
        assert await player.stop() in {name, ""}
