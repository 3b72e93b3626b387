"""The sandbox on a real socket."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.sandbox.world import ANN, HELLO
from webvoice_mcp import __version__
from webvoice_mcp.sandbox.serve import running, serve


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with running(tmp_path) as base_url:
        yield base_url


@pytest.fixture
def client(url: str) -> Iterator[httpx2.Client]:
    """An HTTP client that has registered and sends its key."""
    site = url.removesuffix("/api/v1")
    with httpx2.Client(base_url=url) as made:
        made.post("auth/send-code/", json={"email": ANN, "accept_privacy": True, "accept_terms": True})
        code = made.get(f"{site}/sandbox/inbox/", params={"email": ANN}).json()["messages"][-1]["code"]
        verified = made.post("auth/verify-code/", json={"email": ANN, "code": code}).json()
        made.headers["X-API-Key"] = verified["api_key"]
        yield made


def _fault(client: httpx2.Client, fault: dict[str, Any]) -> None:
    site = str(client.base_url).removesuffix("/api/v1/")
    assert client.post(f"{site}/sandbox/faults/", json=fault).status_code == 200


def _raw(url: str, request: bytes) -> bytes:
    """Send a request, and return everything received until the connection closes."""
    address = httpx2.URL(url)
    with socket.create_connection((address.host, address.port or 80)) as connection:
        connection.sendall(request)
        chunks = list(iter(lambda: connection.recv(65536), b""))
    return b"".join(chunks)


def test_every_response_names_the_sandbox_in_a_header(client: httpx2.Client) -> None:
    _fault(client, {"path": "voices/", "status": 503})
    for path in ("status/", "voices/", "nowhere/"):
        headers = client.get(path).headers
        assert (headers["X-WebVoice-Sandbox"], headers["Server"]) == (__version__, "webvoice-mcp-sandbox")


def test_a_dropped_connection_sends_no_response(client: httpx2.Client) -> None:
    _fault(client, {"path": "chat/completions/", "drop": True})
    with pytest.raises((httpx2.NetworkError, httpx2.RemoteProtocolError)):
        client.post("chat/completions/", json=HELLO)
    assert client.get("status/").json()["credits"] == 20.0


def test_a_dropped_upload_gets_no_response(client: httpx2.Client) -> None:
    _fault(client, {"path": "stt/", "drop": True})
    with pytest.raises((httpx2.NetworkError, httpx2.RemoteProtocolError)):
        client.post("stt/", files={"audio": bytes(2**24)})


def test_a_cut_response_declares_its_full_length(url: str, client: httpx2.Client) -> None:
    full_length = client.get("voices/").headers["Content-Length"]
    _fault(client, {"path": "voices/", "cut_at": 10})
    key = client.headers["X-API-Key"]
    answer = _raw(url, f"GET /api/v1/voices/ HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"content-length: {full_length}".encode() in head
    assert body == b'{"success"'


def test_a_cut_response_is_charged(client: httpx2.Client) -> None:
    _fault(client, {"path": "chat/completions/", "cut_at": 1})
    with pytest.raises(httpx2.RemoteProtocolError):
        client.post("chat/completions/", json=HELLO)
    assert client.get("status/").json()["credits"] == 18.0


def test_a_stream_can_be_cut(client: httpx2.Client) -> None:
    _fault(client, {"path": "chat/completions/", "cut_at": 300})
    received: list[bytes] = []
    with client.stream("POST", "chat/completions/", json={**HELLO, "stream": True}) as reply:
        pieces = reply.iter_raw()
        with pytest.raises(httpx2.RemoteProtocolError):
            received.extend(pieces)
    assert len(b"".join(received)) == 300
    assert received[0].startswith(b'data: {"id":"chatcmpl-sbx')


def test_a_fault_response_to_an_upload_can_be_cut(client: httpx2.Client) -> None:
    _fault(client, {"path": "stt/", "status": 500, "body": "a" * 100, "cut_at": 50})
    with client.stream("POST", "stt/", files={"audio": bytes(2**22)}) as reply:
        assert (reply.status_code, reply.headers["Content-Length"]) == (500, "100")
        with pytest.raises(httpx2.RemoteProtocolError):
            reply.read()


def test_a_connection_is_kept_over_several_calls(client: httpx2.Client) -> None:
    assert [client.get("status/").json()["api_key"]["usage_count"] for _ in range(3)] == [1, 2, 3]


def test_the_sandbox_can_listen_on_ipv6_loopback(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:  # pragma: no cover - only where there is no IPv6
        pytest.skip("this machine has no IPv6")
    with running(tmp_path, host="[::1]") as url:
        assert url.startswith("http://[::1]:")
        assert httpx2.get(f"{url}/nowhere").status_code == 404


@pytest.mark.parametrize("host", ["0.0.0.0", ""])
def test_other_hosts_than_loopback_are_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValueError, match=r"listens on loopback only, not on '.*'\. Use 127.0.0.1, localhost or ::1"):
        serve(host, 0, tmp_path, listening=print)


@pytest.mark.parametrize("port", [-1, 65536])
def test_an_invalid_port_is_refused(tmp_path: Path, port: int) -> None:
    with pytest.raises(ValueError, match=f"{port} is not a port. Use a number from 0 to 65535"):
        serve("localhost", port, tmp_path, listening=print)


def test_a_port_in_use_is_an_os_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match=r"in use|Only one usage"):
        serve("127.0.0.1", taken.getsockname()[1], tmp_path, listening=print)


_PROGRAM = """
import sys, webvoice_mcp.sandbox.serve as s
from pathlib import Path
s.serve("127.0.0.1", 0, Path(sys.argv[1]), listening=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that a process can handle")
@pytest.mark.parametrize(("signalled", "busy"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
@pytest.mark.slow
def test_a_signal_ends_the_sandbox_cleanly(tmp_path: Path, signalled: signal.Signals, busy: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        site = url.removesuffix("/api/v1")
        thread = threading.Thread(target=_call_and_wait, args=(url,))
        if busy:
            httpx2.post(f"{site}/sandbox/faults/", json={"path": "voices/", "delay": 600})
            thread.start()
            _wait_until_no_fault_is_pending(site)  # then the request was received, and its response is delayed
        process.send_signal(signalled)
        out, err = process.communicate(timeout=60)
        if busy:
            thread.join()
    assert (process.returncode, out, err) == (0, "ended\n", "")


def _wait_until_no_fault_is_pending(site: str) -> None:
    deadline = time.monotonic() + 60
    while httpx2.get(f"{site}/sandbox/faults/").json()["faults"]:
        assert time.monotonic() < deadline


def _call_and_wait(url: str) -> None:
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(f"{url}/voices/").raise_for_status()


def test_an_invalid_http_request_does_no_harm(url: str) -> None:
    assert _raw(url, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert httpx2.get(f"{url}/nowhere").status_code == 404
