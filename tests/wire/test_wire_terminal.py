"""Text of a hostile service in terminals and logs: it contains no control character and no key."""

import json
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import CANARY, http
from tests.wire.hostile_service import (
    CHAT,
    TRANSLATE,
    HostileService,
    as_event_stream,
    running_hostile_service,
    translation_with_headers,
)
from tests.wire_driver import SERVER_COMMAND, TIMEOUT_SECONDS, Message, environment, running_server

wide = pytest.mark.wide

_BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_BASIC_PLANE = [chr(code) for code in range(0x10000)]
CONTROL_CHARACTERS = {letter for letter in _BASIC_PLANE if unicodedata.category(letter) == "Cc"} - set("\t\n")
CONTROL_CHARACTERS |= {letter for letter in _BASIC_PLANE if unicodedata.bidirectional(letter) in _BIDIRECTIONAL}

NASTY = "\x1b[2J\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x07\x1b]52;c;aGk=\x07\x9b31m\r\x08\x00\u202eabc\u2066"
REPLY: Message = {
    "translated_text": NASTY,
    "user": NASTY,
    "credits": 5,
    "api_key": {"name": NASTY},
    "message": NASTY,
    NASTY: NASTY,
}
ERROR: Message = {"success": False, "message": NASTY}
CALLS: list[tuple[str, Message]] = [
    TRANSLATE,
    CHAT,
    ("webvoice_status", {}),
    ("webvoice_chat", {"prompt": f"My key is {CANARY}"}),
    ("webvoice_nothing", {"key": CANARY}),
]
CALL = ["call", "webvoice_translate", "text=Hi", "target_language=it"]


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileService]:
    """A hostile service."""
    with running_hostile_service() as service:
        yield service


def output_of(home: Path, hostile: HostileService, *words: str, stdin: bytes = b"", **variables: Any) -> str:
    """Run a command and return everything that it printed."""
    environ = environment(home, {"BASE_URL": hostile.base_url, **variables}) | {"PYTHONUTF8": "1"}
    done = subprocess.run(
        [*SERVER_COMMAND, *words], input=stdin, capture_output=True, env=environ, timeout=TIMEOUT_SECONDS, check=False
    )
    return (done.stdout + done.stderr).decode().replace("\r\n", "\n")


def is_harmless(text: str) -> bool:
    """True if the text contains no control character, no key and no traceback."""
    return not CONTROL_CHARACTERS & set(text) and CANARY not in text and "Traceback" not in text


@wide
@pytest.mark.parametrize(
    ("words", "reply"),
    [
        pytest.param(CALL, REPLY, id="call"),
        pytest.param([*CALL, "--json"], ERROR, id="failed call --json"),
        pytest.param(["status"], REPLY, id="status"),
        pytest.param(["doctor"], ERROR, id="failed doctor"),
    ],
)
def test_no_text_of_the_service_controls_the_terminal(
    tmp_path: Path, hostile: HostileService, words: list[str], reply: Message
) -> None:
    hostile.respond_with(http(json.dumps(reply).encode()))
    printed = output_of(tmp_path, hostile, *words, API_KEY=CANARY)
    assert "here" in printed
    assert is_harmless(printed)


@wide
def test_signing_in_prints_no_control_character(tmp_path: Path, hostile: HostileService) -> None:
    verified = {"success": True, "message": NASTY, "api_key": f"wv_{NASTY}", "onboarding": {"credits": NASTY}}
    hostile.respond_with(http(json.dumps(verified).encode()))
    printed = output_of(tmp_path, hostile, "login", "--email", "a@example.com", stdin=b"y\ny\n123456\n")
    assert "Code from the e-mail: " in printed
    assert is_harmless(printed)


@pytest.mark.slow
def test_the_debug_log_contains_no_control_character_and_no_key(tmp_path: Path, hostile: HostileService) -> None:
    reply = json.dumps({**REPLY, "echo": CANARY}).encode()
    event = b"data: " + json.dumps({"error": {"message": f"{NASTY} {CANARY}"}}).encode() + b"\n\n"
    responses = [
        http(reply),
        http(reply, "400 \x1b[31m"),
        http(reply, "401 X", X_Echo=CANARY),
        http(reply, "500 X"),
        b"\x1b[2J",
        as_event_stream(http(event)),
        http(b"{" + reply),
        translation_with_headers(f"x: {CANARY}\0"),
    ]
    variables = {"BASE_URL": hostile.base_url, "API_KEY": CANARY, "LOG_LEVEL": "DEBUG"}
    with running_server(environment(tmp_path, variables)) as server:
        for response in responses:
            hostile.respond_with(response)
            for call in CALLS:
                assert CANARY not in json.dumps(server.call(*call))
        ended = server.close_stdin_and_wait()
    assert "DEBUG" in ended.stderr
    assert is_harmless(ended.stderr)
