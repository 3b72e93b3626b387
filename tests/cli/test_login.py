"""`webvoice-mcp login`, `logout` and `status`."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.loopback import HeldReply, LoopbackService
from tests.support import CANARY
from tests.wire.sandbox_service import SandboxService, running_sandbox
from tests.wire_driver import SERVER_COMMAND, TIMEOUT_SECONDS, environment
from webvoice_mcp.keystore import KeyStore

NOBODY = "http://127.0.0.1:9/api/v1"
THERE = "The service still knows them; delete them there: http://127.0.0.1:9/api/\n"
EMAIL = "ann@example.com"
SENT = {"success": True, "is_new_user": True, "message": "Look into your mail.\x1b[31m"}
VERIFIED = {"success": True, "api_key": CANARY, "onboarding": {"credits": 20.0}}

Answer = str | BaseException | Callable[[], str]
People = Callable[..., None]


class Person(io.StringIO):
    """Somebody who types answers, and then nothing more."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self.answers = list(answers)

    def readline(self, _limit: int | None = -1, /) -> str:  # type: ignore[override]  # typeshed's base is for bytes
        if not self.answers:
            return ""
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return f"{answer if isinstance(answer, str) else answer()}\n"


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> People:
    """Puts somebody at the terminal."""
    return lambda *answers: monkeypatch.setattr(sys, "stdin", Person(*answers))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxService]:
    with running_sandbox(tmp_path / "sandbox") as play:
        yield play


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Where keys are saved."""
    return tmp_path / "state/credentials.json"


# Signing in


def test_signing_in_asks_and_saves_the_key(
    command: Command, person: People, sandbox: SandboxService, saved: Path
) -> None:
    person(f" {EMAIL} ", "y", "YES", "", "000000", lambda: sandbox.code(EMAIL))
    code, out, err = command("login", BASE_URL=sandbox.base_url)
    key = KeyStore(saved).active(sandbox.base_url)
    assert (code, err) == (0, "")
    site = sandbox.base_url.removesuffix("/api/v1")
    assert out.startswith(f"Signing in at {site}/\nE-mail address: The privacy policy and the terms of service are ")
    assert "Do you accept the privacy policy? [y/N] Do you accept the terms of service? [y/N] A code is " in out
    assert out.endswith(f"The key wv_…{key[-4:]} is saved in {saved} and works at once.\nCredits: 20.0\n")
    assert key not in out
    assert sorted(each.name for each in saved.parent.iterdir()) == ["credentials.json", "credentials.json.lock"]


def test_an_address_that_was_given_is_not_asked_for(command: Command, person: People, sandbox: SandboxService) -> None:
    person("y", "y", lambda: sandbox.code(EMAIL))
    code, out, _ = command("login", "--email", EMAIL, BASE_URL=sandbox.base_url)
    assert code == 0
    assert "E-mail address" not in out


def test_what_is_no_address_is_refused_before_anything_is_asked(command: Command, person: People) -> None:
    person()
    code, out, err = command("login", "--email", "ann", BASE_URL=NOBODY)
    assert (code, out) == (1, "Signing in at http://127.0.0.1:9/\n")
    assert err.startswith("webvoice-mcp login: invalid_argument: The address ")


@pytest.mark.parametrize("answers", [["n"], [""], ["y", "no"], ["true"]])
def test_without_consent_nothing_is_sent(command: Command, person: People, answers: list[str]) -> None:
    person(*answers)
    with LoopbackService({}).running() as service:
        code, _, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
    assert (code, service.requests) == (1, [])
    assert err == "webvoice-mcp login: Without your consent no account can be opened. Nothing was sent.\n"


@pytest.mark.parametrize(
    ("answers", "question"),
    [
        ([], "E-mail address:"),
        ([EMAIL], "Do you accept the privacy policy? [y/N]"),
        ([EMAIL, "y", "y"], "Code in the mail:"),
        ([OSError()], "E-mail address:"),
    ],
)
def test_where_nobody_answers_that_is_said(
    command: Command, person: People, saved: Path, answers: list[Answer], question: str
) -> None:
    person(*answers)
    with LoopbackService({"auth/send-code/": SENT}).running() as service:
        code, out, err = command("login", BASE_URL=service.base_url)
    assert code == 1
    assert out.endswith(f"{question} \n")
    assert err == f"webvoice-mcp login: No answer to {question!r}: this command asks a person at a terminal.\n"
    assert not saved.exists()


def test_ctrl_c_at_a_question_ends_it_with_130(command: Command, person: People, saved: Path) -> None:
    person(EMAIL, KeyboardInterrupt())
    code, _, err = command("login", BASE_URL=NOBODY)
    assert code == 130
    assert err == "\nwebvoice-mcp login: stopped; webvoice-mcp status tells whether a key was saved.\n"
    assert not saved.exists()


@contextmanager
def typing(tmp_path: Path, base_url: str, typed: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process, to which this was typed."""
    environ = environment(tmp_path, {"BASE_URL": base_url})
    command = [*SERVER_COMMAND, "login", "--email", EMAIL]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin
        process.stdin.write(typed)
        process.stdin.flush()
        yield process


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_while_the_code_is_checked_waits_until_the_key_is_saved(tmp_path: Path, saved: Path) -> None:
    held = HeldReply(VERIFIED)
    with LoopbackService({"auth/send-code/": SENT, "auth/verify-code/": held}).running() as service:
        with typing(tmp_path, service.base_url, b"y\ny\n123456\n") as process:
            assert [service.wait_for_request().path, service.wait_for_request().path] == [
                "auth/send-code/",
                "auth/verify-code/",
            ]
            process.send_signal(signal.SIGINT)
            held.release()
            assert process.wait(TIMEOUT_SECONDS) == 130
            assert process.stderr
            assert process.stderr.read().startswith(b"\nwebvoice-mcp login: stopped; ")
        assert KeyStore(saved).active(service.base_url) == CANARY


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_while_the_code_is_ordered_ends_it_at_once(tmp_path: Path, saved: Path) -> None:
    with (
        LoopbackService({"auth/send-code/": None}).running() as service,
        typing(tmp_path, service.base_url, b"y\ny\n") as process,
    ):
        service.wait_for_request()
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_SECONDS) == 130
    assert not saved.exists()


