"""`webvoice-mcp call`."""

import base64
import io
import json
import sys
from pathlib import Path

import anyio
import pytest

from tests.cli.conftest import Command
from tests.files.samples import MP3_BYTES
from tests.loopback import LoopbackService
from tests.support import CANARY
from webvoice_mcp.cli.progress_bar import progress_bar

CLOSED = "http://127.0.0.1:9/api/v1"  # nothing listens there
SPEECH = {"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "format": "mp3", "credits_used": 0.5}
CHAT = {"id": "1", "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}


def test_a_result_has_a_line_for_each_field(command: Command) -> None:
    code, out, err = command("call", "webvoice_account_links", BASE_URL="https://site.example/api/v1")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "login: https://site.example/accounts/login/",
        "api_dashboard: https://site.example/api/",
    ]


def test_a_result_is_json_on_request(command: Command) -> None:
    code, out, err = command("call", "--json", "webvoice_account_links", BASE_URL="https://site.example/api/v1")
    assert (code, err) == (0, "")
    assert json.loads(out)["solana_topup"] == "https://site.example/billing/solana/"


def test_a_file_is_shown_with_its_type_and_size(command: Command, tmp_path: Path) -> None:
    with LoopbackService({"tts/": SPEECH}).running() as service:
        words = ["webvoice_tts", "text=Hello = hello", "speed=1.5", "output_path=hello.mp3"]
        code, out, err = command("call", *words, BASE_URL=service.base_url, API_KEY=CANARY)
    path = tmp_path / "out" / "hello.mp3"
    assert (code, err) == (0, "")
    assert f"file: {path} (audio/mpeg, {len(MP3_BYTES)} bytes)" in out.splitlines()
    assert "credits_used: 0.5" in out.splitlines()
    assert path.read_bytes() == MP3_BYTES
    sent = json.loads(service.requests[0].body)
    assert (sent["text"], sent["speed"]) == ("Hello = hello", 1.5)


def test_a_model_s_answer_cannot_control_the_terminal(command: Command) -> None:
    reply = {"choices": [{"message": {"content": "\x1b]0;owned\x07\x1b[31mred\x1b[0m\nnext"}, "finish_reason": "stop"}]}
    with LoopbackService({"chat/completions/": reply}).running() as service:
        code, out, _ = command("call", "webvoice_chat", "prompt=Hi", BASE_URL=service.base_url, API_KEY=CANARY)
    assert code == 0
    assert "text: red\n    next\n" in out


def test_no_line_of_the_services_text_looks_like_one_of_ours(command: Command) -> None:
    content = "Hi\nfile: /etc/a\r\nfile: /etc/b\u2028file: /etc/c\x0bfile: /etc/d\x85credits_used: 0"
    reply = {"choices": [{"message": {"content": content}}], "file": "/etc/e", "x\nfile": "/etc/f"}
    with LoopbackService({"chat/completions/": reply}).running() as service:
        _, out, _ = command("call", "webvoice_chat", "prompt=Hi", BASE_URL=service.base_url, API_KEY=CANARY)
    assert "text: Hi\n    file: /etc/a\n    file: /etc/b\n    file: /etc/cfile: /etc/dcredits_used: 0\n" in out
    assert not [line for line in out.splitlines() if line.startswith(("file", "credits_used"))]


def test_values_are_parsed_by_the_parameters_types(command: Command) -> None:
    messages = [{"role": "user", "content": "5"}]
    with LoopbackService({"chat/completions/": CHAT}).running() as service:
        words = [f"messages={json.dumps(messages)}", "max_tokens=10", "--json", "web_search=yes", "model=5"]
        code, out, _ = command("call", "webvoice_chat", *words, BASE_URL=service.base_url, API_KEY=CANARY)
    sent = json.loads(service.requests[0].body)
    values = {name: sent[name] for name in ("messages", "max_tokens", "web_search", "model")}
    assert values == {"messages": messages, "max_tokens": 10, "web_search": True, "model": "5"}
    assert (code, json.loads(out)["text"]) == (0, "Hello")


def _translated(command: Command, *words: str) -> tuple[int | str | None, str, list[str]]:
    """Return the exit code, stderr and the texts that the service was asked to translate."""
    reply = {"success": True, "translated_text": "x", "credits_used": 0.1}
    with LoopbackService({"translation/": reply}).running() as service:
        arguments = ["webvoice_translate", "target_language=it", *words]
        code, _, err = command("call", *arguments, BASE_URL=service.base_url, API_KEY=CANARY)
    return code, err, [json.loads(request.body)["text"] for request in service.requests]


def test_a_value_can_be_the_text_of_a_file(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffGrüße\n@home".encode())
    assert _translated(command, f"text=@{tmp_path / 'a.txt'}") == (0, "", ["Grüße\n@home"])


def test_a_list_can_come_from_a_file(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('["One.", "Two."]')
    code, err, texts = _translated(command, f"texts=@{tmp_path / 'a.json'}")
    assert (code, err) == (0, "")
    assert texts == ["One.\nTwo.", "One.", "Two."]


def test_a_value_can_come_from_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Grüße".encode()), "ascii"))
    assert _translated(command, "text=@-") == (0, "", ["Grüße"])


def test_a_doubled_sign_stands_for_itself(command: Command) -> None:
    assert _translated(command, "text=@@ann and @bob") == (0, "", ["@ann and @bob"])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("gone.txt", None, "No such file or directory"), ("latin.txt", b"caf\xe9", "it is not UTF-8 text")],
)
def test_a_value_s_file_that_cannot_be_read_is_refused(
    command: Command, tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    code, err, texts = _translated(command, f"text=@{path}")
    assert code == 1
    assert f"text: {path} cannot be read: {reason}. A value that begins with @ itself is written text=@@…" in err
    assert texts == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["webvoice_tts", "text=Hi", "speed=fast"], "invalid_argument: speed must be a number from 0.5 to 2. "),
        (["webvoice_chat", r'messages=[{"\ud83d": 1}]'], "invalid_argument: messages holds half of a character"),
        (["webvoice_chat", "messages=[1"], "invalid_argument: messages must be a list. "),
        (["webvoice_speak", "text=Hi"], "invalid_argument: There is no tool 'webvoice_speak'. Did you mean webvoice_"),
        (["image", "prompt=Hi"], "invalid_argument: There is no tool 'image'. Did you mean webvoice_image"),
        (["qqq"], "invalid_argument: There is no tool 'qqq'. webvoice-mcp tools names all tools."),
    ],
)
def test_a_failed_call_exits_with_1_and_prints_the_error(command: Command, words: list[str], error: str) -> None:
    code, out, err = command("call", *words, BASE_URL=CLOSED)
    assert (code, out) == (1, "")
    assert err.startswith(error)
    assert err.count("\n") == 1


