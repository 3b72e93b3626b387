"""A service that sends any bytes over real sockets."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.wire_driver import TIMEOUT_SECONDS, Message

MIB = 1024 * 1024
TRANSLATION = b'{"translated_text":"Ciao"}'
TRANSLATE: tuple[str, Message] = ("webvoice_translate", {"text": "Hi", "target_language": "it"})
CHAT: tuple[str, Message] = ("webvoice_chat", {"prompt": "Hi", "stream": True})

Handler = Callable[[socket.socket], None]  # talks to a connection


class HostileService:
    """A service on a loopback port that answers every request with the given bytes.

    Attributes:
        requests: the requests received since the last `respond_with`.
        connections: the number of connections since the last `respond_with`.
        response: the bytes of every response, or a handler that sends them.
        keep_alive: True to read further requests from a connection. Otherwise it is closed after one response.
        on_connect: a TLS context for new connections, or a handler that talks to them instead of HTTP.
        client_left: set when a client closes its connection during a response.
    """

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.response: bytes | Handler = b""
        self.keep_alive = False
        self.on_connect: ssl.SSLContext | Handler | None = None
        self.client_left = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def base_url(self) -> str:
        """The API's base URL at this service."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/v1"

    def respond_with(self, response: bytes | Handler) -> "HostileService":
        """Wait for earlier connections to end, forget their requests, and set the response to further requests."""
        if not self.keep_alive:
            for thread in self._threads:
                thread.join(TIMEOUT_SECONDS)
                assert not thread.is_alive()
        self._threads.clear()
        self.requests.clear()
        self.connections = 0
        self.response, self.keep_alive = response, False
        self.client_left.clear()
        return self

    def close(self) -> None:
        """Accept no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._handle, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _handle(self, connection: socket.socket) -> None:
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            with connection:
                if isinstance(self.on_connect, ssl.SSLContext):
                    with self.on_connect.wrap_socket(connection, server_side=True) as encrypted:
                        self._serve(encrypted)
                else:
                    (self.on_connect or self._serve)(connection)
        except OSError:
            self.client_left.set()

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while head := b"".join(iter(stream.readline, b"\r\n")):
            length = re.search(rb"(?i)content-length: (\d+)", head)
            self.requests.append(head + b"\r\n" + stream.read(int(length[1]) if length else 0))
            response = self.response
            response(connection) if callable(response) else connection.sendall(response)
            if not self.keep_alive:
                return


@contextmanager
def running_hostile_service() -> Iterator[HostileService]:
    """Run a hostile service."""
    service = HostileService()
    try:
        yield service
    finally:
        service.close()


def translation_with_headers(*lines: str, body: bytes = TRANSLATION) -> bytes:
    """Return a response with these header lines and no others."""
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode("latin-1") + body


def as_event_stream(response: bytes) -> bytes:
    """Return the response with the content type of server-sent events."""
    return response.replace(b"application/json", b"text/event-stream", 1)


def endless(head: bytes, block: bytes) -> Handler:
    """Return a handler that sends a head, and then this block again and again until the client leaves."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(block)

    return handle


def slowly(response: bytes, seconds_per_byte: float) -> Handler:
    """Return a handler that sends a response byte by byte."""

    def handle(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(response)):
            connection.sendall(response[index : index + 1])
            time.sleep(seconds_per_byte)

    return handle


def silent(connection: socket.socket) -> None:
    """Send nothing until the client leaves."""
    while connection.recv(65536):
        pass


def plain(data: bytes) -> Handler:
    """Return a handler that sends unencrypted bytes to a client that expects TLS."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.recv(65536)  # if it were closed with unread data, it would be reset before the client reads

    return handle
