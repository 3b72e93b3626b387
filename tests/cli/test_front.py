"""The front answers what the SDK would answer, or leaves everything to the SDK."""

import asyncio
import copy
import io
import json
import logging
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import front_answers
from front_answers import EXTENSIONS, HANDSHAKE_REVISIONS, STATELESS_REVISION, opening, sdk_answers
from webvoice_mcp.cli import front as front_module
from webvoice_mcp.cli.front import ANSWERS, open_front
from webvoice_mcp.server import Server, create_server
from webvoice_mcp.settings import TOOLSETS, Settings

REVISIONS = (*HANDSHAKE_REVISIONS, STATELESS_REVISION)
FEW = ("all", "account", "speech,chat")
FAMILIES = sorted(TOOLSETS)  # all test workers have to find the tests in the same order
MANY = [*FAMILIES, *(",".join(sorted(TOOLSETS - {family})) for family in FAMILIES), "image,video", "speech,translation"]

Message = dict[str, Any]


def line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def serve(environ: Mapping[str, str], *blocks: bytes) -> tuple[list[Message], bytes]:
    """Return the front's answers to these lines, and the lines that the SDK gets."""
    stdout = io.BytesIO()
    front = open_front(Settings.read(environ), stdout)
    assert front is not None

    def read() -> Iterator[bytes]:
        yield from blocks
        assert front is not None
        front.hand_over().write(line({"method": "notifications/message"}))  # which waits for the front's answers

    passed_on = b"".join(front.filter(read()))
    *answers, last = map(json.loads, stdout.getvalue().splitlines())
    assert last == {"method": "notifications/message"}
    return answers, passed_on


@cache
def sdk_server(toolsets: str = "all", base_url: str = "") -> Server:
    return create_server(Settings.read({"WEBVOICE_TOOLSETS": toolsets, "WEBVOICE_BASE_URL": base_url}))


def test_the_file_with_the_answers_is_not_stale() -> None:
    assert asyncio.run(front_answers.generate()) == ANSWERS.read_text(encoding="utf-8"), front_answers.COMMAND


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("toolsets", [*FEW, *(pytest.param(names, marks=pytest.mark.slow) for names in MANY)])
@pytest.mark.parametrize("extensions", [EXTENSIONS[0], EXTENSIONS[-1]], ids=["no extensions", "all extensions"])
async def test_answers_equal_those_of_the_sdk(extensions: Message, toolsets: str, revision: str) -> None:
    await compare_with_the_sdk(toolsets, revision, {"extensions": extensions} if extensions else {})


# What programs of today send.
CLIENTS: dict[str, Message] = {
    "tasks of 2025": {
        "roots": {"listChanged": True},
        "sampling": {},
        "elicitation": {"form": {}, "url": {}},
        "tasks": {"list": {}, "cancel": {}, "requests": {"sampling": {"createMessage": {}}}},
    },
    "an extension that the server does not know": {"extensions": EXTENSIONS[1] | {"com.example/new": {"x": 1}}},
    **{f"extensions {number}": {"extensions": extensions} for number, extensions in enumerate(EXTENSIONS)},
}


@pytest.mark.parametrize("revision", ["2025-11-25", STATELESS_REVISION])
@pytest.mark.parametrize("capabilities", CLIENTS.values(), ids=CLIENTS)
async def test_clients_with_capabilities_get_answers_at_once(capabilities: Message, revision: str) -> None:
    await compare_with_the_sdk("all", revision, capabilities)


async def test_the_front_knows_the_extensions_that_the_server_declares() -> None:
    (answer,) = await sdk_answers(sdk_server(), opening(STATELESS_REVISION)[:1])
    assert EXTENSIONS[-1].keys() == answer["result"]["capabilities"]["extensions"].keys()


async def compare_with_the_sdk(toolsets: str, revision: str, capabilities: Message) -> None:
    base_url = "http://127.0.0.1:9/api/v1"
    requests = opening(revision, capabilities)
    answers, passed_on = serve({"WEBVOICE_TOOLSETS": toolsets, "WEBVOICE_BASE_URL": base_url}, *map(line, requests))
    expected = await sdk_answers(sdk_server(toolsets, base_url), requests)
    by_id = {answer["id"]: answer for answer in answers}
    assert [by_id.get(answer["id"]) for answer in expected] == [
        answer if "result" in answer else None for answer in expected
    ]
    unanswered = [request for request in requests if request["id"] not in by_id]
    assert passed_on == b"".join(map(line, [requests[0], *unanswered]))
    assert len(unanswered) == (revision == STATELESS_REVISION)  # it has no ping


