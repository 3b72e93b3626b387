"""`webvoice-mcp worker`: the process that carries out paid media calls for a server, which starts it by itself."""

import gc
import logging
import os
import socket
import sys

from webvoice_mcp.worker.channel import Channel, PipeChannel
from webvoice_mcp.worker.process import MAX_LOG_BYTES, leave_process_tree

_NOT_FOR_PEOPLE = "webvoice-mcp worker: a server starts this command by itself. It does nothing on its own."


def run() -> int:
    """Carry out calls until the server is gone and all jobs are done, and return the exit code."""
    if not _has_server():
        print(_NOT_FOR_PEOPLE, file=sys.stderr)
        return 2
    leave_process_tree()
    gc.disable()  # imports create many objects, none of which becomes garbage
    import anyio  # noqa: PLC0415 - imported in the process that goes on

    anyio.run(_serve)
    return 0  # pragma: no cover - Python 3.11 does not trace it after tasks that were cancelled


async def _serve() -> None:
    from webvoice_mcp.cli.startup import set_up_logging  # noqa: PLC0415 - imported in the process that goes on
    from webvoice_mcp.client.allocator import keep_little_freed_memory  # noqa: PLC0415 - imported in the process that goes on
    from webvoice_mcp.client.auth import ApiKey, Keys  # noqa: PLC0415 - imported in the process that goes on
    from webvoice_mcp.client.client import Client  # noqa: PLC0415 - imported in the process that goes on
    from webvoice_mcp.jobs.services import Services  # noqa: PLC0415 - imported in the process that goes on
    from webvoice_mcp.keystore import KeyStore  # noqa: PLC0415 - imported in the process that goes on
    from webvoice_mcp.settings import Settings  # noqa: PLC0415 - imported in the process that goes on
    from webvoice_mcp.tools.paid_functions import find_paid_function  # noqa: PLC0415 - imported in the process that goes on
    from webvoice_mcp.worker.serve import serve  # noqa: PLC0415 - imported in the process that goes on

    gc.freeze()
    gc.enable()
    keep_little_freed_memory()  # before there are threads, each of which would get a heap
    settings = Settings.read(os.environ)
    handler, formatter = set_up_logging(settings)
    handler.addFilter(_has_room)
    keys = Keys(settings, KeyStore(settings.credentials_file))

    def use_key(key: ApiKey) -> None:
        formatter.keys.add(key.value)
        keys.use(key)

    services = Services.create(settings, keys, Client(settings, keys), limit=None)
    try:
        await serve(_channel(), services, find_paid_function, use_key)
    finally:
        await services.aclose()


def _has_server() -> bool:
    """Return True if stdin is a connection to a server."""
    if sys.platform == "win32":  # pragma: no cover - Windows has no Unix sockets
        return sys.stdin is not None and not sys.stdin.isatty()
    try:
        with socket.socket(fileno=os.dup(0)) as connection:
            return connection.family is socket.AF_UNIX
    except OSError:  # no socket, or closed
        return False


def _channel() -> Channel:
    if sys.platform == "win32":  # pragma: no cover - Windows has no Unix sockets
        return PipeChannel(sys.stdin.buffer, sys.stdout.buffer)
    from webvoice_mcp.worker.channel import SocketChannel  # noqa: PLC0415 - Windows has none

    connection = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return SocketChannel(connection)


def _has_room(_record: logging.LogRecord) -> bool:
    """Return True while the log is not too long."""
    return os.fstat(2).st_size < MAX_LOG_BYTES
