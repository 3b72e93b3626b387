"""A hostile service over real sockets: malformed HTTP, redirects, endless bodies, compression bombs, slow bodies."""

import gzip
import json
import platform
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import CANARY, http
from tests.wire.conftest import StartServer
from tests.wire.hostile_service import (
    CHAT,
    MIB,
    TRANSLATE,
    TRANSLATION,
    Handler,
    HostileService,
    as_event_stream,
    endless,
    running_hostile_service,
    silent,
    slowly,
    translation_with_headers,
)
from tests.wire.process_stats import IS_LINUX, cpu_seconds, memory_bytes, peak_memory_bytes, reset_peak_memory
from tests.wire.results import failure, fields
from tests.wire_driver import TIMEOUT_SECONDS, Message, ServerProcess

MAX_GROWTH_BYTES = 32 * MIB  # the most memory that a response may use
MAX_CPU_SECONDS = 2.0  # the most processor time that a response may use, besides WEBVOICE_TIMEOUT
SHORT_TIMEOUT_SECONDS = 1.0  # WEBVOICE_TIMEOUT where a response never ends

wide = pytest.mark.wide

SPEAK: tuple[str, Message] = ("webvoice_tts", {"text": "Hi", "output_path": "deep/hi.mp3"})
DRAW: tuple[str, Message] = ("webvoice_image", {"prompt": "x", "provider": "nucleus", "num_images": 2})
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileService]:
    """A hostile service."""
    with running_hostile_service() as service:
        yield service


@pytest.fixture(scope="module")
def server(start_server: StartServer, hostile: HostileService) -> ServerProcess:
    """A server that waits long and accepts files of up to a megabyte."""
    return start_server(BASE_URL=hostile.base_url, API_KEY=CANARY, TIMEOUT=60, INLINE_WAIT=0, MAX_FILE_MB=1)


@pytest.fixture(scope="module")
def impatient(start_server: StartServer, hostile: HostileService) -> ServerProcess:
    """A server with a short timeout that accepts files of up to a megabyte."""
    variables = {"BASE_URL": hostile.base_url, "API_KEY": CANARY, "INLINE_WAIT": 0, "MAX_FILE_MB": 1}
    return start_server(**variables, TIMEOUT=SHORT_TIMEOUT_SECONDS)


# Malformed heads


def with_status(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(TRANSLATION)}\r\n\r\n".encode() + TRANSLATION


CHUNKED = "Transfer-Encoding: chunked"
LENGTH = f"Content-Length: {len(TRANSLATION)}"
_with = translation_with_headers

# A description, the response, and the error code ("" if the response is accepted).
HEADS: list[tuple[str, bytes, str]] = [
    *((f"status {status}", with_status(status), "network_error") for status in ("099", "abc", "", "101 X", "199 X")),
    ("status 299 X", with_status("299 X"), ""),
    ("status 499 X", with_status("499 X"), "bad_request"),
    *((f"status {status}", with_status(status), "server_error") for status in ("599 X", "999 X")),
    ("no content", b"HTTP/1.1 204 X\r\n\r\n", "invalid_response"),
    ("many 1xx first", b"HTTP/1.1 100 Continue\r\n\r\n" * 5000 + http(TRANSLATION), ""),
    ("10,000 headers", _with(*(["x: y"] * 10_000), LENGTH), ""),
    ("a header of 1 MiB", _with("x: " + "y" * MIB, LENGTH), "network_error"),
    ("NUL in a header", _with("x: \0", LENGTH), "network_error"),
    ("headers that are not ASCII", _with("Date: \xff", "Content-Type: \xfe", LENGTH), ""),
    ("a longer length", _with("Content-Length: 99"), "invalid_response"),
    ("a shorter length", _with("Content-Length: 5"), "invalid_response"),
    ("no length", _with(), ""),
    ("two lengths that differ", _with(LENGTH, "Content-Length: 5"), "network_error"),
    ("the length twice", _with(LENGTH, LENGTH), ""),
    ("length and chunks", _with(LENGTH, CHUNKED, body=b"1a\r\n" + TRANSLATION + b"\r\n0\r\n\r\n"), ""),
    *((f"length {length}", _with(f"Content-Length: {length}"), "network_error") for length in ("-1", "0x1a")),
    ("a huge length", _with(f"Content-Length: {'9' * 20}"), "invalid_response"),
    ("chunks without end", _with(CHUNKED, body=b"1a\r\n" + TRANSLATION + b"\r\n"), "invalid_response"),
    ("a chunk size that is no number", _with(CHUNKED, body=b"zz\r\n"), "invalid_response"),
    ("a long chunk extension", _with(CHUNKED, body=b"5;" + b"x" * MIB), "invalid_response"),
    ("another content type", http(TRANSLATION, kind="text/html; charset=utf-16"), ""),
    ("not gzip in spite of its header", http(TRANSLATION, Content_Encoding="gzip"), "invalid_response"),
    ("encoded too often", http(TRANSLATION, Content_Encoding="gzip" + ", gzip" * 9), "invalid_response"),
    ("no HTTP", b"SSH-2.0-OpenSSH_9.9\r\n", "network_error"),
    ("binary", bytes(range(256)) * 99, "network_error"),
    ("nothing", b"", "network_error"),
    ("years until a retry", http(TRANSLATION, "429 X", Retry_After="9" * 9), "rate_limited"),
]


