"""A service that means harm, over real sockets: lies in HTTP and TLS, bombs, bodies without end, words that steer."""

import gzip
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.support import CANARY, http
from tests.tls import DAY, NOW, Authority
from tests.wire.conftest import Start
from tests.wire.test_wire_memory import forget_peak, peak
from tests.wire.world import failure, fields
from tests.wire_driver import PATIENCE, SERVER, Message, Wire, environment, serving

MIB = 1024 * 1024
GROWN = 32 * MIB  # the most that an answer of whatever kind may cost
SOON = 2.0  # seconds in which everybody else is answered, also on a machine that is busy
TIMEOUT = 1.0  # seconds that a call lasts where an answer never ends
SPENT = "Credits may have been spent"

Say = Callable[[socket.socket], None]
wide = pytest.mark.wide


class Adversary:
    """A service that says whatever bytes it is told to.

    Attributes:
        say: the answer to every request: bytes, or what talks to the connection itself.
        stays: whether a connection goes on after an answer.
        begin: what makes connections secret, or what talks to them in place of everything else.
    """

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.say: bytes | Say = b""
        self.stays = False
        self.begin: ssl.SSLContext | Say | None = None
        self.left = threading.Event()  # somebody closed the connection while we still talked
        self._talks: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/v1"

    def answering(self, say: bytes | Say) -> "Adversary":
        """Begin anew with this answer, once those who are hanging up have done so: a request may not cross that."""
        for talk in [] if self.stays else self._talks:
            talk.join(0.5)
        self._talks.clear()
        self.requests.clear()
        self.connections = 0
        self.say, self.stays = say, False
        self.left.clear()
        return self

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                talk = threading.Thread(target=self._talk, args=(connection,), daemon=True)
                talk.start()
                self._talks.append(talk)

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        try:
            with connection:
                if isinstance(self.begin, ssl.SSLContext):
                    with self.begin.wrap_socket(connection, server_side=True) as secret:
                        self._serve(secret)
                else:
                    (self.begin or self._serve)(connection)
        except OSError:
            self.left.set()

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while head := b"".join(iter(stream.readline, b"\r\n")):
            length = re.search(rb"(?i)content-length: (\d+)", head)
            self.requests.append(head + b"\r\n" + stream.read(int(length[1]) if length else 0))
            say = self.say
            say(connection) if callable(say) else connection.sendall(say)
            if not self.stays:
                return


