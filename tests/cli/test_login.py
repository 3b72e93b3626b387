"""`webvoice-mcp login`, `logout` and `status`."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import TIMEOUT_SECONDS, Command, start
from tests.loopback import HeldReply, LoopbackService
from tests.support import CANARY
from tests.wire.sandbox_service import SandboxService, running_sandbox
from tests.wire_driver import SERVER_COMMAND, environment
from webvoice_mcp.keystore import KeyStore

CLOSED = "http://127.0.0.1:9/api/v1"  # nothing listens there
EMAIL = "ann@example.com"
CODE_SENT = {"success": True, "is_new_user": True, "message": "Look into your mail.\x1b[31m"}
VERIFIED = {"success": True, "api_key": CANARY, "onboarding": {"credits": 20.0}}

Answer = str | BaseException | Callable[[], str]
TypeAnswers = Callable[..., None]


class TypedAnswers(io.StringIO):
    """A stdin where a user types these answers and then ends the input."""

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
def type_answers(monkeypatch: pytest.MonkeyPatch) -> TypeAnswers:
    """Return a function that lets a user type these answers at the terminal."""
    return lambda *answers: monkeypatch.setattr(sys, "stdin", TypedAnswers(*answers))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxService]:
    with running_sandbox(tmp_path / "sandbox") as service:
        yield service


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The file of saved keys."""
    return tmp_path / "state/credentials.json"


# Login


def test_signing_in_asks_and_saves_the_key(
    command: Command, type_answers: TypeAnswers, sandbox: SandboxService, key_file: Path
) -> None:
    type_answers(f" {EMAIL} ", "y", "YES", "", "000000", lambda: sandbox.code(EMAIL))
    code, out, err = command("login", BASE_URL=sandbox.base_url)
    key = KeyStore(key_file).active(sandbox.base_url)
    assert (code, err) == (0, "")
    site = sandbox.base_url.removesuffix("/api/v1")
    assert out.startswith(f"Signing in at {site}/\nE-mail address: You can read the privacy policy and ")
    assert "Do you accept the privacy policy? [y/N] Do you accept the terms of service? [y/N] The code is in " in out
    assert out.endswith(f"The key wv_…{key[-4:]} is saved in {key_file} and ready to use.\nCredits: 20.0\n")
    assert key not in out
    assert sorted(path.name for path in key_file.parent.iterdir()) == ["credentials.json", "credentials.json.lock"]


def test_a_given_address_is_not_asked_for(command: Command, type_answers: TypeAnswers, sandbox: SandboxService) -> None:
    type_answers("y", "y", lambda: sandbox.code(EMAIL))
    code, out, _ = command("login", "--email", EMAIL, BASE_URL=sandbox.base_url)
    assert code == 0
    assert "E-mail address" not in out


def test_an_invalid_address_is_refused_before_any_question(command: Command, type_answers: TypeAnswers) -> None:
    type_answers()
    code, out, err = command("login", "--email", "ann", BASE_URL=CLOSED)
    assert (code, out) == (1, "Signing in at http://127.0.0.1:9/\n")
    assert err.startswith("webvoice-mcp login: invalid_argument: The address ")


def test_a_mistyped_address_is_asked_for_again(
    command: Command, type_answers: TypeAnswers, sandbox: SandboxService
) -> None:
    type_answers("ann", "", EMAIL, "y", "y", lambda: sandbox.code(EMAIL))
    code, out, err = command("login", BASE_URL=sandbox.base_url)
    assert (code, err) == (0, "")
    assert out.count("The address is not an e-mail address. Give one like name@example.com.\nE-mail address: ") == 2


def test_an_address_of_the_command_line_is_not_asked_for_again(command: Command, type_answers: TypeAnswers) -> None:
    type_answers("y", "y", EMAIL)
    refused = {"success": False, "error": "This address cannot receive mail."}
    with LoopbackService({"auth/send-code/": refused}).running() as service:
        code, _, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
    assert (code, len(service.requests)) == (1, 1)
    assert "This address cannot receive mail." in err


def test_three_mistyped_addresses_end_the_command(command: Command, type_answers: TypeAnswers) -> None:
    type_answers("ann", "bob", "carl", EMAIL)
    code, out, err = command("login", BASE_URL=CLOSED)
    assert (code, out.count("E-mail address: ")) == (1, 3)
    assert err.startswith("webvoice-mcp login: invalid_argument: The address ")


def test_an_address_that_the_service_refuses_is_asked_for_again(command: Command, type_answers: TypeAnswers) -> None:
    refused = {"success": False, "error": "This address cannot receive mail."}
    service = LoopbackService({"auth/send-code/": refused, "auth/verify-code/": VERIFIED})

    def correct() -> str:
        service.replies["auth/send-code/"] = CODE_SENT
        return EMAIL

    type_answers("ann@exmaple.com", "y", "y", correct, "123456")
    with service.running():
        code, out, err = command("login", BASE_URL=service.base_url)
    assert (code, err) == (0, "")
    assert "This address cannot receive mail." in out
    assert [json.loads(request.body)["email"] for request in service.requests] == ["ann@exmaple.com", EMAIL, EMAIL]


