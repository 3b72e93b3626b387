"""The sandbox on a loopback port."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn

from webvoice_mcp.sandbox.app import API, create_app
from webvoice_mcp.sandbox.security import LOOPBACK_NAMES
from webvoice_mcp.sandbox.wire import SandboxProtocol

_GRACE_SECONDS = 1  # for calls under way when the sandbox is asked to end


def serve(host: str, port: int, state_dir: Path, *, listening: Callable[[str], None]) -> None:
    """Run the sandbox until SIGTERM or SIGINT (on the main thread), then return.

    Args:
        host: 127.0.0.1, localhost or ::1.
        port: 0 for a free one.
        state_dir: what the sandbox remembers.
        listening: is given the base URL once requests are answered.

    Raises:
        ValueError: the host is not loopback, or the port not a port.
        OSError: the port is taken.
    """
    with _listen(host, port) as sock:
        _Server(state_dir, sock, listening).run(sockets=[sock])


@contextmanager
def running(state_dir: Path, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The sandbox in a thread of this process for as long as the block lasts; gives its base URL, raises as `serve`."""
    ready = threading.Event()
    with _listen(host, port) as sock:
        server = _Server(state_dir, sock, lambda _url: ready.set())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="webvoice-sandbox", daemon=True)
        thread.start()
        ready.wait()
        try:
            yield _base_url(sock)
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """uvicorn, which says where it listens and ends without passing the signal on."""

    def __init__(self, state_dir: Path, sock: socket.socket, listening: Callable[[str], None]) -> None:
        config = uvicorn.Config(
            create_app(state_dir),
            http=SandboxProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            log_level="critical",  # what goes wrong in a call is logged by the application, once
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        super().__init__(config)
        self._url = _base_url(sock)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self._listening(self._url)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """End; uvicorn's own version raises the signal again afterwards, and the process would die of it."""
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    name = host.strip("[]").lower()
    if name not in LOOPBACK_NAMES:
        raise ValueError(f"The sandbox listens on loopback only (127.0.0.1, localhost or ::1), not on {host!r}.")
    if not 0 <= port <= 65535:
        raise ValueError(f"A port is a number from 0 to 65535, not {port}.")
    if name == "::1":
        sock = socket.create_server((name, port), family=socket.AF_INET6)
    else:
        sock = socket.create_server(("127.0.0.1", port))
    # Connections inherit it; asyncio sets it only on sockets that name their protocol. Without it, an answer's body
    # waits 40 ms for the acknowledgement of its head.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _base_url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{API.rstrip('/')}"
