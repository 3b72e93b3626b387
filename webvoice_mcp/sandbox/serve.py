"""The sandbox's server, on a loopback port."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn

from webvoice_mcp import __version__
from webvoice_mcp.sandbox.app import create_app
from webvoice_mcp.sandbox.loopback import LOOPBACK_HOSTS
from webvoice_mcp.sandbox.protocol import SandboxProtocol
from webvoice_mcp.sandbox.requests import API_ROOT

_SHUTDOWN_SECONDS = 1  # for requests in progress when the sandbox is told to stop


def serve(host: str, port: int, state_dir: Path, *, listening: Callable[[str], None]) -> None:
    """Run the sandbox until SIGTERM or SIGINT (on the main thread), then return.

    Args:
        host: 127.0.0.1, localhost or ::1.
        port: the port to listen on, or 0 for a free one.
        state_dir: the folder for everything that survives a restart; created if it is missing.
        listening: called with the base URL once the sandbox accepts requests.

    Raises:
        ValueError: the host is not a loopback address, or the port is out of range.
        OSError: the port is in use.
    """
    with _listen(host, port) as sock:
        _Server(state_dir, sock, listening).run(sockets=[sock])


@contextmanager
def running(state_dir: Path, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Run the sandbox in a thread until the block ends; yield its base URL.

    Raises:
        ValueError, OSError: the same as for `serve`.
    """
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
    """uvicorn's server, which here reports its address and does not raise the signal that stopped it."""

    def __init__(self, state_dir: Path, sock: socket.socket, listening: Callable[[str], None]) -> None:
        config = uvicorn.Config(
            create_app(state_dir),
            http=SandboxProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            log_level="critical",  # the application logs its own errors
            server_header=False,
            headers=[("X-WebVoice-Sandbox", __version__), ("Server", "webvoice-mcp-sandbox")],
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )
        super().__init__(config)
        self._url = _base_url(sock)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then report the base URL."""
        await super().startup(sockets)
        self._listening(self._url)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop the server. With uvicorn's own method, the signal would be raised again and kill the process."""
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    name = host.strip("[]").lower()
    if name not in LOOPBACK_HOSTS:
        raise ValueError(f"The sandbox listens on loopback only, not on {host!r}. Use 127.0.0.1, localhost or ::1.")
    if not 0 <= port <= 65535:
        raise ValueError(f"{port} is not a port. Use a number from 0 to 65535.")
    if name == "::1":
        sock = socket.create_server((name, port), family=socket.AF_INET6)
    else:
        sock = socket.create_server(("127.0.0.1", port))
    # Connections inherit this option. Without it, a response's body would wait 40 ms for the acknowledgement of its
    # headers. asyncio sets it only on sockets that were created with a protocol number.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _base_url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{API_ROOT.rstrip('/')}"