def test_bytes_that_are_no_text_are_refused_with_a_code(command: Command) -> None:
    for words in (["text=caf\udce9"], ["caf\udce9=x"], ["text=a", "--json", "x=\udce9"]):
        code, out, err = command("call", "webvoice_voice_memo", *words, BASE_URL=CLOSED, API_KEY=CANARY)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith("webvoice-mcp call: invalid_argument: '")
        assert "\\udce9' has bytes that are no text in this terminal's encoding. Give UTF-8 text." in err


def test_an_error_is_json_on_request(command: Command) -> None:
    code, out, err = command("call", "webvoice_status", "--json", BASE_URL=CLOSED)
    error = json.loads(err)
    assert (code, out, error["webvoice/error"]) == (1, "", {"code": "not_authenticated"})
    assert error["error"].startswith("not_authenticated: ")
    assert error["error"].endswith(" In a terminal, webvoice-mcp login does both.")


def test_a_call_without_a_key_names_the_command_that_gets_one(command: Command) -> None:
    code, out, err = command("call", "webvoice_status", BASE_URL=CLOSED)
    assert (code, out) == (1, "")
    assert err.startswith(f"not_authenticated: No API key is known for {CLOSED}.")
    assert err.endswith(" In a terminal, webvoice-mcp login does both.\n")


