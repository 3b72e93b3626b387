"""Real-life set-ups of the process: homes, languages, working directories, Python's options, several servers."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import LoopbackService
from tests.support import CANARY
from tests.wire.calls import REPLIES, SEND_CODE
from tests.wire.results import failure, fields
from tests.wire.setups import SPEECH, UNKNOWN_USER_COMMAND, session, speak, variables
from tests.wire_driver import SERVER_COMMAND

pytestmark = [pytest.mark.wide, pytest.mark.skipif(os.name == "nt", reason="set-ups of POSIX")]


@pytest.fixture(scope="module")
def service() -> Iterator[LoopbackService]:
    """A service that speaks."""
    with LoopbackService({**REPLIES, "tts/": SPEECH}).running() as running:
        yield running


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_without_a_home_folder_the_set_folders_are_enough(
    service: LoopbackService, tmp_path: Path, home: str | None
) -> None:
    with session(variables(tmp_path, service.base_url, HOME=home), UNKNOWN_USER_COMMAND) as server:
        speak(server, tmp_path / "out/hello.mp3")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder in which not even root writes")
def test_a_read_only_home_refuses_in_words_before_anything_is_paid(tmp_path: Path) -> None:
    with LoopbackService({"tts/": SPEECH}).running() as service:
        folders = {"HOME": "/proc", "WEBVOICE_STATE_DIR": None, "WEBVOICE_OUTPUT_DIR": None}
        logs = "history.db cannot be used: No such file or directory. Check the file, or set WEBVOICE_STATE_DIR."
        with session(variables(tmp_path, service.base_url, **folders), logs=logs) as server:
            code, text = failure(server.call("webvoice_tts", {"text": "Hello"}))
            assert (code, service.requests) == ("disk_error", [])
            assert "/proc/Downloads" in text
            speak(server, tmp_path / "hello.mp3")


@pytest.mark.parametrize("locale", [{"LANG": "C", "LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"}])
def test_names_and_texts_of_all_scripts_pass_an_ascii_locale(
    service: LoopbackService, tmp_path: Path, locale: dict[str, str]
) -> None:
    home = tmp_path / "Müller 家"
    with session(variables(home, service.base_url, PYTHONUTF8="0", **locale)) as server:
        speak(server, home / "out/здравствуй 世界.mp3", "Grüße, 世界 👋")
        answers = [json.loads(line) for line in server.stdout_lines]
        assert "здравствуй 世界" in json.dumps(answers, ensure_ascii=False)
    assert json.loads(service.requests[-1].body)["text"] == "Grüße, 世界 👋"


def test_the_path_of_a_desktop_program_is_enough(service: LoopbackService, tmp_path: Path) -> None:
    with session(variables(tmp_path, service.base_url, PATH="/usr/bin:/bin")) as server:
        speak(server, tmp_path / "out/hello.mp3")


@pytest.mark.parametrize("deleted", ["before the start", "while the server runs"])
def test_a_working_directory_that_is_deleted_does_no_harm(
    service: LoopbackService, tmp_path: Path, deleted: str
) -> None:
    directory = tmp_path / "here"
    directory.mkdir()
    script = 'cd "$0" && rmdir "$0" && exec "$@"' if deleted == "before the start" else 'cd "$0" && exec "$@"'
    with session(
        variables(tmp_path, service.base_url), ("/bin/sh", "-c", script, str(directory), *SERVER_COMMAND)
    ) as server:
        if directory.exists():
            directory.rmdir()
        speak(server, tmp_path / "out/hello.mp3")


def test_python_without_docstrings_and_assertions_serves_the_same(
    service: LoopbackService, tmp_path: Path, tools: list[dict[str, Any]]
) -> None:
    environ = variables(tmp_path, service.base_url)
    with session(environ, (sys.executable, "-OO", "-m", "webvoice_mcp")) as server:
        assert server.result("tools/list")["tools"] == tools
        speak(server, tmp_path / "out/hello.mp3")


def test_two_servers_share_keys_history_and_the_limit_of_the_day(service: LoopbackService, tmp_path: Path) -> None:
    environ = variables(tmp_path, service.base_url, WEBVOICE_API_KEY=None, WEBVOICE_MAX_CREDITS_PER_DAY=1)
    with session(environ) as first, session(environ) as second:
        assert failure(second.call("webvoice_status"))[0] == "not_authenticated"
        code = {"email": SEND_CODE["email"], "code": "123456"}
        fields(first.call("webvoice_register_verify", code))
        assert fields(second.call("webvoice_status"))["key_source"] == "saved"
        speak(first, tmp_path / "out/hello.mp3")
        text = "A longer text. " * 20
        refused, words = failure(second.call("webvoice_tts", {"text": text, "output_path": "more.mp3"}))
        assert refused == "budget_exceeded"
        assert "WEBVOICE_MAX_CREDITS_PER_DAY" in words
        assert fields(second.call("webvoice_usage"))["total_credits"] == 0.75
        (job,) = fields(second.call("webvoice_jobs"))["jobs"]
        assert job["result"]["files"][0]["path"] == str(tmp_path / "out/hello.mp3")
    assert not (tmp_path / "out/more.mp3").exists()
    assert CANARY not in (tmp_path / "state/credentials.json").read_text()