def test_three_codes_that_are_wrong_are_enough(
    command: Command, person: People, sandbox: SandboxService, saved: Path
) -> None:
    person("y", "y", "000000", "000001", "000002", "000003")
    code, out, err = command("login", "--email", EMAIL, BASE_URL=sandbox.base_url)
    assert (code, out.count("The code is wrong")) == (1, 2)
    assert err.startswith("webvoice-mcp login: bad_request: ")
    assert not saved.exists()


def test_no_code_at_all_ends_it(command: Command, person: People) -> None:
    person("y", "y", "", " ", "")
    with LoopbackService({"auth/send-code/": SENT}).running() as service:
        code, out, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
    assert (code, err) == (1, "webvoice-mcp login: No code was typed in.\n")
    assert "Look into your mail.\n" in out
    assert "\x1b" not in out


def test_a_service_that_cannot_be_reached_is_told(command: Command, person: People) -> None:
    person("y", "y")
    code, _, err = command("login", "--email", EMAIL, BASE_URL=NOBODY)
    assert code == 1
    assert err.startswith(f"webvoice-mcp login: network_error: Cannot connect to {NOBODY}: ")


def test_a_key_that_cannot_be_saved_is_shown_once(command: Command, person: People, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    person("y", "y", "123456")
    with LoopbackService({"auth/send-code/": SENT, "auth/verify-code/": VERIFIED}).running() as service:
        code, out, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
    assert (code, err) == (1, "")
    assert f"Your key: {CANARY}\nThe key could not be saved, so it is shown here once: keep it. " in out


def test_a_service_that_gives_no_key_is_told(command: Command, person: People) -> None:
    person("y", "y", "123456")
    verified = {"success": True, "onboarding": None}
    with LoopbackService({"auth/send-code/": {"success": True}, "auth/verify-code/": verified}).running() as service:
        code, out, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
    assert (code, err) == (1, "")
    assert f"A code is on its way to {EMAIL}.\n" in out
    assert out.endswith("The service sent no API key.\n")


def test_a_key_in_the_environment_that_still_wins_is_told(command: Command, person: People) -> None:
    person("y", "y", "123456")
    with LoopbackService({"auth/send-code/": SENT, "auth/verify-code/": VERIFIED}).running() as service:
        code, out, _ = command("login", "--email", EMAIL, BASE_URL=service.base_url, API_KEY="wv_old_0123456789")
    assert code == 0
    assert "WEBVOICE_API_KEY is set and goes on being used until it is removed.\n" in out


# Signing out


def test_signing_out_forgets_the_keys_of_this_service_alone(command: Command, saved: Path) -> None:
    store = KeyStore(saved)
    for base_url in (NOBODY, NOBODY, "https://a.example/api/v1"):
        store.save(base_url, name="it", key=f"{CANARY}{len(store.services())}", use=True)
    assert command("logout", BASE_URL=NOBODY) == (
        0,
        f"Forgotten: 2 saved keys for {NOBODY}\n{THERE}",
        "",
    )
    assert store.services() == ["https://a.example/api/v1"]
    assert command("logout", BASE_URL=NOBODY) == (0, f"No key was saved for {NOBODY}\n", "")


def test_signing_out_says_where_a_key_is_left(command: Command, saved: Path) -> None:
    aside = saved.with_name("credentials.json.damaged-20260101-000000")
    aside.parent.mkdir()
    aside.touch()
    code, out, err = command("logout", BASE_URL=NOBODY, API_KEY=CANARY)
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        f"A damaged key file may still hold keys: {aside}",
        "WEBVOICE_API_KEY is set and goes on being used until it is removed.",
    ]