@pytest.mark.parametrize("answers", [[""], ["y", "no"]])
def test_without_consent_nothing_is_sent(command: Command, type_answers: TypeAnswers, answers: list[str]) -> None:
    type_answers(*answers)
    with LoopbackService({}).running() as service:
        code, _, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
    assert (code, service.requests) == (1, [])
    assert err == "webvoice-mcp login: An account cannot be opened without your consent. Nothing was sent.\n"


@pytest.mark.parametrize(
    ("answers", "question"),
    [
        ([EMAIL, "y", "y"], "Code from the e-mail:"),
        ([OSError()], "E-mail address:"),
    ],
)
def test_an_unanswered_question_is_an_error(
    command: Command, type_answers: TypeAnswers, key_file: Path, answers: list[Answer], question: str
) -> None:
    type_answers(*answers)
    with LoopbackService({"auth/send-code/": CODE_SENT}).running() as service:
        code, out, err = command("login", BASE_URL=service.base_url)
    assert code == 1
    assert out.endswith(f"{question} \n")
    assert err.startswith(f"webvoice-mcp login: There is no answer to {question!r}. Run this command in a terminal")
    assert not key_file.exists()


def test_ctrl_c_at_a_question_exits_with_130(command: Command, type_answers: TypeAnswers, key_file: Path) -> None:
    type_answers(EMAIL, KeyboardInterrupt())
    code, _, err = command("login", BASE_URL=CLOSED)
    assert code == 130
    assert err == "\nwebvoice-mcp login: stopped. Run webvoice-mcp status to see whether a key was saved.\n"
    assert not key_file.exists()


