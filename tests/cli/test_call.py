"""`webvoice-mcp call`."""

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.cli.conftest import Command
from tests.files.samples import MP3_BYTES
from tests.loopback import LoopbackService
from tests.support import CANARY
from webvoice_mcp.cli._progress import bar

NOBODY = "http://127.0.0.1:9/api/v1"
SPOKEN = {"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "format": "mp3", "credits_used": 0.5}
CHAT = {"id": "1", "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}


def test_a_result_is_shown_a_line_for_each_fact(command: Command) -> None:
    code, out, err = command("call", "webvoice_account_links", BASE_URL="https://site.example/api/v1")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "login: https://site.example/accounts/login/",
        "api_dashboard: https://site.example/api/",
    ]


@pytest.mark.parametrize("words", [["webvoice_account_links", "--json"], ["--json", "webvoice_account_links"]])
def test_a_result_is_json_when_asked_for(command: Command, words: list[str]) -> None:
    code, out, err = command("call", *words, BASE_URL="https://site.example/api/v1")
    assert (code, err) == (0, "")
    assert json.loads(out)["solana_topup"] == "https://site.example/billing/solana/"


def test_a_file_is_shown_with_its_kind_and_size(command: Command, tmp_path: Path) -> None:
    with LoopbackService({"tts/": SPOKEN}).running() as service:
        words = ["webvoice_tts", "text=Hello = hello", "speed=1.5", "output_path=hello.mp3"]
        code, out, err = command("call", *words, BASE_URL=service.base_url, API_KEY=CANARY)
    path = tmp_path / "out" / "hello.mp3"
    assert (code, err) == (0, "")
    assert f"file: {path} (audio/mpeg, {len(MP3_BYTES)} bytes)" in out.splitlines()
    assert "credits_used: 0.5" in out.splitlines()
    assert path.read_bytes() == MP3_BYTES
    sent = json.loads(service.requests[0].body)
    assert (sent["text"], sent["speed"]) == ("Hello = hello", 1.5)


def test_a_terminal_is_not_steered_by_what_a_model_says(command: Command) -> None:
    reply = {"choices": [{"message": {"content": "\x1b]0;owned\x07\x1b[31mred\x1b[0m\nnext"}, "finish_reason": "stop"}]}
    with LoopbackService({"chat/completions/": reply}).running() as service:
        code, out, _ = command("call", "webvoice_chat", "prompt=Hi", BASE_URL=service.base_url, API_KEY=CANARY)
    assert code == 0
    assert "text: ]0;ownedred\nnext" in out


def test_values_are_read_as_the_parameter_wants_them(command: Command) -> None:
    messages = [{"role": "user", "content": "5"}]
    with LoopbackService({"chat/completions/": CHAT}).running() as service:
        words = [f"messages={json.dumps(messages)}", "max_tokens=10", "web_search=yes", "model=5"]
        code, out, _ = command("call", "webvoice_chat", *words, "--json", BASE_URL=service.base_url, API_KEY=CANARY)
    sent = json.loads(service.requests[0].body)
    asked = {name: sent[name] for name in ("messages", "max_tokens", "web_search", "model")}
    assert asked == {"messages": messages, "max_tokens": 10, "web_search": True, "model": "5"}
    assert (code, json.loads(out)["text"]) == (0, "Hello")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["webvoice_status"], "not_authenticated: No API key is known"),
        (["webvoice_tts", "text=Hi", "speed=fast"], "invalid_argument: speed should be a valid number"),
        (["webvoice_tts", "text="], "invalid_argument: text is blank"),
        (["webvoice_tts", "volume=11"], "invalid_argument: webvoice_tts does not know the argument 'volume'"),
        (["webvoice_speak", "text=Hi"], "invalid_argument: There is no tool 'webvoice_speak'"),
    ],
)
def test_a_failed_call_gives_1_and_says_why_on_stderr(command: Command, words: list[str], sentence: str) -> None:
    code, out, err = command("call", *words, BASE_URL=NOBODY)
    assert (code, out) == (1, "")
    assert err.startswith(sentence)
    assert err.count("\n") == 1


def test_a_failed_call_is_json_when_asked_for(command: Command) -> None:
    code, out, err = command("call", "webvoice_status", "--json", BASE_URL=NOBODY)
    said = json.loads(err)
    assert (code, out, said["webvoice/error"]) == (1, "", {"code": "not_authenticated"})
    assert said["error"].startswith("not_authenticated: ")


@pytest.mark.parametrize("words", [["webvoice_tts", "hello"], ["webvoice_tts", "text=Hi", "fast"], []])
def test_what_is_not_of_the_form_name_value_gives_2(command: Command, words: list[str]) -> None:
    code, out, err = command("call", *words)
    assert (code, out) == (2, "")
    assert err.startswith("usage: webvoice-mcp call ")


class Terminal(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


def test_a_bar_runs_on_the_terminal_while_the_call_does(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with LoopbackService({"chat/completions/": CHAT}).running() as service:
        words = ["webvoice_chat", "prompt=Hi"]
        code, out, _ = command("call", *words, BASE_URL=service.base_url, API_KEY=CANARY)
    assert code == 0
    assert "text: Hello" in out.splitlines()
    shown = terminal.getvalue()
    assert shown.startswith("\r\x1b[Kwebvoice_chat [#####...............] 0 s")
    assert shown.endswith("\r\x1b[K")
    assert json.loads(service.requests[0].body)["stream"] is True  # as for every caller who wants progress


def test_a_call_waits_to_its_end_however_short_the_inline_wait_is(command: Command) -> None:
    with LoopbackService({"chat/completions/": CHAT}).running() as service:
        words = ["webvoice_chat", "prompt=Hi"]
        code, out, _ = command("call", *words, BASE_URL=service.base_url, API_KEY=CANARY, INLINE_WAIT="0.0001")
    assert code == 0
    assert "text: Hello" in out.splitlines()


@pytest.mark.parametrize(
    ("heard", "filled"),
    [((1, 4), "#####..............."), ((9, 4), "####################"), ((7, None), "#####")],
)
async def test_a_bar_fills_with_what_is_heard(
    monkeypatch: pytest.MonkeyPatch, heard: tuple[Any, Any], filled: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    async with bar("webvoice_tts") as hear:
        assert hear
        await hear(*heard, "…")
        while f"[{filled}" not in terminal.getvalue():
            await anyio.lowlevel.checkpoint()


async def test_without_a_terminal_no_progress_is_asked_for() -> None:
    async with bar("webvoice_tts") as hear:
        assert hear is None