@pytest.mark.parametrize("name", ["logout", "status"])
def test_a_key_file_that_cannot_be_read_is_told(command: Command, saved: Path, name: str) -> None:
    saved.mkdir(parents=True)
    code, out, err = command(name, BASE_URL=NOBODY)
    assert (code, out) == (1, "")
    assert err.startswith(f"webvoice-mcp {name}: disk_error: Cannot read {saved}: ")


# Status


def test_status_shows_account_credits_and_the_masked_key(command: Command, sandbox: SandboxService) -> None:
    key = sandbox.register(EMAIL)
    code, out, err = command("status", BASE_URL=sandbox.base_url, API_KEY=key)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:5] == [
        f"base URL: {sandbox.base_url}",
        f"key: wv_…{key[-4:]} (environment)",
        "account: sandbox",
        "credits: 20",
        "key name: API key",
    ]
    assert key not in out


def test_the_key_itself_is_shown_when_asked_for_even_without_a_network(command: Command, saved: Path) -> None:
    KeyStore(saved).save(NOBODY, name="it", key=CANARY, use=True)
    code, out, err = command("status", "--show-key", BASE_URL=NOBODY)
    assert (code, out) == (1, f"base URL: {NOBODY}\nkey: {CANARY} (saved)\n")
    assert err.startswith("webvoice-mcp status: network_error: ")


def test_without_a_key_status_says_how_to_get_one(command: Command) -> None:
    missing = f"webvoice-mcp status: No API key is known for {NOBODY}. Get one with: webvoice-mcp login\n"
    assert command("status", BASE_URL=NOBODY) == (1, "", missing)


def test_status_leaves_out_what_the_service_did_not_say(command: Command) -> None:
    with LoopbackService({"status/": {"user": "a\x1b[31mnn", "api_key": {"last_used": None}}}).running() as service:
        code, out, _ = command("status", BASE_URL=service.base_url, API_KEY=CANARY)
    assert (code, out.splitlines()[2:]) == (0, ["account: ann"])
    assert json.dumps(CANARY) not in out
