"""Starting the worker: all that detaches it from the server's terminal, pipes, process group and process tree.

On Linux and macOS the new process has its own session, so signals to the host's group do not reach it, and forks once:
the parent of what goes on is the system, so a host that ends a tree of processes does not find it. On Windows it has
no console and its own group, and leaves the host's job object where that is allowed.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from webvoice_mcp.settings import SETTINGS
from webvoice_mcp.storage.private import make_private_folder, open_private
from webvoice_mcp.worker.channel import Channel, PipeChannel

COMMAND = "worker"
"""The command of `webvoice-mcp` that is the worker."""

MAX_LOG_BYTES = 1 << 20

_KEY_VARIABLE = "WEBVOICE_API_KEY"
_SETTINGS = frozenset(setting.name for setting in SETTINGS)
_LONG_KEY_CHARACTERS = 12  # a shorter one, such as a sandbox's, may be a word in any path
# Relative paths in them begin at the working folder, which is another one in the worker.
_PATH_VARIABLES = ("PYTHONPATH", "SSL_CERT_DIR", "SSL_CERT_FILE")
_PACKAGE_FOLDER = Path(__file__).parents[2]
# Windows' flags, by the names in its documentation; `subprocess` has them on Windows only.
_DETACHED_PROCESS = 0x00000008
_CREATE_NEW_PROCESS_GROUP = 0x00000200
_CREATE_BREAKAWAY_FROM_JOB = 0x01000000


def start(environ: Mapping[str, str], log: Path) -> Channel:
    """Start the worker and return the connection to it. Blocks until the process exists.

    Args:
        environ: the server's environment; the API key is left out of the worker's.
        log: the file that gets what the worker logs. Without it, nothing is logged.

    Raises:
        OSError: no process can be started.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        raise OSError("there is no Python interpreter to start")
    if os.getpid() == 1:
        raise OSError("the system ends all processes of this container together with this one")
    # Without -P or -I, modules in the worker's working folder would come before all others.
    command = [sys.executable, "-I" if sys.flags.isolated else "-P", "-m", "webvoice_mcp", COMMAND]
    environment = environment_of_worker(environ)
    descriptor = open_log(log)
    try:
        if sys.platform == "win32":  # pragma: no cover - tested on Windows only
            return _start_on_windows(command, environment, descriptor)
        return _start(command, environment, descriptor)
    finally:
        os.close(descriptor)


def detachment(platform: str) -> tuple[dict[str, Any], ...]:
    """Return arguments of `subprocess.Popen` that detach a process, in the order in which to try them."""
    if platform == "win32":
        flags = _DETACHED_PROCESS | _CREATE_NEW_PROCESS_GROUP
        # A job object may forbid to leave it, and then refuses the process.
        attempts = (flags | _CREATE_BREAKAWAY_FROM_JOB, flags)
        return tuple({"creationflags": attempt, "close_fds": True} for attempt in attempts)
    return ({"start_new_session": True, "close_fds": True, "cwd": "/"},)


def leave_process_tree() -> None:
    """Go on as a process whose parent is the system, where that is possible. Called first in the worker."""
    if sys.platform != "win32" and os.fork():  # pragma: no branch - Windows has no fork
        os._exit(0)


def environment_of_worker(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for another working folder and without the API key, whatever variables it is in.

    The other settings stay in any case: without a limit or a folder, the worker would do what the server must not.
    """
    key = next((value.strip() for name, value in environ.items() if name.upper() == _KEY_VARIABLE), "")
    kept = {name: value for name, value in environ.items() if not _has_key(name.upper(), value, key)}
    for name in _PATH_VARIABLES:
        if value := kept.get(name):
            paths = [value] if name == "SSL_CERT_FILE" else value.split(os.pathsep)
            kept[name] = os.pathsep.join(str(Path(path).absolute()) for path in paths)
    if _is_found_by_working_folder():
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_PACKAGE_FOLDER), kept.get("PYTHONPATH", "")]))
    return kept


def _has_key(name: str, value: str, key: str) -> bool:
    if name in _SETTINGS or not key:
        return name == _KEY_VARIABLE
    return key in value if len(key) >= _LONG_KEY_CHARACTERS else value.strip() == key


def _is_found_by_working_folder() -> bool:
    """Return True if the package is no installed one: Python finds it in the working folder, which changes."""
    return bool(sys.path) and Path(sys.path[0] or ".").resolve() == _PACKAGE_FOLDER


def open_log(path: Path) -> int:
    """Open the log for appending; a long one begins anew. The null device stands in for a file that cannot be used."""
    with suppress(OSError):
        make_private_folder(path.parent)
        descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        if os.fstat(descriptor).st_size > MAX_LOG_BYTES // 2:
            os.ftruncate(descriptor, 0)
        return descriptor
    return os.open(os.devnull, os.O_WRONLY)


def _start(command: list[str], environment: dict[str, str], log: int) -> Channel:
    from webvoice_mcp.worker.channel import SocketChannel  # noqa: PLC0415 - Windows has none

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    (how,) = detachment(sys.platform)
    try:
        with theirs:
            process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - our own interpreter
                command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=log, env=environment, **how
            )
        process.wait()  # it forks at once; what goes on is no child of this process
    except BaseException:
        ours.close()
        raise
    return SocketChannel(ours)


def _start_on_windows(
    command: list[str], environment: dict[str, str], log: int
) -> Channel:  # pragma: no cover - tested on Windows only
    refused: OSError | None = None
    for how in detachment("win32"):
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, bufsize=0, **how
            )
        except OSError as error:
            refused = error
        else:
            return PipeChannel(_pipe(process.stdout), _pipe(process.stdin))
    raise refused or OSError("no process can be started")


def _pipe(stream: Any) -> BinaryIO:  # pragma: no cover - tested on Windows only
    pipe: BinaryIO = stream
    return pipe
