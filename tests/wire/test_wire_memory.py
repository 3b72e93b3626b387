"""Files of any size pass through the server in flat memory: measured on the real process, over a real socket."""

import base64
import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import CANARY
from tests.wire_driver import Wire, environment, serving

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc"),
]

_KIB, _MIB = 1024, 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17)
_BLOCK = bytes(range(256)) * 192  # 48 KiB, so that its base64 needs no padding
_MOST_GROWN = 8 * _MIB
_MOST_GROWN_OF_MANY = 16 * _MIB


def content(size: int) -> Iterator[bytes]:
    """So many bytes that begin like a PNG."""
    yield _PNG[:size]
    left = size - len(_PNG)
    while left > 0:
        yield _BLOCK[:left]
        left -= len(_BLOCK)


def encoded(size: int) -> Iterator[bytes]:
    """The answer of `image/` with a picture of this size, in pieces."""
    yield b'{"success":true,"provider":"loopback","count":1,"image":"'
    head = b"".join((_PNG, _BLOCK))[: min(size, 3 * _KIB)]
    yield base64.b64encode(head)
    rest = size - len(head)
    whole, last = divmod(max(rest, 0), len(_BLOCK))
    block = base64.b64encode(_BLOCK)
    for _ in range(whole):
        yield block
    yield base64.b64encode(_BLOCK[:last])
    yield b'"}'


@contextmanager
def answering(size: int) -> Iterator[str]:
    """A service on loopback that answers every request with a picture of this size; its base URL."""
    length = sum(map(len, encoded(size)))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection:
            received = b""
            while b"\r\n\r\n" not in received or not received.endswith(b"}"):  # a JSON body, read to its end
                received += connection.recv(64 * _KIB)
            connection.sendall(head.encode())
            for piece in encoded(size):
                connection.sendall(piece)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def peak(wire: Wire) -> int:
    """The most memory that the server had so far, in bytes."""
    text = Path(f"/proc/{wire.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    assert found
    return int(found[1]) * _KIB


def forget_peak(wire: Wire) -> None:
    """Let the peak begin anew with what is in use now."""
    Path(f"/proc/{wire.process.pid}/clear_refs").write_text("5")


def prepared(home: Path, base_url: str) -> dict[str, str]:
    return environment(
        home, {"BASE_URL": base_url, "API_KEY": CANARY, "INLINE_IMAGES": 0, "INLINE_WAIT": 0, "LOG_LEVEL": "ERROR"}
    )


@pytest.mark.parametrize("size", [1, 2, 3, 48 * _KIB, _MIB + 1, 64 * _MIB, 512 * _MIB])
def test_a_picture_of_any_size_is_saved_whole_in_flat_memory(
    tmp_path: Path, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(size) as base_url, serving(prepared(tmp_path, base_url)) as wire:
        wire.call("webvoice_account_links")
        forget_peak(wire)
        before = peak(wire)
        answer = wire.call("webvoice_image", {"prompt": "x", "output_path": "x.png"})
        grown = peak(wire) - before
    with capsys.disabled():
        print(
            f"\n{size / _MIB:9.3f} MiB saved: {before / _MIB:.1f} MiB before, {grown / _MIB:.1f} MiB more at the peak"
        )
    (saved,) = (tmp_path / "out").iterdir()
    assert saved.stat().st_size == size
    assert saved.suffix == (".png" if size >= len(_PNG) else ".bin"), answer
    assert grown < _MOST_GROWN


@pytest.mark.parametrize("count", [4, 8])
def test_pictures_at_once_are_saved_in_flat_memory(
    tmp_path: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    size = 64 * _MIB
    with answering(size) as base_url, serving(prepared(tmp_path, base_url)) as wire:
        wire.call("webvoice_account_links")
        forget_peak(wire)
        before = peak(wire)
        params = {"name": "webvoice_image", "arguments": {"prompt": "x"}}
        wire.answers_to([wire.post("tools/call", params) for _ in range(count)])
        grown = peak(wire) - before
    with capsys.disabled():
        print(f"\n{count} × {size / _MIB:.0f} MiB at once: {grown / _MIB:.1f} MiB more at the peak")
    assert sorted(each.stat().st_size for each in (tmp_path / "out").iterdir()) == [size] * count
    assert grown < _MOST_GROWN_OF_MANY
