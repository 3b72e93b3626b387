"""Plays sound through the system's player, in a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import anyio
from anyio.abc import Process

from webvoice_mcp.errors import UnsupportedMedia
from webvoice_mcp.files import LocalFile
from webvoice_mcp.storage.threads import WorkerThreads

_FAILURE_SECONDS = 0.3  # a player that cannot play a file, or finds no sound device, mostly ends sooner
_LIBSNDFILE = frozenset({"MP3", "WAV", "FLAC", "Ogg", "AIFF", "CAF"})
_NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
_ADVICE = "Install ffmpeg (its ffplay plays all kinds) or mpv, or open the file in another program."

# MediaPlayer reports nothing without a window's message loop, so the script asks until the length is known.
_POWERSHELL = """\
$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName PresentationCore
$player = New-Object System.Windows.Media.MediaPlayer
$player.Open([Uri]'{uri}')
for ($looks = 0; -not $player.NaturalDuration.HasTimeSpan; $looks++) {{
  if ($looks -eq 100) {{ exit 1 }}
  Start-Sleep -Milliseconds 100
}}
$player.Play()
Start-Sleep -Milliseconds ([int]$player.NaturalDuration.TimeSpan.TotalMilliseconds + 500)
$player.Close()
"""


class Player:
    """The system's player. It plays one file at a time and ends with the server."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._name = ""
        self._turn = anyio.Lock()
        self._threads = WorkerThreads(1)

    @property
    def is_playing(self) -> bool:
        """True while a player runs."""
        return self._process is not None and self._process.returncode is None

    async def play(self, file: LocalFile) -> str:
        """Start playing in place of what plays now, and return the player's name.

        Raises:
            UnsupportedMedia: there is no player for this kind of file, or each one failed at once.
        """
        async with self._turn:
            await self._end()
            failures: list[str] = []
            for command in await self._threads.run(lambda: list(find_commands(file))):
                name = os.path.basename(command[0]).removesuffix(".exe")  # noqa: PTH119 - it is a text
                failure = await self._start(name, command)
                if not failure:
                    return name
                failures.append(f"{name} {failure}")
        if failures:
            raise UnsupportedMedia(f"{file.path} cannot be played: {', '.join(failures)}. {_ADVICE}")
        raise UnsupportedMedia(f"This computer has no player for {file.kind.name}. {_ADVICE}")

    async def stop(self) -> str:
        """End what plays, and return the player's name; "" if nothing plays."""
        with anyio.CancelScope(shield=True):  # a player must not outlive a server whose tasks are cancelled
            async with self._turn:
                ended = await self._end()
        return ended

    async def _start(self, name: str, command: tuple[str, ...]) -> str:
        """Start a player; return the reason if it fails at once, "" if it plays or has ended normally."""
        environ = {name: value for name, value in os.environ.items() if not name.upper().startswith("WEBVOICE_")}
        self._name = name
        try:
            with anyio.CancelScope(shield=True):  # a cancelled caller must not leave a process that is not known here
                process = self._process = await anyio.open_process(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=environ,
                    start_new_session=True,
                    creationflags=_NEW_GROUP,
                )
        except OSError as error:
            return f"cannot be started ({error.strerror})"
        with anyio.move_on_after(_FAILURE_SECONDS):
            await process.wait()
        return f"ended with code {process.returncode}" if process.returncode else ""

    async def _end(self) -> str:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return ""
        with suppress(ProcessLookupError):
            _kill(process)
        with anyio.CancelScope(shield=True):
            await process.wait()
        return self._name


def find_commands(file: LocalFile, platform: str = sys.platform) -> Iterator[tuple[str, ...]]:
    """Yield the commands of installed programs that may play a file, the preferred one first. Blocks.

    Programs in relative folders of PATH are left out: the working directory may belong to a stranger's project.
    """
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if os.path.isabs(folder))  # noqa: PTH117 - it is a text
    for program, *arguments in _commands(file, platform):
        if found := shutil.which(program, path=path):
            yield found, *arguments


def _commands(file: LocalFile, platform: str) -> Iterator[tuple[str, ...]]:
    path = str(file.path)
    if platform == "win32":
        root = os.environ.get("SYSTEMROOT", r"C:\Windows")
        # A URI has no character that ends a text of PowerShell.
        script = _POWERSHELL.format(uri=file.path.as_uri())
        yield rf"{root}\System32\WindowsPowerShell\v1.0\powershell.exe", "-NoProfile", "-Command", script
        return
    if platform == "darwin":
        yield "afplay", path
    elif file.kind.name in _LIBSNDFILE:
        yield "pw-play", path
        yield "paplay", path
    yield "ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet", path
    yield "mpv", "--no-video", path
    if platform != "darwin" and file.kind.name == "WAV":  # aplay plays other files as noise
        yield "aplay", "-q", path


def _kill(process: Process) -> None:
    """Kill a player and the processes that it started; it has nothing to save."""
    if sys.platform == "win32":  # pragma: no cover - Windows has no process groups of this kind
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