def test_an_argument_without_an_equals_sign_exits_with_2(command: Command) -> None:
    code, out, err = command("call", "webvoice_tts", "text=Hi", "fast")
    assert (code, out) == (2, "")
    assert err.startswith("usage: webvoice-mcp call ")
    assert err.endswith("error: argument name=value: 'fast' has no '='\n")


class Terminal(io.StringIO):
    """A terminal that records its output."""

    def isatty(self) -> bool:
        return True


def replace_stderr(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Replace stderr by a terminal. Tests call this themselves, because pytest replaces stderr after the fixtures."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_a_progress_bar_runs_on_the_terminal_during_the_call(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = replace_stderr(monkeypatch)
    with LoopbackService({"chat/completions/": CHAT}).running() as service:
        words = ["webvoice_chat", "prompt=Hi"]
        code, out, _ = command("call", *words, BASE_URL=service.base_url, API_KEY=CANARY)
    assert code == 0
    assert "text: Hello" in out.splitlines()
    shown = terminal.getvalue()
    assert shown.startswith("\r\x1b[Kwebvoice_chat [#####...............] 0 s")
    assert shown.endswith("\r\x1b[K")
    assert json.loads(service.requests[0].body)["stream"] is True  # chats are streamed if progress is requested


async def test_the_progress_bar_follows_the_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = replace_stderr(monkeypatch)
    async with progress_bar("webvoice_tts") as on_progress:
        assert on_progress
        for progress, total, bar in (
            (1, 4, "[#####...............]"),
            (9, 4, "[####################]"),
            (7, None, ".#####"),
        ):
            await on_progress(progress, total, "…")
            while bar not in terminal.getvalue():
                await anyio.lowlevel.checkpoint()


async def test_the_progress_bar_names_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = replace_stderr(monkeypatch)
    async with progress_bar("webvoice_narrate") as on_progress:
        assert on_progress
        await on_progress(3, 4, "webvoice_narrate: 3 of 4 parts")
        while "webvoice_narrate [###############.....] 0 s 3 of 4 parts" not in terminal.getvalue():
            await anyio.lowlevel.checkpoint()
        drawn = len(terminal.getvalue())
        await on_progress(4, None, "a text")
        while not terminal.getvalue()[drawn:].endswith(" s"):
            await anyio.lowlevel.checkpoint()


async def test_without_a_terminal_no_progress_is_requested() -> None:
    async with progress_bar("webvoice_tts") as on_progress:
        assert on_progress is None


def test_a_call_ignores_the_inline_wait_and_waits_for_its_result(command: Command) -> None:
    with LoopbackService({"chat/completions/": CHAT}).running() as service:
        words = ["webvoice_chat", "prompt=Hi"]
        code, out, _ = command("call", *words, BASE_URL=service.base_url, API_KEY=CANARY, INLINE_WAIT="0.0001")
    assert code == 0
    assert "text: Hello" in out.splitlines()


def test_a_call_waits_for_its_result_even_if_background_is_asked_for(command: Command, tmp_path: Path) -> None:
    with LoopbackService({"tts/": SPEECH}).running() as service:
        words = ["webvoice_tts", "text=Hello", "background=true", "output_path=hello.mp3"]
        code, out, err = command("call", *words, BASE_URL=service.base_url, API_KEY=CANARY)
    assert (code, err) == (0, "")
    assert "credits_used: 0.5" in out.splitlines()
    assert (tmp_path / "out" / "hello.mp3").read_bytes() == MP3_BYTES
