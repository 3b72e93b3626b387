"""Services over real sockets that do not prove their identity. They get no request."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from cryptography import x509

from tests.support import CANARY, http
from tests.tls import DAY, NOW, CertificateAuthority
from tests.wire.hostile_service import (
    TRANSLATE,
    TRANSLATION,
    Handler,
    HostileService,
    plain,
    running_hostile_service,
    silent,
)
from tests.wire.results import failure, fields
from tests.wire_driver import ServerProcess, environment, running_server

wide = pytest.mark.wide
OTHER_HOST = x509.DNSName("other.example")


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A server that uses https for its service and trusts the certificates of one authority."""

    server: ServerProcess
    service: HostileService
    trusted: CertificateAuthority
    stranger: CertificateAuthority


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    home = tmp_path_factory.mktemp("tls")
    trusted, stranger = CertificateAuthority(home, "trusted"), CertificateAuthority(home, "stranger")
    with running_hostile_service() as service:
        variables = {"BASE_URL": service.base_url.replace("http:", "https:"), "API_KEY": CANARY, "TIMEOUT": 3}
        environ = environment(home, variables) | {"SSL_CERT_FILE": str(trusted.certificate_file)}
        with running_server(environ) as server:
            yield Encrypted(server, service, trusted, stranger)


# The service's behaviour on a new connection, and a part of the error text.
UNPROVEN = [
    pytest.param(lambda tls: tls.trusted.server_context(expires=NOW - DAY), "certificate has expired", id="expired"),
    pytest.param(
        lambda tls: tls.trusted.server_context(OTHER_HOST), "not valid for '127.0.0.1'", id="another host", marks=wide
    ),
    pytest.param(lambda tls: tls.stranger.server_context(), "unable to get local issuer", id="stranger", marks=wide),
    pytest.param(lambda _: plain(http(TRANSLATION)), "WRONG_VERSION_NUMBER", id="plain HTTP", marks=wide),
    pytest.param(lambda _: plain(b""), "connection failed", id="nothing", marks=wide),
]


@pytest.mark.parametrize(("behaviour", "reason"), UNPROVEN)
@pytest.mark.slow
def test_a_service_that_does_not_prove_its_identity_gets_no_request(
    encrypted: Encrypted, behaviour: Callable[[Encrypted], ssl.SSLContext | Handler], reason: str
) -> None:
    service = encrypted.service.respond_with(http(TRANSLATION))
    service.on_connect = behaviour(encrypted)
    code, text = failure(encrypted.server.call(*TRANSLATE))
    assert code == "network_error"
    assert reason in text
    assert "No credits were spent" in text
    assert service.requests == []
    _accepts_the_genuine_service(encrypted)


@wide
def test_a_handshake_that_never_ends_is_an_error(encrypted: Encrypted) -> None:
    encrypted.service.respond_with(http(TRANSLATION)).on_connect = silent
    code, _ = failure(encrypted.server.call(*TRANSLATE))
    assert code in {"timeout", "network_error"}
    _accepts_the_genuine_service(encrypted)


def _accepts_the_genuine_service(encrypted: Encrypted) -> None:
    service = encrypted.service.respond_with(http(TRANSLATION))
    service.on_connect = encrypted.trusted.server_context()
    assert fields(encrypted.server.call(*TRANSLATE))["translated_text"] == "Ciao"
    assert len(service.requests) == 1
