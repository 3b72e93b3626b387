"""The private connection between a server and its worker: lines, and descriptors of open files where the system can.

All methods block and are called in threads. There is nothing that another process could connect to.
"""

import os
import socket
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from typing import BinaryIO

from webvoice_mcp.storage.threads import ThreadedIterator

_BLOCK_BYTES = 1 << 16
_MAX_LINE_BYTES = 64 << 20  # far more than a text that is narrated, or a result, can have
_MAX_DESCRIPTORS = 64


class ChannelBroken(Exception):
    """The other process sent what is no line, without an end."""


class Channel(ABC):
    """One end of the connection.

    Attributes:
        takes_descriptors: True if descriptors can be sent.
    """

    takes_descriptors = False

    def __init__(self) -> None:
        self._rest = bytearray()
        self._descriptors: deque[int] = deque()

    def receive(self) -> bytes | None:
        """Wait for the next line; return None at the end of the connection.

        Raises:
            ChannelBroken: no line is so long.
        """
        start = 0
        while (end := self._rest.find(b"\n", start)) < 0:
            start = len(self._rest)
            if start > _MAX_LINE_BYTES:
                raise ChannelBroken
            block = self._read()
            if not block:
                return None  # a line that was cut off counts for nothing
            self._rest += block
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return line

    def take_descriptors(self, count: int) -> list[int]:
        """Return the next descriptors that came; fewer if not so many did. Whoever takes them closes them."""
        return [self._descriptors.popleft() for _ in range(min(count, len(self._descriptors)))]

    @abstractmethod
    def send(self, line: bytes, descriptors: list[int] | None = None) -> None:
        """Send a line, and descriptors with it.

        Raises:
            OSError: the other process is gone.
        """

    @abstractmethod
    def close(self) -> None:
        """End the connection in both directions. A thread that waits in `receive` returns."""

    @abstractmethod
    def _read(self) -> bytes:
        """Return what has come, b"" at the end."""


def lines_of(channel: Channel) -> ThreadedIterator[bytes]:
    """Return the lines that come through a channel. At one without an end, `ChannelBroken` is raised."""
    return ThreadedIterator(iter(channel.receive, None), "worker connection")


class PipeChannel(Channel):
    """A channel of two pipes, for systems without Unix sockets."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        super().__init__()
        self._reader = reader
        self._writer = writer

    def send(self, line: bytes, descriptors: list[int] | None = None) -> None:
        """Send a line; there must be no descriptors."""
        if descriptors:
            raise ValueError("A pipe takes no descriptors.")
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._writer.fileno(), rest) :]

    def close(self) -> None:
        """Close the writing end; the other process then ends, and with it what `receive` waits for."""
        with suppress(OSError, ValueError):
            self._writer.close()

    def _read(self) -> bytes:
        with suppress(OSError, ValueError):  # ValueError: it was closed at its end
            if block := os.read(self._reader.fileno(), _BLOCK_BYTES):
                return block
            self._reader.close()  # here, since another thread must not close what this one reads
        return b""


if hasattr(socket, "AF_UNIX"):  # pragma: no branch - Windows has none

    class SocketChannel(Channel):
        """A channel over one of a pair of Unix sockets."""

        takes_descriptors = True

        def __init__(self, connection: socket.socket) -> None:
            super().__init__()
            self._socket = connection

        def send(self, line: bytes, descriptors: list[int] | None = None) -> None:
            """Send a line, and descriptors with its first bytes."""
            rest = memoryview(line)
            if descriptors:
                rest = rest[socket.send_fds(self._socket, [line], descriptors) :]
            self._socket.sendall(rest)

        def close(self) -> None:
            """End the connection, and close descriptors that nobody took."""
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            for descriptor in self.take_descriptors(len(self._descriptors)):
                os.close(descriptor)

        def _read(self) -> bytes:
            try:
                flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
                block, descriptors, _, _ = socket.recv_fds(self._socket, _BLOCK_BYTES, _MAX_DESCRIPTORS, flags)
            except OSError:
                return b""
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)
            self._descriptors += descriptors
            return block
