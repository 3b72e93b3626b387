"""The memory that saving files of any size takes, measured in the real process with a real socket."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import CANARY
from tests.wire.process_stats import IS_LINUX, peak_memory_bytes, reset_peak_memory
from tests.wire_driver import ServerProcess, environment, running_server

pytestmark = [pytest.mark.wide, pytest.mark.skipif(not IS_LINUX, reason="the peak is read from /proc")]

_KIB, _MIB = 1024, 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17)
_BLOCK = bytes(range(256)) * 192  # 48 KiB: a multiple of three, so that its base64 needs no padding
_MAX_GROWTH_BYTES = 8 * _MIB
_MAX_GROWTH_BYTES_OF_MANY = 16 * _MIB


def reply_chunks(size: int) -> Iterator[bytes]:
    """Yield the reply of `image/` with a picture of this size, in chunks."""
    yield b'{"success":true,"provider":"loopback","count":1,"image":"'
    head = (_PNG + _BLOCK)[: min(size, 3 * _KIB)]
    yield base64.b64encode(head)
    blocks, rest = divmod(size - len(head), len(_BLOCK))
    block = base64.b64encode(_BLOCK)
    for _ in range(blocks):
        yield block
    yield base64.b64encode(_BLOCK[:rest])
    yield b'"}'


def base64_of(size: int) -> Iterator[bytes]:
    """Yield the base64 of a picture of this size, in chunks."""
    chunks = list(reply_chunks(48 * _KIB))[1:-1]
    yield from chunks[:1]
    for _ in range(size // len(_BLOCK)):
        yield base64.b64encode(_BLOCK)


def chat_chunks(form: str, size: int) -> Iterator[bytes]:
    """Yield a chat's answer with a picture of about this size, in chunks."""
    finish = b'"finish_reason":"stop"}]}'
    if form == "whole":
        yield b'{"choices":[{"message":{"content":"Done","images":[{"image_url":{"url":"data:image/png;base64,'
        yield from base64_of(size)
        yield b'"}}]},' + finish
    elif form == "one event":
        yield b'data: {"choices":[{"delta":{"content":"Done","images":[{"image_url":{"url":"data:image/png;base64,'
        yield from base64_of(size)
        yield b'"}}]},' + finish + b"\n\ndata: [DONE]\n\n"
    else:
        deltas = [b"![x](data:image/png;base64,", *base64_of(size), b") Done"]
        for delta in deltas:
            yield b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % delta
        yield b'data: {"choices":[{"delta":{},' + finish + b"\n\ndata: [DONE]\n\n"


@contextmanager
def picture_service(size: int, form: str = "") -> Iterator[str]:
    """Run a service that replies to every request with a picture of this size; yield its base URL."""

    def chunks() -> Iterator[bytes]:
        return chat_chunks(form, size) if form else reply_chunks(size)

    length = sum(map(len, chunks()))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    listener = socket.create_server(("127.0.0.1", 0))

    def reply(connection: socket.socket) -> None:
        with connection:
            received = b""
            while b"\r\n\r\n" not in received or not received.endswith(b"}"):  # reads the whole JSON body
                received += connection.recv(64 * _KIB)
            connection.sendall(head.encode())
            for chunk in chunks():
                connection.sendall(chunk)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=reply, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextmanager
def measured_server(home: Path, base_url: str) -> Iterator[ServerProcess]:
    """Run a server that has answered a call, and reset its peak memory."""
    variables = {"BASE_URL": base_url, "API_KEY": CANARY, "INLINE_IMAGES": 0, "INLINE_WAIT": 0, "LOG_LEVEL": "ERROR"}
    with running_server(environment(home, variables)) as server:
        server.call("webvoice_account_links")
        reset_peak_memory(server)
        yield server


@pytest.mark.parametrize("size", [1, 48 * _KIB, _MIB + 1, 512 * _MIB])
def test_a_picture_of_any_size_is_saved_whole_in_constant_memory(
    tmp_path: Path, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with picture_service(size) as base_url, measured_server(tmp_path, base_url) as server:
        before = peak_memory_bytes(server)
        result = server.call("webvoice_image", {"prompt": "x", "output_path": "x.png"})
        growth = peak_memory_bytes(server) - before
    with capsys.disabled():
        print(f"\n{size / _MIB:9.3f} MiB saved: {before / _MIB:.1f} MiB before, {growth / _MIB:.1f} MiB more")
    (saved,) = (tmp_path / "out").iterdir()
    assert saved.stat().st_size == size
    assert saved.suffix == (".png" if size >= len(_PNG) else ".bin"), result
    assert growth < _MAX_GROWTH_BYTES


@pytest.mark.parametrize("form", ["whole", "one event", "many deltas"])
def test_a_picture_in_a_chat_is_saved_in_constant_memory(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    size = 64 * _MIB
    with picture_service(size, form) as base_url, measured_server(tmp_path, base_url) as server:
        before = peak_memory_bytes(server)
        result = server.call("webvoice_chat", {"prompt": "x", "stream": form != "whole"})
        growth = peak_memory_bytes(server) - before
    with capsys.disabled():
        print(f"\n64 MiB in a chat, {form}: {growth / _MIB:.1f} MiB more")
    (saved,) = (tmp_path / "out").iterdir()
    assert size - _MIB < saved.stat().st_size < size + _MIB, result
    assert saved.suffix == ".png"
    assert "Done" in result["structuredContent"]["text"]
    assert growth < _MAX_GROWTH_BYTES


def test_pictures_at_once_are_saved_in_constant_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count, size = 8, 64 * _MIB
    with picture_service(size) as base_url, measured_server(tmp_path, base_url) as server:
        before = peak_memory_bytes(server)
        server.responses_to([server.send_call("webvoice_image", {"prompt": "x"}) for _ in range(count)])
        growth = peak_memory_bytes(server) - before
    with capsys.disabled():
        print(f"\n{count} × {size / _MIB:.0f} MiB at once: {growth / _MIB:.1f} MiB more")
    assert sorted(path.stat().st_size for path in (tmp_path / "out").iterdir()) == [size] * count
    assert growth < _MAX_GROWTH_BYTES_OF_MANY