@pytest.mark.parametrize(("response", "code"), [row[1:] for row in HEADS], ids=[row[0] for row in HEADS])
def test_a_malformed_response_is_recognized_and_its_paid_call_not_repeated(
    server: ServerProcess, hostile: HostileService, response: bytes, code: str
) -> None:
    hostile.respond_with(response)
    result = server.call(*TRANSLATE)
    assert len(hostile.requests) == 1
    if code:
        assert failure(result)[0] == code
        hostile.respond_with(http(TRANSLATION))
        result = server.call(*TRANSLATE)
    assert fields(result)["translated_text"] == "Ciao"


@pytest.mark.parametrize("call", [TRANSLATE, ("webvoice_status", {})], ids=["POST", "GET"])
def test_no_redirect_is_followed(server: ServerProcess, hostile: HostileService, call: tuple[str, Message]) -> None:
    with running_hostile_service() as other:
        targets = (f"{other.base_url}/", other.base_url.removeprefix("http:"), "http://[::1", "http://\xff/")
        redirects = [(status, targets[0]) for status in (300, 301, 303, 304, 399)]
        for status, target in (*redirects, *((307, target) for target in targets)):
            hostile.respond_with(http(b"", f"{status} X", Location=target, Refresh=f"0; url={target}"))
            result = server.call(*call)
            assert failure(result)[0] == "invalid_response"
            assert result["_meta"]["webvoice/error"]["status"] == status
            assert len(hostile.requests) == 1
    assert (other.connections, other.requests) == (0, [])


def test_nothing_that_a_service_sets_is_sent_back(server: ServerProcess, hostile: HostileService) -> None:
    cookie = "a=b; Path=/; Max-Age=999"
    headers = {"Set_Cookie": cookie, "ETag": '"tag"', "Accept_CH": "Host", "WWW_Authenticate": "Basic"}
    hostile.respond_with(http(TRANSLATION, **headers))
    for _ in range(2):
        fields(server.call(*TRANSLATE))
    first, second = hostile.requests
    assert second == first


# Endless responses


def files_in(home: Path) -> list[Path]:
    return list((home / "out").rglob("*"))


@contextmanager
def bounded_memory(server: ServerProcess) -> Iterator[None]:
    """Fail if the server's peak memory grows by more than `MAX_GROWTH_BYTES`. It is measured only on Linux."""
    if not IS_LINUX:
        yield
        return
    server.call("webvoice_account_links")  # answered once everything is imported
    reset_peak_memory(server)
    before = peak_memory_bytes(server)
    yield
    assert peak_memory_bytes(server) - before < MAX_GROWTH_BYTES


def event(delta: Message) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n"


