"""The API for benchmarks, in its own process and fast enough that it is never the bottleneck.

Usage: python benchmarks/_service.py FOLDER. It prints its ports as JSON and ends when its input ends.

The first part of a path is an amount: `/64/api/v1/image/` replies with the base64 in FOLDER/64.b64, or with the whole
response in FOLDER/64.gz; `/500/api/v1/chat/completions/` answers or streams 500 tokens; `/interim/api/v1/status/` sends
interim responses without end. Uploads are discarded.
"""

import json
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

CERTIFICATE = "tls.pem"
TOKENS_PER_SECOND = 200
_TOKEN = "word "
_FIELDS = {"text-to-video": b"video", "image": b"image"}
_MIB = 1024 * 1024
_DISCARD = getattr(socket, "MSG_TRUNC", 0) if sys.platform == "linux" else 0  # the kernel discards the bytes
_TAIL_BYTES = 64  # only the end of an upload is read, to check that the form is complete

_SMALL_REPLIES = {
    "status": {"user": "a@example.com", "credits": 100.0, "api_key": {"name": "k", "usage_count": 1}},
    "translation": {"success": True, "translated_text": "ciao", "source_language": "en", "target_language": "it"},
}
_CREDITS = {"credits_used": 0.1, "credits_remaining": 99.9}


class Connection:
    """A client's connection."""

    def __init__(self, connection: socket.socket, folder: Path) -> None:
        self._socket = connection
        self._folder = folder
        self._rest = b""
        self._handlers: dict[str, Callable[[str, int], None]] = {"stt": self._upload, "completions": self._chat}
        self._handlers |= dict.fromkeys(_FIELDS, self._media)

    def serve(self) -> None:
        """Reply until the client closes the connection."""
        with self._socket:
            try:
                while head := self._head():
                    request, *lines = head.decode("latin-1").split("\r\n")
                    headers = dict(line.lower().split(": ", 1) for line in lines)
                    path = request.split()[1]
                    handle = self._handlers.get(path.split("/")[-2], self._small)
                    handle(path, int(headers.get("content-length", 0)))
            except OSError:
                pass  # the client has left

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self._rest:
            received = self._socket.recv(64 * 1024)
            if not received:
                return b""
            self._rest += received
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return head

    def _body(self, length: int) -> bytes:
        while len(self._rest) < length:
            received = self._socket.recv(64 * 1024)
            if not received:
                raise ConnectionError
            self._rest += received
        body, self._rest = self._rest[:length], self._rest[length:]
        return body

    def _small(self, path: str, length: int) -> None:
        self._body(length)
        while path.startswith("/interim/"):
            self._socket.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
        self._json(_SMALL_REPLIES.get(path.split("/")[-2], {"success": True}))

    def _json(self, fields: object) -> None:
        body = json.dumps(fields).encode()
        self._socket.sendall(_response_head(len(body)) + body)

    def _upload(self, _path: str, length: int) -> None:
        left, buffer = length, memoryview(bytearray(_MIB))
        if left - len(self._rest) > _TAIL_BYTES:
            left -= len(self._rest)
            self._rest = b""
        while left > _TAIL_BYTES + len(self._rest):
            received = self._socket.recv_into(buffer, min(_MIB, left - _TAIL_BYTES), _DISCARD)
            if not received:
                raise ConnectionError
            left -= received
        is_complete = self._body(left).endswith(b"--\r\n")
        text = f"{length} bytes, {'complete' if is_complete else 'incomplete'}"
        self._json({"success": True, "text": text, "language": "en", "duration": 1.0, **_CREDITS})

    def _media(self, path: str, length: int) -> None:
        self._body(length)
        _, amount, *_, name, _ = path.split("/")
        compressed = self._folder / f"{amount}.gz"
        if compressed.exists():
            self._socket.sendall(_response_head(compressed.stat().st_size, "Content-Encoding: gzip\r\n"))
            self._send(compressed)
            return
        stored = self._folder / f"{amount}.b64"
        used = json.dumps(_CREDITS)[1:].encode()
        before, after = b'{"success":true,"%b":"' % _FIELDS[name], b'","provider":"bench","count":1,%b' % used
        self._socket.sendall(_response_head(len(before) + stored.stat().st_size + len(after)) + before)
        self._send(stored)
        self._socket.sendall(after)

    def _send(self, path: Path) -> None:
        with path.open("rb") as file:
            if isinstance(self._socket, ssl.SSLSocket) or not hasattr(os, "sendfile"):
                while block := file.read(_MIB):
                    self._socket.sendall(block)
                return
            while os.sendfile(self._socket.fileno(), file.fileno(), None, 64 * _MIB):
                pass

    def _chat(self, path: str, length: int) -> None:
        body = json.loads(self._body(length))
        chunk = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
        if not body.get("stream"):
            message = {"role": "assistant", "content": _TOKEN * int(path.split("/")[1])}
            self._json({**chunk, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
            return
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        self._socket.sendall(head.encode())
        started = time.perf_counter()
        for number in range(int(path.split("/")[1])):
            time.sleep(max(0.0, started + number / TOKENS_PER_SECOND - time.perf_counter()))
            self._event({**chunk, "choices": [{"index": 0, "delta": {"content": _TOKEN}, "finish_reason": None}]})
        self._event({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._socket.sendall(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    def _event(self, chunk: object) -> None:
        event = b"data: %b\n\n" % json.dumps(chunk, separators=(",", ":")).encode()
        self._socket.sendall(b"%x\r\n%b\r\n" % (len(event), event))


def _response_head(length: int, headers: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n".encode()


def _listen(folder: Path, tls: ssl.SSLContext | None) -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def serve(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            encrypted = tls.wrap_socket(connection, server_side=True) if tls else connection
        except OSError:
            connection.close()
            return
        Connection(encrypted, folder).serve()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def make_certificate(folder: Path) -> Path:
    """Write a private key and its self-signed certificate to one file. Clients use the file to trust the service."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / CERTIFICATE
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


def main(folder: Path) -> None:
    """Serve until stdin ends."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(make_certificate(folder))
    print(json.dumps({"http": _listen(folder, None), "https": _listen(folder, tls)}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