def endless(head: bytes, block: bytes) -> Say:
    """An answer without end."""

    def say(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(block)

    return say


def slowly(answer: bytes, seconds: float) -> Say:
    """An answer that comes a byte at a time."""

    def say(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(answer)):
            connection.sendall(answer[place : place + 1])
            time.sleep(seconds)

    return say


def until(moment: threading.Event) -> Say:
    """No answer, and no end before this moment."""

    def say(_connection: socket.socket) -> None:
        moment.wait(PATIENCE)

    return say


@pytest.fixture(scope="module")
def adversary() -> Iterator[Adversary]:
    service = Adversary()
    yield service
    service.close()


@pytest.fixture(scope="module")
def wire(start: Start, adversary: Adversary) -> Wire:
    """A server that is patient, and takes files of up to a megabyte."""
    return start(BASE_URL=adversary.base_url, API_KEY=CANARY, TIMEOUT=10, INLINE_WAIT=0, MAX_FILE_MB=1)


@pytest.fixture(scope="module")
def hasty(start: Start, adversary: Adversary) -> Wire:
    """The same without patience."""
    return start(BASE_URL=adversary.base_url, API_KEY=CANARY, TIMEOUT=TIMEOUT, INLINE_WAIT=0, MAX_FILE_MB=1)


GOOD = b'{"translated_text":"Ciao"}'
TRANSLATE: tuple[str, Message] = ("webvoice_translate", {"text": "Hi", "target_language": "it"})
SPEAK: tuple[str, Message] = ("webvoice_tts", {"text": "Hi", "output_path": "deep/hi.mp3"})
DRAW: tuple[str, Message] = ("webvoice_image", {"prompt": "x", "provider": "nucleus", "num_images": 2})
CHAT: tuple[str, Message] = ("webvoice_chat", {"prompt": "Hi", "stream": True})
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


# Heads


def with_head(*lines: str, body: bytes = GOOD) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode("latin-1") + body


def with_status(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(GOOD)}\r\n\r\n".encode() + GOOD


CHUNKED = "Transfer-Encoding: chunked"
LENGTH = f"Content-Length: {len(GOOD)}"

# What is said, and the code that comes of it; "" for a delivered answer.
HEADS: list[tuple[str, bytes, str]] = [
    *((f"status {each}", with_status(each), "network_error") for each in ("0", "000", "099", "1000", "-1", "abc", "")),
    *((f"status {each}", with_status(each), "network_error") for each in ("100 X", "101 X", "102 X", "199 X")),
    *((f"status {each}", with_status(each), "") for each in ("201 X", "206 X", "299 X")),
    *((f"status {each}", with_status(each), "bad_request") for each in ("400 X", "418 X", "451 X", "499 X")),
    *((f"status {each}", with_status(each), "server_error") for each in ("500 X", "599 X", "600 X", "999 X")),
    ("no content", b"HTTP/1.1 204 X\r\n\r\n", "invalid_response"),
    ("an upgrade", b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + GOOD, "network_error"),
    ("many 1xx first", b"HTTP/1.1 100 Continue\r\n\r\n" * 5000 + http(GOOD), ""),
    ("10,000 headers", with_head(*(["x: y"] * 10_000), LENGTH), ""),
    ("a header of 1 MB", with_head("x: " + "y" * MIB, LENGTH), "network_error"),
    ("5,000 cookies", with_head(*(["Set-Cookie: a=b"] * 5000), LENGTH), ""),
    ("NUL in a header", with_head("x: \0", LENGTH), "network_error"),
    ("odd letters in headers", with_head("Date: \xff", "Content-Type: \xfe", LENGTH), ""),
    ("a longer length", with_head("Content-Length: 99"), "invalid_response"),
    ("a shorter length", with_head("Content-Length: 5"), "invalid_response"),
    ("no length", with_head(), ""),
    ("two lengths that differ", with_head(LENGTH, "Content-Length: 5"), "network_error"),
    ("the length twice", with_head(LENGTH, LENGTH), ""),
    ("length and chunks", with_head(LENGTH, CHUNKED, body=b"1a\r\n" + GOOD + b"\r\n0\r\n\r\n"), ""),
    *((f"length {each}", with_head(f"Content-Length: {each}"), "network_error") for each in ("-1", "0x1a", "1e3")),
    ("a huge length", with_head(f"Content-Length: {'9' * 20}"), "invalid_response"),
    ("chunks without end", with_head(CHUNKED, body=b"1a\r\n" + GOOD + b"\r\n"), "invalid_response"),
    *((f"chunk {each!r}", with_head(CHUNKED, body=each), "invalid_response") for each in (b"zz\r\n", b"-5\r\nx")),
    ("a chunk's long name", with_head(CHUNKED, body=b"5;" + b"x" * MIB), "invalid_response"),
    ("another type", http(GOOD, kind="text/html; charset=utf-16"), ""),
    ("a stream's type", http(GOOD, kind="text/event-stream"), ""),
    *((f"not in {each}", http(GOOD, Content_Encoding=each), "invalid_response") for each in ("gzip", "deflate")),
    ("encoded too often", http(GOOD, Content_Encoding="gzip" + ", gzip" * 9), "invalid_response"),
    ("no HTTP", b"SSH-2.0-OpenSSH_9.9\r\n", "network_error"),
    ("only a body", GOOD, "network_error"),
    ("binary", bytes(range(256)) * 99, "network_error"),
    ("nothing", b"", "network_error"),
    ("the wait for a rate limit", http(GOOD, "429 X", Retry_After="9" * 9), "rate_limited"),
]


@pytest.mark.parametrize(("answer", "code"), [row[1:] for row in HEADS], ids=[row[0] for row in HEADS])
def test_a_head_that_lies_is_seen_through_and_a_paid_call_is_sent_once(
    wire: Wire, adversary: Adversary, answer: bytes, code: str
) -> None:
    adversary.answering(answer)
    result = wire.call(*TRANSLATE)
    assert len(adversary.requests) == 1
    if code:
        assert failure(result)[0] == code
        adversary.answering(http(GOOD))
        result = wire.call(*TRANSLATE)
    assert fields(result)["translated_text"] == "Ciao"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
@pytest.mark.parametrize("tool", [TRANSLATE, ("webvoice_status", {})], ids=["POST", "GET"])
def test_a_redirect_takes_the_key_nowhere(
    wire: Wire, adversary: Adversary, status: int, tool: tuple[str, Message]
) -> None:
    other = Adversary()
    try:
        for target in (f"{other.base_url}/", other.base_url.removeprefix("http:"), "http://[::1", "http://\xff/"):
            adversary.answering(http(b"", f"{status} X", Location=target, Refresh=f"0; url={target}"))
            result = wire.call(*tool)
            assert failure(result)[0] == "invalid_response"
            assert result["_meta"]["webvoice/error"]["status"] == status
            assert len(adversary.requests) == 1
    finally:
        other.close()
    assert (other.connections, other.requests) == (0, [])


def test_nothing_that_a_service_sets_is_brought_back(wire: Wire, adversary: Adversary) -> None:
    cookie = "a=b; Path=/; Max-Age=999"
    adversary.answering(http(GOOD, Set_Cookie=cookie, ETag='"tag"', Accept_CH="Host", WWW_Authenticate="Basic"))
    for _ in range(2):
        fields(wire.call(*TRANSLATE))
    first, second = adversary.requests
    assert second == first


# Too much


def files_in(home: Path) -> list[Path]:
    return list((home / "out").rglob("*"))


@contextmanager
def bounded(wire: Wire) -> Iterator[None]:
    """The server needs little more memory than before, as far as that can be seen here."""
    seen = sys.platform.startswith("linux")
    if seen:
        forget_peak(wire)
    before = peak(wire) if seen else 0
    yield
    assert not seen or peak(wire) - before < GROWN


def event(delta: Message) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n"


LARGE = b"A" * 64 * 1024
CEILING = "than the 1 MB that WEBVOICE_MAX_FILE_MB allows"
# What has no end, of which call, and what the error says.
ENDLESS: list[tuple[str, tuple[str, Message], Say, str]] = [
    ("headers", TRANSLATE, endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 1000), "network_error"),
    ("a header", TRANSLATE, endless(b"HTTP/1.1 200 OK\r\nx: ", LARGE), "network_error"),
    ("1xx", TRANSLATE, endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000), "timeout"),
    ("JSON", TRANSLATE, endless(OPEN + b'{"translated_text":"', LARGE), "larger than 8 MiB"),
    ("white space", TRANSLATE, endless(OPEN, b" " * 65536), "larger than 8 MiB"),
    ("an error", TRANSLATE, endless(b'HTTP/1.1 400 X\r\n\r\n{"message":"', LARGE), "bad_request"),
    ("audio", SPEAK, endless(OPEN + b'{"audio":"', LARGE), CEILING),
    ("beside the audio", SPEAK, endless(OPEN + b'{"audio":"QUJD","x":"', LARGE), "besides the media"),
    ("pictures", DRAW, endless(OPEN + b'{"images":["eA"', b',"' + LARGE + b'"'), CEILING),
    ("small pictures", DRAW, endless(OPEN + b'{"images":["eA"', b',"eA"' * 99), "more than 64 media"),
    ("links", DRAW, endless(OPEN + b'{"images":["eA"', b',"https://x/' + LARGE + b'"'), "a link of more than"),
    ("an event", CHAT, endless(STREAM + b'data: {"x":"', LARGE), "invalid_response"),
    ("lines of an event", CHAT, endless(STREAM, b"data: " + LARGE + b"\n"), "invalid_response"),
    ("events", CHAT, endless(STREAM, event({"content": "x" * 65536})), "did not end"),
    ("tool calls", CHAT, endless(STREAM, event({"tool_calls": [{"index": 0}] * 100})), "did not end"),
    ("comments", CHAT, endless(STREAM, b": ping\n\n" * 1000), "timeout"),
    ("empty events", CHAT, endless(STREAM, event({"role": "assistant"}) * 100), "timeout"),
]