VALUES: list[Any] = [None, True, 0, 1.5, "x", [], {}, {"x": {}}, {"x": 1}]
JSON_VALUES = st.sampled_from(VALUES)
NAMES = (
    "roots",
    "sampling",
    "elicitation",
    "experimental",
    "tasks",
    "listChanged",
    "context",
    "form",
    "url",
    "title",
    "x",
)
OBJECTS = st.dictionaries(
    st.sampled_from(NAMES), JSON_VALUES | st.dictionaries(st.sampled_from(NAMES), JSON_VALUES, max_size=2), max_size=3
)


@st.composite
def first_requests(draw: st.DrawFn) -> Message:
    """Return a first request that is right, or wrong in some place."""
    request: Message = draw(st.sampled_from([*opening(HANDSHAKE_REVISIONS[0]), *opening(STATELESS_REVISION)]))
    request = copy.deepcopy(request)
    places = [request, request["params"], *(value for value in request["params"].values() if isinstance(value, dict))]
    for place in draw(st.lists(st.sampled_from(places), max_size=2)):
        name = draw(st.sampled_from([*place, "_meta", "cursor", "x"]))
        place[name] = draw(OBJECTS | JSON_VALUES | st.sampled_from([7, "tools/list", "2.0", *REVISIONS]))
    return request


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(first_requests())
def test_what_the_front_answers_the_sdk_answers_alike(request: Message) -> None:
    answers, passed_on = serve({}, line(request))
    assert passed_on == line(request)
    if answers:
        assert answers == asyncio.run(sdk_answers(sdk_server(), [request]))


INITIALIZE, PING, *_ = opening("2025-11-25")
DISCOVER = opening(STATELESS_REVISION)[0]
ODD_SETTINGS: Message = {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": []}}}


@pytest.mark.parametrize(
    "first",
    [
        b"{not json\n",
        b"[]\n",
        b"[" * 60_000 + b"\n",
        b"\xff\xfe\n",
        b" " * (1 << 16) + line(PING),
        line(PING),
        line(INITIALIZE | {"id": None}),
        line(INITIALIZE | {"id": 1.0}),
        line(INITIALIZE | {"id": True}),
        line(INITIALIZE | {"jsonrpc": "1.0"}),
        line(INITIALIZE | {"params": []}),
        line(INITIALIZE | {"id": float("nan")}),
        line(opening("1999-01-01")[0]),
        line(opening("2025-11-25", ODD_SETTINGS)[0]),
        line(opening(STATELESS_REVISION, ODD_SETTINGS)[0]),
        line(opening("2025-11-25", {"extensions": {"com.example/new": 1}})[0]),
        line(opening("2025-11-25", {"telepathy": {}})[0]),
        line(INITIALIZE | {"method": "tools/call"}),
        line(DISCOVER | {"method": "initialize"}),
    ],
)
def test_an_unknown_first_request_leaves_everything_to_the_sdk(first: bytes, caplog: pytest.LogCaptureFixture) -> None:
    blocks = first, line(INITIALIZE) + line(PING), line(PING)
    with caplog.at_level(logging.DEBUG, front_module.__name__):
        assert serve({}, *blocks) == ([], b"".join(blocks))
    assert len(caplog.records) == 1


def test_notifications_may_come_before_the_first_request() -> None:
    early = line({"jsonrpc": "2.0", "method": "notifications/initialized"})
    answers, passed_on = serve({}, early + line(INITIALIZE) + line(PING))
    assert [answer["id"] for answer in answers] == [0, 1]
    assert passed_on == early + line(INITIALIZE)


@pytest.mark.parametrize("first", [INITIALIZE, DISCOVER])
def test_later_requests_that_are_not_known_wait_in_their_order(first: Message) -> None:
    waiting = [
        b"\n",
        b"not json\r\n",
        line({"jsonrpc": "2.0", "id": 0, "result": {}}),
        line({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "webvoice_status"}}),
        line({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}),
        line(first | {"id": 8, "method": "tools/list", "params": first["params"] | {"cursor": "x"}}),
        line(INITIALIZE | {"id": 9}),
        line(first | {"id": 10, "method": "resources/list"}),
        b'{"jsonrpc": "2.0", "id": 11, "method": "ping"',
    ]
    late = line({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "0"}})
    answers, passed_on = serve({}, line(first), late + waiting[0], *waiting[1:-1], waiting[-1])
    assert [answer["id"] for answer in answers] == [0]
    assert passed_on == line(first) + b"".join(waiting)