@contextmanager
def typing(tmp_path: Path, base_url: str, typed: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command in a new process, with these bytes as its stdin."""
    environ = environment(tmp_path, {"BASE_URL": base_url})
    command = [*SERVER_COMMAND, "login", "--email", EMAIL]
    with start(command, env=environ, stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(typed)
        process.stdin.flush()
        yield process


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.slow
def test_ctrl_c_during_verification_waits_until_the_key_is_saved(tmp_path: Path, key_file: Path) -> None:
    held = HeldReply(VERIFIED)
    with LoopbackService({"auth/send-code/": CODE_SENT, "auth/verify-code/": held}).running() as service:
        with typing(tmp_path, service.base_url, b"y\ny\n123456\n") as process:
            assert [service.wait_for_request().path, service.wait_for_request().path] == [
                "auth/send-code/",
                "auth/verify-code/",
            ]
            process.send_signal(signal.SIGINT)
            held.release()
            assert process.wait(TIMEOUT_SECONDS) == 130
            assert process.stderr
            assert process.stderr.read().startswith(b"\nwebvoice-mcp login: stopped. ")
        assert KeyStore(key_file).active(service.base_url) == CANARY


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.slow
def test_ctrl_c_during_the_request_for_a_code_ends_it_at_once(tmp_path: Path, key_file: Path) -> None:
    with (
        LoopbackService({"auth/send-code/": None}).running() as service,
        typing(tmp_path, service.base_url, b"y\ny\n") as process,
    ):
        service.wait_for_request()
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_SECONDS) == 130
    assert not key_file.exists()


def test_three_wrong_codes_end_the_command(
    command: Command, type_answers: TypeAnswers, sandbox: SandboxService, key_file: Path
) -> None:
    type_answers("y", "y", "000000", "000001", "000002", "000003")
    code, out, err = command("login", "--email", EMAIL, BASE_URL=sandbox.base_url)
    assert (code, out.count("The code is wrong")) == (1, 2)
    assert err.startswith("webvoice-mcp login: bad_request: ")
    assert not key_file.exists()


def test_three_empty_codes_end_the_command(command: Command, type_answers: TypeAnswers) -> None:
    type_answers("y", "y", "", " ", "")
    with LoopbackService({"auth/send-code/": CODE_SENT}).running() as service:
        code, out, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
    assert code == 1
    assert err == "webvoice-mcp login: No code was entered. Run this command again to get a new one.\n"
    assert "Look into your mail.\n" in out
    assert "\x1b" not in out


@pytest.mark.slow
def test_an_unreachable_service_is_an_error(command: Command, type_answers: TypeAnswers) -> None:
    type_answers("y", "y")
    code, _, err = command("login", "--email", EMAIL, BASE_URL=CLOSED)
    assert code == 1
    assert err.startswith(f"webvoice-mcp login: network_error: Cannot connect to {CLOSED}: ")


def test_an_unusable_state_folder_is_found_before_a_code_is_sent(
    command: Command, type_answers: TypeAnswers, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("no folder")
    type_answers("y", "y")
    with LoopbackService({}).running() as service:
        code, _, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
        assert (code, service.requests) == (1, [])
    assert err.startswith(f"webvoice-mcp login: disk_error: Cannot use {tmp_path / 'state'}: ")


def test_a_key_that_cannot_be_saved_after_all_is_not_shown(
    command: Command, type_answers: TypeAnswers, key_file: Path
) -> None:
    def remove_folder() -> str:
        shutil.rmtree(key_file.parent)
        key_file.parent.write_text("no folder")
        return "123456"

    type_answers("y", "y", remove_folder)
    with LoopbackService({"auth/send-code/": CODE_SENT, "auth/verify-code/": VERIFIED}).running() as service:
        code, out, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
    assert (code, err) == (1, "")
    assert f"The key could not be saved. Cannot use {key_file.parent}: " in out
    assert CANARY not in out


def test_signing_in_replaces_the_saved_key_without_a_further_question(
    command: Command, type_answers: TypeAnswers, key_file: Path
) -> None:
    type_answers("y", "y", "123456")
    with LoopbackService({"auth/send-code/": CODE_SENT, "auth/verify-code/": VERIFIED}).running() as service:
        KeyStore(key_file).save(service.base_url, name="it", key="wv_old_0123456789", use=True)
        code, _, _ = command("login", "--email", EMAIL, BASE_URL=service.base_url)
        assert (code, KeyStore(key_file).active(service.base_url)) == (0, CANARY)


def test_an_answer_without_a_key_is_an_error(command: Command, type_answers: TypeAnswers) -> None:
    type_answers("y", "y", "123456")
    verified = {"success": True, "onboarding": None}
    with LoopbackService({"auth/send-code/": {"success": True}, "auth/verify-code/": verified}).running() as service:
        code, out, err = command("login", "--email", EMAIL, BASE_URL=service.base_url)
    assert (code, err) == (1, "")
    assert f"A code is on its way to {EMAIL}.\n" in out
    assert out.endswith("The service sent no API key.\n")


def test_a_key_in_the_environment_that_stays_in_use_is_mentioned(command: Command, type_answers: TypeAnswers) -> None:
    type_answers("y", "y", "123456")
    with LoopbackService({"auth/send-code/": CODE_SENT, "auth/verify-code/": VERIFIED}).running() as service:
        code, out, _ = command("login", "--email", EMAIL, BASE_URL=service.base_url, API_KEY="wv_old_0123456789")
    assert code == 0
    assert "WEBVOICE_API_KEY is set" in out


# Logout


def test_logout_deletes_the_keys_of_this_service_only(command: Command, key_file: Path) -> None:
    store = KeyStore(key_file)
    for base_url in (CLOSED, CLOSED, "https://a.example/api/v1"):
        store.save(base_url, name="it", key=f"{CANARY}{len(store.services())}", use=True)
    assert command("logout", BASE_URL=CLOSED) == (
        0,
        f"Deleted 2 saved keys for {CLOSED}\nThe service still accepts them; revoke keys at http://127.0.0.1:9/api/\n",
        "",
    )
    assert store.services() == ["https://a.example/api/v1"]
    assert command("logout", BASE_URL=CLOSED) == (0, f"No key was saved for {CLOSED}\n", "")


def test_logout_names_the_places_where_a_key_is_left(command: Command, key_file: Path) -> None:
    damaged = key_file.with_name("credentials.json.damaged-20260101-000000")
    damaged.parent.mkdir()
    damaged.touch()
    code, out, err = command("logout", BASE_URL=CLOSED, API_KEY=CANARY)
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        f"A damaged key file may still hold keys: {damaged}",
        "WEBVOICE_API_KEY is set and stays in use until you remove it.",
    ]


@pytest.mark.parametrize("name", ["logout", "status"])
def test_an_unreadable_key_file_is_an_error(command: Command, key_file: Path, name: str) -> None:
    key_file.mkdir(parents=True)
    code, out, err = command(name, BASE_URL=CLOSED)
    assert (code, out) == (1, "")
    assert err.startswith(f"webvoice-mcp {name}: disk_error: Cannot read {key_file}: ")


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


@pytest.mark.slow
def test_the_key_is_shown_on_request_even_without_a_network(command: Command, key_file: Path) -> None:
    KeyStore(key_file).save(CLOSED, name="it", key=CANARY, use=True)
    code, out, err = command("status", "--show-key", BASE_URL=CLOSED)
    assert (code, out) == (1, f"base URL: {CLOSED}\nkey: {CANARY} (saved)\n")
    assert err.startswith("webvoice-mcp status: network_error: ")


def test_without_a_key_status_says_how_to_get_one(command: Command) -> None:
    missing = f"webvoice-mcp status: No API key is known for {CLOSED}. Get one with: webvoice-mcp login\n"
    assert command("status", BASE_URL=CLOSED) == (1, "", missing)


def test_status_omits_fields_that_the_service_did_not_send(command: Command) -> None:
    with LoopbackService({"status/": {"user": "a\x1b[31mnn", "api_key": {"last_used": None}}}).running() as service:
        code, out, _ = command("status", BASE_URL=service.base_url, API_KEY=CANARY)
    assert (code, out.splitlines()[2:]) == (0, ["account: ann"])
    assert json.dumps(CANARY) not in out