@wide
@pytest.mark.parametrize(("tool", "say", "told"), [row[1:] for row in ENDLESS], ids=[row[0] for row in ENDLESS])
def test_what_never_ends_is_stopped_and_nothing_of_it_stays(
    wire: Wire, hasty: Wire, adversary: Adversary, home: Path, tool: tuple[str, Message], say: Say, told: str
) -> None:
    server = hasty if told == "timeout" else wire
    adversary.answering(say)
    with bounded(server):
        code, text = failure(server.call(*tool))
    assert code in {"network_error", "invalid_response", "timeout", "bad_request"}
    assert told in text
    assert adversary.left.wait(PATIENCE)
    assert len(adversary.requests) == 1
    assert files_in(home) == []


GZIP = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # how it begins


def bomb(block: bytes, mebibytes: int, before: bytes = b"", codings: str = "gzip") -> bytes:
    """An answer that is small on its way, of so many times this block of a mebibyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(before + block) + packer.flush(zlib.Z_FULL_FLUSH)
    packed += (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)) * (mebibytes - 1)
    if codings.startswith("gzip"):
        packed = GZIP + packed
    for _ in range(codings.count(",")):
        packed = gzip.compress(packed)
    return http(packed, Content_Encoding=codings)


def zstd_bomb(letter: bytes, mebibytes: int, before: bytes) -> bytes:
    """The same in a coding that not every Python knows: blocks of 128 KiB of one letter, in four bytes each."""
    first = (len(before) << 3).to_bytes(3, "little") + before
    block = (131072 << 3 | 1 << 1).to_bytes(3, "little") + letter
    return http(b"\x28\xb5\x2f\xfd\x00\x58" + first + block * 8 * mebibytes, Content_Encoding="zstd")


def as_events(answer: bytes) -> bytes:
    return answer.replace(b"application/json", b"text/event-stream", 1)


SPACES, LETTERS, LINES = b" " * MIB, b"A" * MIB, b"\n" * MIB
NOTHING = b"\0\0\0\xff\xff" * (MIB // 5)  # unpacked once more, it is empty
BOMBS: list[tuple[str, tuple[str, Message], bytes]] = [
    ("small JSON", TRANSLATE, bomb(LETTERS, 512, b'{"translated_text":"')),
    ("packed twice", TRANSLATE, bomb(LETTERS, 4096, b'{"translated_text":"', "gzip, gzip")),
    ("deflate", TRANSLATE, bomb(LETTERS, 512, b'{"translated_text":"', "deflate")),
    ("zstd", TRANSLATE, zstd_bomb(b"A", 512, b'{"translated_text":"')),
    ("an error", TRANSLATE, bomb(LETTERS, 512, b'{"message":"').replace(b"200 OK", b"500 Oh", 1)),
    ("beside the audio", SPEAK, bomb(SPACES, 512, b'{"success":true')),
    ("audio", SPEAK, bomb(LETTERS, 512, b'{"audio":"')),
    ("white space in the audio", SPEAK, bomb(SPACES, 4096, b'{"audio":"', "gzip, gzip")),
    ("an event", CHAT, as_events(bomb(LETTERS, 512, b"data: "))),
    ("empty lines", CHAT, as_events(bomb(LINES, 40))),
    ("nothing", TRANSLATE, bomb(NOTHING, 2048, GZIP, "gzip, gzip").replace(b"gzip, ", b"gzip, gzip, ", 1)),
    ("lists", TRANSLATE, http(b'{"translated_text":"Ciao","x":[%b0]}' % (b"[]," * (2 * MIB)))),
    ("a string without end", TRANSLATE, http(b'{"a": "' + b',\\"' * 205_000)),
    ("lists in a stream", CHAT, as_events(http(b'data: {"usage":{"x":[%b0]}}\n\n' % (b"[]," * MIB)))),
]


def impatiently(wire: Wire, tool: str, arguments: Message) -> tuple[Message, float]:
    """The result of a call, and the longest that anybody else had to wait meanwhile."""
    asked = wire.post("tools/call", {"name": tool, "arguments": arguments})
    longest = 0.0
    while True:
        began = time.monotonic()
        wire.result("ping")
        longest = max(longest, time.monotonic() - began)
        for message in wire.notifications:
            if message.get("id") == asked:
                return message["result"], longest


@pytest.mark.parametrize(("tool", "answer"), [row[1:] for row in BOMBS], ids=[row[0] for row in BOMBS])
def test_a_bomb_takes_neither_the_memory_nor_the_time_of_others(
    hasty: Wire, adversary: Adversary, home: Path, tool: tuple[str, Message], answer: bytes
) -> None:
    adversary.answering(answer)
    began = time.monotonic()
    with bounded(hasty):
        result, longest = impatiently(hasty, *tool)
    print(f"{len(answer) / MIB:.2f} MiB sent, {time.monotonic() - began:.2f} s, others waited {longest:.2f} s")
    if result["isError"]:
        assert failure(result)[0] in {"invalid_response", "server_error", "timeout"}
    assert longest < SOON
    assert time.monotonic() - began < TIMEOUT + SOON
    assert len(adversary.requests) == 1
    assert files_in(home) == []


# Too slow


def test_an_answer_that_comes_a_byte_at_a_time_comes(wire: Wire, adversary: Adversary) -> None:
    adversary.answering(slowly(http(GOOD), 0.001))
    assert fields(wire.call(*TRANSLATE))["translated_text"] == "Ciao"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(b": ping\n\n" * 999, kind="text/event-stream"), id="events"),
        pytest.param(http(GOOD * 99), id="JSON", marks=wide),
        pytest.param(http(GOOD * 99, "500 Oh"), id="an error", marks=wide),
    ],
)
def test_an_answer_that_comes_too_slowly_is_not_waited_for(hasty: Wire, adversary: Adversary, answer: bytes) -> None:
    adversary.answering(slowly(answer, 0.02))
    began = time.monotonic()
    code, text = failure(hasty.call(*CHAT))
    assert time.monotonic() - began < TIMEOUT + SOON
    assert code in {"timeout", "server_error"}
    assert SPENT in text
    assert len(adversary.requests) == 1


# TLS


class Secret:
    """A server that trusts one authority, and a service that it finds by https."""

    def __init__(self, wire: Wire, adversary: Adversary, trusted: Authority, stranger: Authority) -> None:
        self.wire = wire
        self.adversary = adversary
        self.trusted = trusted
        self.stranger = stranger


@contextmanager
def secretly(home: Path, **variables: Any) -> Iterator[Secret]:
    trusted, stranger = Authority(home, "trusted"), Authority(home, "stranger")
    adversary = Adversary()
    adversary.say = http(GOOD)
    address = adversary.base_url.replace("http:", "https:")
    environ = environment(home, {"BASE_URL": address, "API_KEY": CANARY, **variables})
    try:
        with serving(environ | {"SSL_CERT_FILE": str(trusted.file)}) as wire:
            yield Secret(wire, adversary, trusted, stranger)
    finally:
        adversary.close()


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secret]:
    with secretly(tmp_path_factory.mktemp("tls")) as made:
        yield made


def _saying(data: bytes) -> Say:
    def say(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.recv(65536)  # closed too early, it would be no answer at all

    return say


OTHER = x509.DNSName("other.example")
# How the service begins, and what the error says of it.
UNTRUE: list[Any] = [
    pytest.param(lambda on: on.trusted.context(end=NOW - DAY), "certificate has expired", id="expired"),
    pytest.param(lambda on: on.trusted.context(OTHER), "not valid for '127.0.0.1'", id="another host", marks=wide),
    pytest.param(lambda on: on.stranger.context(), "unable to get local issuer", id="a stranger", marks=wide),
    pytest.param(lambda _: _saying(http(GOOD)), "WRONG_VERSION_NUMBER", id="plain text"),
    pytest.param(lambda _: _saying(b""), "connection failed", id="nothing", marks=wide),
    pytest.param(lambda _: _saying(LARGE), "WRONG_VERSION_NUMBER", id="letters", marks=wide),
]


@pytest.mark.parametrize(("begins", "reason"), UNTRUE)
def test_whoever_cannot_prove_to_be_the_service_gets_no_request(
    secret: Secret, begins: Callable[[Secret], ssl.SSLContext | Say], reason: str
) -> None:
    adversary = secret.adversary.answering(http(GOOD))
    adversary.begin = begins(secret)
    code, text = failure(secret.wire.call(*TRANSLATE))
    assert code == "network_error"
    assert reason in text
    assert "No credits were spent" in text
    assert adversary.requests == []
    adversary.begin = secret.trusted.context()
    assert fields(secret.wire.call(*TRANSLATE))["translated_text"] == "Ciao"
    assert len(adversary.requests) == 1


def test_a_handshake_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    with secretly(tmp_path, TIMEOUT=TIMEOUT) as on:
        never = threading.Event()
        on.adversary.begin = until(never)
        began = time.monotonic()
        code, _ = failure(on.wire.call(*TRANSLATE))
        assert time.monotonic() - began < TIMEOUT + SOON
        assert code in {"timeout", "network_error"}
        never.set()
        on.adversary.begin = on.trusted.context()
        assert fields(on.wire.call(*TRANSLATE))["translated_text"] == "Ciao"
        assert len(on.adversary.requests) == 1


# Words for a terminal, and for a log

_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
STEERING = {chr(code) for code in {*range(0x10000)} - {*b"\t\n"} if unicodedata.category(chr(code)) == "Cc"} | {
    chr(code) for code in range(0x10000) if unicodedata.bidirectional(chr(code)) in _BIDI
}
NASTY = "\x1b[2J\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x07\x1b]52;c;aGk=\x07\x9b31m\r\x08\x00\u202eabc\u2066"
SAID = {
    "translated_text": NASTY,
    "user": NASTY,
    "credits": 5,
    "api_key": {"name": NASTY},
    "message": NASTY,
    NASTY: NASTY,
}
UNSAID = {"success": False, "message": NASTY}


def run(home: Path, adversary: Adversary, *words: str, typed: bytes = b"", **variables: Any) -> tuple[int, str]:
    """Exit code of a command and all that it printed."""
    environ = environment(home, {"BASE_URL": adversary.base_url, **variables}) | {"PYTHONUTF8": "1"}
    done = subprocess.run(
        [*SERVER, *words], input=typed, capture_output=True, env=environ, timeout=PATIENCE, check=False
    )
    return done.returncode, (done.stdout + done.stderr).decode().replace("\r\n", "\n")


def calm(text: str) -> bool:
    """Whether nothing in this text can steer a terminal, or is a secret."""
    return not STEERING & set(text) and CANARY not in text and "Traceback" not in text


CALL = ["call", "webvoice_translate", "text=Hi", "target_language=it"]
COMMANDS: list[Any] = [
    pytest.param(CALL, SAID, id="call"),
    pytest.param(["status"], SAID, id="status"),
    pytest.param(CALL, UNSAID, id="failed call", marks=wide),
    pytest.param([*CALL, "--json"], SAID, id="call --json", marks=wide),
    pytest.param([*CALL, "--json"], UNSAID, id="failed call --json", marks=wide),
    pytest.param(["status"], UNSAID, id="failed status", marks=wide),
    pytest.param(["doctor"], SAID, id="doctor", marks=wide),
    pytest.param(["doctor"], UNSAID, id="failed doctor", marks=wide),
]


@pytest.mark.parametrize(("words", "answer"), COMMANDS)
def test_no_word_of_the_service_steers_the_terminal(
    tmp_path: Path, adversary: Adversary, words: list[str], answer: Message
) -> None:
    adversary.answering(http(json.dumps(answer).encode()))
    _, printed = run(tmp_path, adversary, *words, API_KEY=CANARY)
    assert "evil.example" in printed
    assert calm(printed)


@pytest.mark.parametrize(
    "key",
    [pytest.param(f"wv_{NASTY}", id="no key"), pytest.param("wv_second_1234567890", id="a key", marks=wide)],
)
def test_signing_in_prints_no_word_that_steers_the_terminal(tmp_path: Path, adversary: Adversary, key: str) -> None:
    verified = {"success": True, "message": NASTY, "api_key": key, "onboarding": {"credits": NASTY}}
    adversary.answering(http(json.dumps(verified).encode()))
    _, printed = run(tmp_path, adversary, "login", "--email", "a@example.com", typed=b"y\ny\n123456\n")
    assert "Code in the mail: " in printed
    assert calm(printed)


def test_the_loudest_log_holds_neither_what_steers_a_terminal_nor_the_key(tmp_path: Path, adversary: Adversary) -> None:
    said = json.dumps({**SAID, "echo": CANARY}).encode()
    streamed = b"data: " + json.dumps({"error": {"message": f"{NASTY} {CANARY}"}}).encode() + b"\n\n"
    answers = [
        http(said),
        http(said, "400 \x1b[31m"),
        http(said, "401 X", X_Echo=CANARY),
        http(said, "500 X"),
        b"\x1b[2J",
    ]
    answers += [http(streamed, kind="text/event-stream"), http(b"{" + said), with_head(f"x: {CANARY}\0")]
    with serving(
        environment(tmp_path, {"BASE_URL": adversary.base_url, "API_KEY": CANARY, "LOG_LEVEL": "DEBUG"})
    ) as on:
        for answer in answers:
            adversary.answering(answer)
            for tool in (TRANSLATE, CHAT):
                assert CANARY not in json.dumps(on.call(*tool))
        ended = on.eof()
    assert "DEBUG" in ended.stderr
    assert calm(ended.stderr)
