"""Proxy variables as they are found on people's computers."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support import CANARY, http
from tests.tls import CertificateAuthority
from tests.wire.hostile_service import HostileService, running_hostile_service
from tests.wire.results import failure
from tests.wire.setups import SPEECH, session, speak, variables
from tests.wire_driver import TIMEOUT_SECONDS

pytestmark = pytest.mark.wide
DEAD = "127.0.0.1:9"


class HttpProxy:
    """An HTTP proxy that opens tunnels."""

    def __init__(self) -> None:
        self.tunnels: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://ann:secret@127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as reader:
            head = b"".join(iter(reader.readline, b"\r\n")).decode()
            target = re.match(r"CONNECT ([0-9.]+):([0-9]+) ", head)
            assert target, head
            self.tunnels.append(head)
            with socket.create_connection((target[1], int(target[2])), TIMEOUT_SECONDS) as service:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_copy, args=(service, client), daemon=True)
                back.start()
                _copy(client, service)
                back.join(TIMEOUT_SECONDS)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def running_proxy() -> Iterator[HttpProxy]:
    proxy = HttpProxy()
    try:
        yield proxy
    finally:
        proxy.close()


class Setup:
    """A service with and without TLS, and the environment of servers that use it."""

    def __init__(self, service: HostileService, home: Path) -> None:
        self.service = service
        self.home = home
        self._authority = CertificateAuthority(home, "authority")

    def environ(self, *, https: bool, **proxies: str) -> dict[str, str]:
        """Return the environment of a server with these proxy variables."""
        self.service.respond_with(http(json.dumps(SPEECH).encode()))
        self.service.on_connect = self._authority.server_context() if https else None
        url = self.service.base_url.replace("http:", "https:") if https else self.service.base_url
        trusted: Any = self._authority.certificate_file
        return variables(self.home, url, SSL_CERT_FILE=trusted, **proxies)


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    with running_hostile_service() as service:
        yield Setup(service, tmp_path)


@pytest.mark.parametrize("https", [True, False], ids=["https", "http on this computer"])
def test_a_live_proxy_is_used_for_https_only(setup: Setup, https: bool) -> None:
    with running_proxy() as proxy:
        environ = setup.environ(https=https, HTTPS_PROXY=proxy.url, HTTP_PROXY=proxy.url)
        with session(environ) as server:
            speak(server, setup.home / "out/hello.mp3")
    assert len(proxy.tunnels) == https
    assert len(setup.service.requests) == 1
    assert CANARY not in str(proxy.tunnels)


def test_a_host_that_needs_no_proxy_is_reached_without_it(setup: Setup) -> None:
    environ = setup.environ(https=True, ALL_PROXY=f"socks5://{DEAD}", NO_PROXY="localhost,127.0.0.1")
    with session(environ) as server:
        speak(server, setup.home / "out/hello.mp3")


def test_a_socks_proxy_without_its_package_is_told_before_any_payment(setup: Setup) -> None:
    with session(setup.environ(https=True, all_proxy=f"socks://{DEAD}/")) as server:
        code, text = failure(server.call("webvoice_tts", {"text": "Hello", "output_path": "hello.mp3"}))
    assert code == "network_error"
    assert "No credits were spent" in text
    assert ("Install httpx2[socks]" in text) == (find_spec("socksio") is None)
    assert setup.service.requests == []
    assert list((setup.home / "out").rglob("*")) == []


def test_a_dead_proxy_of_another_scheme_does_no_harm(setup: Setup) -> None:
    environ = setup.environ(
        https=True, HTTP_PROXY=f"http://{DEAD}", FTP_PROXY=f"http://{DEAD}", http_proxy=f"http://{DEAD}"
    )
    with session(environ) as server:
        speak(server, setup.home / "out/hello.mp3")