LARGE = b"A" * 64 * 1024
TOO_LARGE = "than the 1 MB that WEBVOICE_MAX_FILE_MB allows"
# The endless part, the call, the response, and the error code or a part of the error text.
ENDLESS: list[tuple[str, tuple[str, Message], Handler, str]] = [
    ("headers", TRANSLATE, endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 1000), "network_error"),
    ("1xx", TRANSLATE, endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000), "network_error"),
    ("JSON", TRANSLATE, endless(OPEN + b'{"translated_text":"', LARGE), "larger than 8 MiB"),
    ("an error", TRANSLATE, endless(b'HTTP/1.1 400 X\r\n\r\n{"message":"', LARGE), "bad_request"),
    ("audio", SPEAK, endless(OPEN + b'{"audio":"', LARGE), TOO_LARGE),
    ("beside the audio", SPEAK, endless(OPEN + b'{"audio":"QUJD","x":"', LARGE), "besides the media"),
    ("pictures", DRAW, endless(OPEN + b'{"images":["eA"', b',"' + LARGE + b'"'), TOO_LARGE),
    ("small pictures", DRAW, endless(OPEN + b'{"images":["eA"', b',"eA"' * 99), "more than 64 media"),
    ("links", DRAW, endless(OPEN + b'{"images":["eA"', b',"https://x/' + LARGE + b'"'), "a link of more than"),
    ("an event", CHAT, endless(STREAM + b'data: {"x":"', LARGE), "invalid_response"),
    ("lines of an event", CHAT, endless(STREAM, b"data: " + LARGE + b"\n"), "invalid_response"),
    ("events", CHAT, endless(STREAM, event({"content": "x" * 65536})), "is too long"),
    ("tool calls", CHAT, endless(STREAM, event({"tool_calls": [{"index": 0}] * 100})), "is too long"),
    ("comments", CHAT, endless(STREAM, b": ping\n\n" * 1000), "timeout"),
]


@wide
@pytest.mark.parametrize(("call", "response", "part"), [row[1:] for row in ENDLESS], ids=[row[0] for row in ENDLESS])
def test_an_endless_response_is_stopped_and_leaves_no_file(
    server: ServerProcess,
    impatient: ServerProcess,
    hostile: HostileService,
    home: Path,
    call: tuple[str, Message],
    response: Handler,
    part: str,
) -> None:
    used = impatient if part == "timeout" else server
    hostile.respond_with(response)
    with bounded_memory(used):
        code, text = failure(used.call(*call))
    assert code in {"network_error", "invalid_response", "timeout", "bad_request"}
    assert part in text
    assert hostile.client_left.wait(TIMEOUT_SECONDS)
    assert len(hostile.requests) == 1
    assert files_in(home) == []


# Compression bombs and structures that are expensive to parse

GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


