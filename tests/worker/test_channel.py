"""The connection between server and worker: lines arrive whole, whatever the pieces, and descriptors with them."""

import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.support import count_descriptors
from webvoice_mcp.worker.channel import Channel, PipeChannel, lines_of

if sys.platform != "win32":
    from webvoice_mcp.worker.channel import SocketChannel

Pair = tuple[Channel, Channel, Callable[[bytes], object]]  # two ends, and a function that writes to the second one
Kind = Callable[[], AbstractContextManager[Pair]]


@contextmanager
def sockets() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    near, far = SocketChannel(ours), SocketChannel(theirs)
    yield near, far, ours.sendall
    near.close()
    far.close()


@contextmanager
def pipes() -> Iterator[Pair]:
    there, here = os.pipe(), os.pipe()
    files = [os.fdopen(here[0], "rb", 0), os.fdopen(there[1], "wb", 0), os.fdopen(there[0], "rb", 0)]
    last = os.fdopen(here[1], "wb", 0)
    near, far = PipeChannel(files[0], files[1]), PipeChannel(files[2], last)
    yield near, far, lambda data: os.write(there[1], data)
    for channel in (near, far):
        channel.close()
    for file in files:
        file.close()


KINDS: list[Kind] = [pipes] if sys.platform == "win32" else [sockets, pipes]
each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
@given(
    lines=some.lists(some.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=8),
    cuts=some.lists(some.integers(1, 30), min_size=1),
)
def test_lines_arrive_whole_whatever_the_pieces(kind: Kind, lines: list[bytes], cuts: list[int]) -> None:
    sent = b"".join(line + b"\n" for line in lines) + b"half a line"
    with kind() as (near, far, write):
        rest, number = sent, 0
        while rest:
            cut = cuts[number % len(cuts)]
            write(rest[:cut])
            rest, number = rest[cut:], number + 1
        near.close()
        assert [far.receive() for _ in lines] == lines
        assert far.receive() is None


@each_kind
def test_sending_to_a_process_that_is_gone_is_an_error(kind: Kind) -> None:
    with kind() as (near, far, _):
        near.close()
        far.receive()
        if kind is sockets:
            with pytest.raises(OSError):  # noqa: PT011 - systems differ
                far.send(b"line\n" * 1000)
        with suppress(OSError, ValueError):
            near.send(b"line\n")


def test_a_pipe_takes_no_descriptors() -> None:
    with pipes() as (near, _, _), pytest.raises(ValueError, match="no descriptors"):
        near.send(b"line\n", [0])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets")
def test_descriptors_arrive_in_their_order_and_are_not_inherited() -> None:
    with sockets() as (near, far, _), tempfile.TemporaryFile() as first, tempfile.TemporaryFile() as second:
        first.write(b"1")
        second.write(b"2")
        first.flush()
        second.flush()
        large = b"x" * 3_000_000 + b"\n"
        sender = threading.Thread(target=near.send, args=(large, [first.fileno(), second.fileno()]))
        sender.start()
        assert far.receive() == large[:-1]
        sender.join()
        taken = far.take_descriptors(2)
        assert [os.pread(descriptor, 1, 0) for descriptor in taken] == [b"1", b"2"]
        assert not any(map(os.get_inheritable, taken))
        assert far.take_descriptors(1) == []
        for descriptor in taken:
            os.close(descriptor)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets")
def test_descriptors_that_nobody_takes_are_closed_with_the_connection() -> None:
    with sockets() as (near, far, _), tempfile.TemporaryFile() as file:
        near.send(b"line\n", [file.fileno()])
        assert far.receive() == b"line"
        before = count_descriptors()
        far.close()
        assert count_descriptors() == before - 2  # the descriptor and the socket


async def test_the_reading_thread_ends_with_the_connection() -> None:
    with KINDS[0]() as (near, far, _):
        lines = lines_of(far)
        near.send(b"line\n")
        assert await anext(lines) == b"line"
        near.close()
        assert await anext(lines, None) is None
