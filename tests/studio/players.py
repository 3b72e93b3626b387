"""Players for tests: programs that write down how they were started."""

import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio

_WAIT_SECONDS = 60
_PLAYER = """\
#!{python} -S
import fcntl, json, os, subprocess, sys, time
lock = open({log!r} + ".lock", "w")  # held until this process and its child have ended
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock.fileno(), True)
if {has_child}:
    subprocess.Popen(["/bin/sleep", "600"], close_fds=False)
nothing = os.stat(os.devnull)
started = {{
    "arguments": sys.argv[1:],
    "environ": dict(os.environ),
    "has_streams": not all(os.path.samestat(os.fstat(stream), nothing) for stream in range(3)),
    "leads_its_group": os.getpgid(0) == os.getpid(),
    "pid": os.getpid(),
}}
with open({log!r} + ".part", "w") as file:
    json.dump(started, file)
os.rename({log!r} + ".part", {log!r})
time.sleep({seconds})
"""


class Players:
    """A folder of players."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def install(self, name: str, *, seconds: float = 600, has_child: bool = False) -> None:
        """Install a player that plays everything for some seconds."""
        text = _PLAYER.format(python=sys.executable, log=str(self._log(name)), seconds=seconds, has_child=has_child)
        self.install_program(name, text)

    def install_program(self, name: str, text: str) -> None:
        """Install a program with this text."""
        program = self.folder / name
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)

    async def started(self, name: str) -> dict[str, Any]:
        """Wait until a player has started, and return what it wrote down."""
        log = self._log(name)
        with anyio.fail_after(_WAIT_SECONDS):
            while not log.exists():  # noqa: ASYNC110 - another process writes it
                await anyio.sleep(0.01)
        started: dict[str, Any] = json.loads(log.read_text(encoding="utf-8"))
        log.unlink()
        return started

    async def wait_for_end(self, name: str, pid: int) -> None:
        """Wait until a player has ended with its child, and its parent has taken note of that."""
        with anyio.fail_after(_WAIT_SECONDS):
            while _exists(pid) or not self._is_unlocked(name):  # noqa: ASYNC110 - other processes end
                await anyio.sleep(0.01)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _is_unlocked(self, name: str) -> bool:
        with self._log(name).with_suffix(".json.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True


def _exists(pid: int) -> bool:
    """Return True if a process has this number, even if it has ended and its parent has not asked for its code."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