def bomb(block: bytes, mebibytes: int, before: bytes = b"", codings: str = "gzip") -> bytes:
    """Return a small compressed response that unpacks to this block of one mebibyte, repeated."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = compressor.compress(before + block) + compressor.flush(zlib.Z_FULL_FLUSH)
    packed += (compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)) * (mebibytes - 1)
    if codings.startswith("gzip"):
        packed = GZIP_HEADER + packed
    for _ in range(codings.count(",")):
        packed = gzip.compress(packed)
    return http(packed, Content_Encoding=codings)


def zstd_bomb(letter: bytes, mebibytes: int, before: bytes) -> bytes:
    """Return a bomb in zstd. Not every Python has zstd, so blocks of 128 KiB of a letter are written by hand."""
    first = (len(before) << 3).to_bytes(3, "little") + before
    block = (131072 << 3 | 1 << 1).to_bytes(3, "little") + letter
    return http(b"\x28\xb5\x2f\xfd\x00\x58" + first + block * 8 * mebibytes, Content_Encoding="zstd")


LETTERS, LINES = b"A" * MIB, b"\n" * MIB
TEXT = b'{"translated_text":"'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "response"),
    [
        pytest.param(TRANSLATE, bomb(LETTERS, 512, TEXT), id="JSON"),
        pytest.param(TRANSLATE, bomb(LETTERS, 4096, TEXT, "gzip, gzip"), id="packed twice"),
        pytest.param(SPEAK, bomb(LETTERS, 512, b'{"audio":"'), id="audio"),
        pytest.param(CHAT, as_event_stream(bomb(LETTERS, 512, b"data: ")), id="an event"),
        pytest.param(
            TRANSLATE, http(b'{"translated_text":"Ciao","x":[%b0]}' % (b"[]," * (2 * MIB))), id="millions of lists"
        ),
        pytest.param(TRANSLATE, http(b'{"a": "' + b',\\"' * 205_000), id="a string without end"),
        pytest.param(TRANSLATE, bomb(LETTERS, 512, TEXT, "deflate"), id="deflate", marks=wide),
        pytest.param(TRANSLATE, zstd_bomb(b"A", 512, TEXT), id="zstd", marks=wide),
        pytest.param(
            TRANSLATE, bomb(LETTERS, 512, b'{"message":"').replace(b"200 OK", b"500 X", 1), id="an error", marks=wide
        ),
        pytest.param(CHAT, as_event_stream(bomb(LINES, 40)), id="empty lines", marks=wide),
        pytest.param(
            CHAT,
            as_event_stream(http(b'data: {"usage":{"x":[%b0]}}\n\n' % (b"[]," * MIB))),
            id="lists in a stream",
            marks=wide,
        ),
    ],
)
def test_a_bomb_costs_others_neither_memory_nor_time(
    impatient: ServerProcess, hostile: HostileService, home: Path, call: tuple[str, Message], response: bytes
) -> None:
    hostile.respond_with(response)
    with bounded_memory(impatient):
        result, cpu, longest_ping_cpu = call_with_pings(impatient, *call)
    print(f"{len(response) / MIB:.2f} MiB sent, {cpu:.2f} s of CPU, at most {longest_ping_cpu:.2f} s in one ping")
    if result["isError"]:
        assert failure(result)[0] in {"invalid_response", "server_error", "timeout"}
    assert longest_ping_cpu < MAX_CPU_SECONDS
    assert cpu < SHORT_TIMEOUT_SECONDS + MAX_CPU_SECONDS
    assert len(hostile.requests) == 1
    assert files_in(home) == []


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_memory_for_large_answers_is_given_back(start_server: StartServer, hostile: HostileService) -> None:
    server = start_server(BASE_URL=hostile.base_url, API_KEY=CANARY, INLINE_WAIT=0)
    server.call("webvoice_account_links")
    before = memory_bytes(server)
    answer = {"choices": [{"message": {"content": "Ciao " * 1_500_000}, "finish_reason": "stop"}]}
    for _ in range(6):
        hostile.respond_with(http(json.dumps(answer).encode()))
        (saved,) = fields(server.call("webvoice_chat", {"prompt": "Hi", "stream": False}))["files"]
        Path(saved["path"]).unlink()
    assert memory_bytes(server) - before < MAX_GROWTH_BYTES


def call_with_pings(server: ServerProcess, tool: str, arguments: Message) -> tuple[Message, float, float]:
    """Call a tool and ping the server until the result arrives.

    Returns the result, the server's total processor time, and the longest processor time during a ping. Elapsed time is
    not measured, because it depends on other processes. Where processor time is unknown, it is 0.
    """
    started = cpu_seconds(server) if IS_LINUX else 0.0
    longest, now = 0.0, started
    request_id = server.send_call(tool, arguments)
    while True:
        before = now
        server.result("ping")
        now = cpu_seconds(server) if IS_LINUX else 0.0
        longest = max(longest, now - before)
        for message in server.notifications:
            if message.get("id") == request_id:
                return message["result"], now - started, longest


# Slow responses


def test_a_response_that_arrives_byte_by_byte_is_accepted(server: ServerProcess, hostile: HostileService) -> None:
    hostile.respond_with(slowly(http(TRANSLATION), 0.001))
    assert fields(server.call(*TRANSLATE))["translated_text"] == "Ciao"


@pytest.mark.parametrize(
    ("call", "response"),
    [
        pytest.param(SPEAK, silent, id="silence"),
        pytest.param(CHAT, slowly(http(b": ping\n\n" * 999, kind="text/event-stream"), 0.02), id="events"),
        pytest.param(CHAT, slowly(http(TRANSLATION * 999), 0.02), id="JSON", marks=wide),
        pytest.param(CHAT, slowly(http(TRANSLATION * 999, "500 X"), 0.02), id="an error", marks=wide),
    ],
)
@pytest.mark.slow
def test_a_response_that_takes_too_long_is_a_timeout(
    impatient: ServerProcess, hostile: HostileService, home: Path, call: tuple[str, Message], response: Handler
) -> None:
    hostile.respond_with(response)
    code, text = failure(impatient.call(*call))
    assert code in {"timeout", "server_error"}
    assert code == "server_error" or "WEBVOICE_TIMEOUT" in text
    assert "may have been spent" in text
    assert len(hostile.requests) == 1
    assert files_in(home) == []