def test_each_stateless_request_is_answered_for_what_it_declares() -> None:
    known = opening(STATELESS_REVISION)[2] | {"id": 1}
    unknown = opening(STATELESS_REVISION, ODD_SETTINGS)[2] | {"id": 2}
    answers, passed_on = serve({}, line(DISCOVER), line(known), line(unknown), line(PING | {"id": 3}))
    assert [answer["id"] for answer in answers] == [0, 1]
    assert passed_on == line(DISCOVER) + line(unknown) + line(PING | {"id": 3})


def test_nothing_is_answered_after_the_sdk_is_there() -> None:
    stdout = io.BytesIO()
    front = open_front(Settings.read({}), stdout)
    assert front is not None

    def read() -> Iterator[bytes]:
        yield line(INITIALIZE)
        front.hand_over()
        yield line(PING)
        yield line(PING)

    assert list(front.filter(read())) == [line(INITIALIZE), line(PING), line(PING)]
    assert not front.is_active()


def test_only_the_answer_that_was_given_is_dropped_from_the_sdks() -> None:
    stdout = io.BytesIO()
    front = open_front(Settings.read({}), stdout)
    assert front is not None

    def read() -> Iterator[bytes]:
        yield line(INITIALIZE)
        front.hand_over()

    list(front.filter(read()))
    file = front.hand_over()
    texts = [
        line({"id": 0, "method": "elicitation/create"}),
        line({"id": 1}),
        line({"id": 0, "result": {}}),
        line({"id": 0}),
    ]
    assert not file.is_ready()
    for text in texts:
        file.write(text)
    file.flush()
    assert file.is_ready()
    _, _, rest = stdout.getvalue().partition(b"\n")
    assert rest == texts[0] + texts[1] + texts[3]


HEAD, TEXT = ANSWERS.read_text(encoding="utf-8").split("\n", maxsplit=1)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{}",
        HEAD,
        f"{HEAD}\n{TEXT[:-100]}",
        f"{HEAD}\n{TEXT.replace('webvoice_tts', 'webvoice_say')}",
        f"{json.dumps(json.loads(HEAD) | {'version': '0.0.1'})}\n{TEXT}",
        f"{json.dumps(json.loads(HEAD) | {'mcp': '1.0'})}\n{TEXT}",
        f"{json.dumps(json.loads(HEAD) | {'crc32': zlib.crc32(b'[')})}\n[",
        "\ud800",
    ],
)
def test_a_file_that_does_not_match_leaves_everything_to_the_sdk(
    content: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "front.json"
    if content is None:
        path.mkdir()
    else:
        path.write_text(content, encoding="utf-8", errors="surrogatepass")
    with caplog.at_level(logging.DEBUG, front_module.__name__):
        assert open_front(Settings.read({}), io.BytesIO(), path) is None
        assert open_front(Settings.read({}), io.BytesIO(), tmp_path / "missing") is None
    assert [record.levelname for record in caplog.records] == ["DEBUG", "DEBUG"]


def test_an_installation_of_the_sdk_without_a_record_matches_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    assert open_front(Settings.read({}), io.BytesIO()) is None


def test_a_client_that_has_closed_its_end_does_no_harm() -> None:
    class Broken(io.BytesIO):
        def flush(self) -> None:
            raise BrokenPipeError

    front = open_front(Settings.read({}), Broken())
    assert front is not None
    blocks = front.filter(iter([line(INITIALIZE), line(PING)]))
    assert next(blocks) == line(INITIALIZE)
    front.hand_over()
    assert list(blocks) == [line(PING)]
