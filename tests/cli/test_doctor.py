"""`webvoice-mcp doctor`."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.cli.conftest import Command, CommandResult
from tests.support import CANARY
from tests.wire.sandbox_service import running_sandbox
from webvoice_mcp import __version__
from webvoice_mcp.cli.clients import server_command
from webvoice_mcp.cli.doctor import installation
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import PLACEHOLDER_KEYS
from webvoice_mcp.studio import extra

CLOSED = "http://127.0.0.1:9/api/v1"  # nothing listens there
STATUS = b'{"user": "ann", "credits": 12.5, "api_key": {}}'
GET_A_KEY = "Run `webvoice-mcp login`, or ask your agent to register you, or set WEBVOICE_API_KEY."
FIRST = "Fix that first."

CheckFields = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@contextmanager
def answering(status: int = 200, body: bytes = STATUS, date: str | None = None) -> Iterator[str]:
    """Run a service that answers every request in the same way; yield its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            if date != "":
                self.send_header("Date", date or formatdate(usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def parse(result: CommandResult) -> dict[str, CheckFields]:
    """Return the checks in JSON output by their names, after checking the form of the output."""
    assert result.err == ""
    checks = json.loads(result.out)
    assert result.code == (0 if all(check["ok"] for check in checks) else 1)
    for check in checks:
        assert set(check) - {"warning"} == {"check", "ok", "detail"} | (set() if check["ok"] else {"cure"})
    assert len({check["check"] for check in checks}) == len(checks)
    return {check.pop("check"): check for check in checks}


def run_doctor(command: Command, **variables: Any) -> dict[str, CheckFields]:
    """Run the command and return the checks by their names. By default, the service cannot be reached."""
    return parse(command("doctor", "--json", **{"BASE_URL": CLOSED, **variables}))


def passed(detail: str) -> CheckFields:
    return {"ok": True, "detail": detail}


def failed(detail: str, cure: str) -> CheckFields:
    return {"ok": False, "detail": detail, "cure": cure}


def test_every_check_of_a_working_setup_passes(command: Command, tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        key = sandbox.register("ann@example.com")
        found = run_doctor(command, BASE_URL=sandbox.base_url, API_KEY=key)
    assert all(check["ok"] for check in found.values())
    assert found["version"] == passed(__version__)
    assert sys.executable in found["Python"]["detail"]
    assert found["WEBVOICE_BASE_URL"] == passed(f"{sandbox.base_url} (environment)")
    assert found["WEBVOICE_TIMEOUT"] == passed("600 (default)")
    assert found["key found"] == passed(f"wv_…{key[-4:]} (environment: WEBVOICE_API_KEY)")
    assert found["base URL reachable"] == passed(f"{sandbox.base_url} answers")
    assert found["key accepted"] == passed("by the account sandbox")
    assert found["credits"] == passed("20")
    assert found["clock"] == passed("agrees with the service's")
    assert found["output folder writable"] == passed(f"{tmp_path / 'out'} (created when first needed)")
    assert found["proxy"] == passed("none")


def test_a_person_gets_a_line_for_each_check_and_its_cure_below(command: Command) -> None:
    with answering() as base_url:
        code, out, err = command("doctor", BASE_URL=base_url, API_KEY=CANARY)
        assert (code, err) == (0, "")
        assert f"ok      version                         {__version__}\n" in out
        checks = len(re.findall("^ok  ", out, re.MULTILINE))
        assert out.endswith(f"\n\nAll {checks} checks passed.\n")
        code, out, err = command("doctor", BASE_URL=base_url, API_KEY=CANARY, TIMEOUT="soon")
    assert (code, err) == (1, "")
    assert "FAILED  WEBVOICE_TIMEOUT                WEBVOICE_TIMEOUT='soon' cannot be used: " in out
    assert " " * 40 + "Correct or remove WEBVOICE_TIMEOUT; the server does not start with it.\n" in out
    assert out.endswith(f"\n\n1 of {checks} checks failed.\n")
    lines = out.partition("\n\n")[0].splitlines()
    assert [line for line in lines if line[38:40] != "  " or line[40] == " "] == []  # findings and cures in one column


def test_a_check_that_could_not_be_run_does_not_count_as_failed(command: Command) -> None:
    code, out, _ = command("doctor", API_KEY=CANARY, BASE_URL=CLOSED)
    assert code == 1
    assert "\nFAILED  base URL reachable              Cannot connect to " in out
    assert "\n-       credits                         not checked: base URL reachable failed\n" in out
    assert re.search(r"\n\n1 of \d+ checks failed, and 3 could not be run\.\n$", out)


def test_given_settings_are_shown_with_the_values_in_use(command: Command, tmp_path: Path) -> None:
    folders = os.pathsep.join((str(tmp_path / "a"), str(tmp_path / "b")))
    expected = {
        "ALLOWED_DIRS": (folders, folders),
        "OVERWRITE": ("yes", "1"),
        "TOOLSETS": ("speech", "account,speech"),
        "MAX_CREDITS": ("7.50", "7.5"),
        "MAX_FILE_MB": (".5", "0.5"),
        "LOG_LEVEL": ("error", "ERROR"),
    }
    found = run_doctor(command, **{name: given for name, (given, _) in expected.items()})
    shown = {name: found[f"WEBVOICE_{name}"] for name in expected}
    assert shown == {name: passed(f"{value} (environment)") for name, (_, value) in expected.items()}


def test_an_unreadable_setting_does_not_prevent_other_checks(command: Command) -> None:
    found = run_doctor(command, TIMEOUT="soon", MAX_CREDITS="${user_config.it}", OVERWRITE="1")
    wrong = {name: check for name, check in found.items() if not check["ok"] and name.startswith("WEBVOICE_")}
    assert set(wrong) == {"WEBVOICE_TIMEOUT", "WEBVOICE_MAX_CREDITS"}
    for name, check in wrong.items():
        assert check["cure"] == f"Correct or remove {name}; the server does not start with it."
    assert found["WEBVOICE_OVERWRITE"] == passed("1 (environment)")
    assert found["output folder writable"]["ok"]


def test_a_placeholder_that_a_client_did_not_replace_is_found(command: Command) -> None:
    found = run_doctor(command, OUTPUT_DIR="${user_config.it}")["WEBVOICE_OUTPUT_DIR"]
    assert found == failed(
        "a placeholder that the client did not replace (${…}); it counts as unset",
        "Write the value itself, or remove WEBVOICE_OUTPUT_DIR from the client's configuration.",
    )


def test_the_documentation_s_example_is_not_a_key(command: Command) -> None:
    found = run_doctor(command, API_KEY=min(PLACEHOLDER_KEYS))
    detail = "the documentation's example, which is not a key; it counts as unset"
    assert found["WEBVOICE_API_KEY"] == failed(detail, f"Remove it. {GET_A_KEY}")
    assert found["key found"] == failed(f"none for {CLOSED}", GET_A_KEY)


def test_a_variable_that_is_no_setting_is_a_warning_and_no_failure(command: Command) -> None:
    found = run_doctor(command, MAX_CREDIT="5")["WEBVOICE_MAX_CREDIT"]
    detail = "WEBVOICE_MAX_CREDIT is not a setting and has no effect. Did you mean WEBVOICE_MAX_CREDITS?"
    assert found == passed(detail) | {"warning": True}
    with answering() as base_url:
        code, out, _ = command("doctor", BASE_URL=base_url, API_KEY=CANARY, TIMEOUTS="5")
    assert code == 0
    assert "\nwarn    WEBVOICE_TIMEOUTS               WEBVOICE_TIMEOUTS is not a setting" in out
    assert re.search(r"\n\nAll \d+ checks passed, with 2 warnings\.\n$", out)


def test_a_folder_with_a_variable_is_shown_with_its_value(command: Command, tmp_path: Path) -> None:
    found = run_doctor(command, OUTPUT_DIR="${HOME}/films")["WEBVOICE_OUTPUT_DIR"]
    assert found == passed(f"{tmp_path / 'films'} (environment)")


def test_without_a_network_everything_else_is_checked(command: Command, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    found = run_doctor(command, API_KEY=CANARY)
    reachable = found["base URL reachable"]
    assert reachable["detail"].startswith(f"Cannot connect to {CLOSED}: ")
    assert reachable["cure"].endswith("The other checks do not need the network.")
    for name in ("key accepted", "credits", "clock"):
        assert found[name] == failed("not checked: base URL reachable failed", FIRST)
    assert found["output folder writable"]["ok"]
    assert list(tmp_path.rglob("*")) == [tmp_path / "out"]  # the checks have changed nothing


@pytest.mark.parametrize(("status", "body"), [(404, b"{}"), (200, b"<html>Welcome</html>")], ids=["404", "page"])
def test_a_base_url_of_another_service_fails(command: Command, status: int, body: bytes) -> None:
    with answering(status, body) as base_url:
        reachable = run_doctor(command, BASE_URL=base_url, API_KEY=CANARY)["base URL reachable"]
    assert reachable["detail"].startswith(f"{base_url} answers, but not as WebVoice does: ")
    assert reachable["cure"] == "Check WEBVOICE_BASE_URL: it ends in /api/v1."


def test_with_an_unreadable_base_url_no_service_is_asked(command: Command) -> None:
    found = run_doctor(command, BASE_URL="http://service.example/api/v1", API_KEY=CANARY)
    for name in ("base URL reachable", "key accepted", "credits", "clock"):
        assert found[name] == failed("not checked: WEBVOICE_BASE_URL cannot be used", FIRST)


def test_without_a_key_the_service_is_still_checked(command: Command) -> None:
    with answering(401, b'{"error": "No key"}') as base_url:
        found = run_doctor(command, BASE_URL=base_url)
    assert found["key found"] == failed(f"none for {base_url}", GET_A_KEY)
    assert found["base URL reachable"]["ok"]
    for name in ("key accepted", "credits"):
        assert found[name] == failed("not checked: no key was found", FIRST)
    assert found["clock"]["ok"]


def test_an_output_folder_in_the_state_folder_fails(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "state/out"
    assert run_doctor(command, OUTPUT_DIR=folder)["output folder apart from keys"] == failed(
        f"The output folder {folder} is in {tmp_path}/state, the folder of saved keys and history, where no tool reads "
        "or writes",
        "Set WEBVOICE_OUTPUT_DIR to another folder, or ask the user to.",
    )


def test_a_saved_key_is_found_in_its_file(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "state/credentials.json"
    KeyStore(path).save(CLOSED, name="it", key=CANARY, use=True)
    assert run_doctor(command)["key found"] == passed(f"wv_…{CANARY[-4:]} (saved: {path})")


def test_saved_keys_of_other_services_are_mentioned(command: Command, tmp_path: Path) -> None:
    KeyStore(tmp_path / "state/credentials.json").save("https://a.example/api/v1", name="it", key=CANARY, use=True)
    assert run_doctor(command)["key found"] == failed(
        f"none for {CLOSED}; there are saved keys for https://a.example/api/v1",
        f"Check WEBVOICE_BASE_URL. {GET_A_KEY}",
    )


def test_a_damaged_key_file_is_named(command: Command, tmp_path: Path) -> None:
    damaged = tmp_path / "state/credentials.json.damaged-20260101-000000"
    damaged.parent.mkdir()
    damaged.touch()
    detail = run_doctor(command)["key found"]["detail"]
    assert detail == f"none for {CLOSED}; a damaged key file was set aside as {damaged}"


def test_an_unreadable_key_file_fails(command: Command, tmp_path: Path) -> None:
    (tmp_path / "state/credentials.json").mkdir(parents=True)
    found = run_doctor(command)["key found"]
    assert found["detail"].startswith(f"Cannot read {tmp_path / 'state/credentials.json'}: ")
    assert found["cure"] == "Make that file readable, or set WEBVOICE_STATE_DIR."


@pytest.mark.parametrize(
    ("source", "cure"),
    [("environment", f"Correct or remove WEBVOICE_API_KEY. {GET_A_KEY}"), ("saved", GET_A_KEY)],
)
def test_a_refused_key_fails_with_a_cure_for_its_source(
    command: Command, tmp_path: Path, source: str, cure: str
) -> None:
    with answering(401, b'{"error": "Unknown key"}') as base_url:
        if source == "saved":
            KeyStore(tmp_path / "state/credentials.json").save(base_url, name="it", key=CANARY, use=True)
        variables = {"API_KEY": CANARY} if source == "environment" else {}
        found = run_doctor(command, BASE_URL=base_url, **variables)
    assert (found["key accepted"]["ok"], found["key accepted"]["cure"]) == (False, cure)
    assert found["credits"] == failed("not checked: key accepted failed", FIRST)


def test_with_a_failing_service_the_key_is_not_blamed(command: Command) -> None:
    with answering(503, b'{"error": "Not now"}') as base_url:
        found = run_doctor(command, BASE_URL=base_url, API_KEY=CANARY)
    assert found["base URL reachable"]["ok"]
    assert found["key accepted"]["cure"] == "Wait a little and run this again."
    assert found["credits"] == failed("not checked: key accepted failed", FIRST)


def test_an_answer_without_account_and_credits_is_accepted(command: Command) -> None:
    with answering(body=b"{}") as base_url:
        found = run_doctor(command, BASE_URL=base_url, API_KEY=CANARY)
    assert found["key accepted"] == passed("yes")
    assert found["credits"] == passed("not in the service's answer")


def test_text_of_the_service_cannot_look_like_another_check(command: Command) -> None:
    with answering(body=b'{"user": "ann\\nok  clock\\u2028ok  x\\u001b[2J"}') as base_url:
        found = run_doctor(command, BASE_URL=base_url, API_KEY=CANARY)
    assert found["key accepted"] == passed("by the account ann ok  clock ok  x")


def test_used_up_credits_fail_with_the_pages_to_top_up(command: Command) -> None:
    with answering(body=b'{"user": "ann", "credits": 0}') as base_url:
        found = run_doctor(command, BASE_URL=base_url, API_KEY=CANARY)
    site = base_url.removesuffix("/api/v1")
    top_up = f"Top up at {site}/billing/purchase/ or {site}/billing/solana/"
    assert found["credits"] == failed("0", f"{top_up}; until then, use free chat models.")


@pytest.mark.parametrize(
    ("date", "detail", "ok"),
    [
        ("", "not checked: the service's answer has no usable date", True),
        ("yesterday", "not checked: the service's answer has no usable date", True),
        ("Sun, 01 Jan 2006 00:00:00 -0000", "seconds ahead of the service's", False),
        ("Thu, 01 Jan 2099 00:00:00 GMT", "seconds behind the service's", False),
    ],
)
def test_the_clock_is_compared_with_the_service_s(command: Command, date: str, detail: str, ok: bool) -> None:
    with answering(date=date) as base_url:
        found = run_doctor(command, BASE_URL=base_url, API_KEY=CANARY)["clock"]
    assert found["detail"].endswith(detail)
    assert found["ok"] is ok


def test_a_folder_that_cannot_be_written_fails(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.touch()
    found = run_doctor(command, OUTPUT_DIR=str(file / "out"))["output folder writable"]
    assert found["detail"].startswith(f"{file}: ")
    assert found["cure"] == "Make it a folder that you can write to, or set WEBVOICE_OUTPUT_DIR to one."
    assert file.read_bytes() == b""


@pytest.mark.skipif(sys.platform != "linux", reason="on other systems they are the same folder")
def test_the_folders_of_keys_and_history_are_both_checked(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    found = run_doctor(command, STATE_DIR="")
    assert found["key folder writable"]["ok"]
    cure = "Make it a folder that you can write to, or set WEBVOICE_STATE_DIR to one."
    assert found["history folder writable"]["cure"] == cure


@pytest.mark.parametrize(
    ("variables", "base_url", "detail"),
    [
        (
            {"HTTPS_PROXY": "http://ann:secret@127.0.0.1:9"},
            "https://a.invalid/api/v1",
            "a.invalid is reached through http://127.0.0.1:9",
        ),
        (
            {"ALL_PROXY": "http://127.0.0.1:9"},
            "https://a.invalid/api/v1",
            "a.invalid is reached through http://127.0.0.1:9",
        ),
        ({"HTTP_PROXY": "http://127.0.0.1:9"}, CLOSED, "http://127.0.0.1:9 is set, but not used for 127.0.0.1:9"),
        (
            {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"},
            "https://127.0.0.1:9/api/v1",
            "http://127.0.0.1:9 is set, but not used for 127.0.0.1:9",
        ),
    ],
)
def test_a_proxy_is_shown_without_its_password(
    command: Command, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], base_url: str, detail: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run_doctor(command, BASE_URL=base_url, API_KEY=CANARY)["proxy"] == passed(detail)


@pytest.mark.parametrize(
    ("requirements", "detail"),
    [
        (
            ["mcp>=2", "no-such-engine>=1; extra == 'sandbox'", "pytest>=17 ; extra == 'sandbox'"],
            "missing: no-such-engine; only the sandbox and the demo need them (pip install 'webvoice-mcp[sandbox]')",
        ),
        (["mcp>=2", "pytest>=17 ; extra == 'sandbox'"], "all installed: pytest"),
        (None, "unknown: this source tree is not installed"),
    ],
)
def test_missing_engines_are_reported_and_not_a_failure(
    command: Command, monkeypatch: pytest.MonkeyPatch, requirements: list[str] | None, detail: str
) -> None:
    def requires(_name: str) -> list[str]:
        if requirements is None:
            raise metadata.PackageNotFoundError
        return requirements

    monkeypatch.setattr(metadata, "requires", requires)
    assert run_doctor(command)["sandbox engines"] == passed(detail)


def test_the_extra_for_media_is_reported_and_never_a_failure(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run_doctor(command)["extra media"] == passed("installed: av, pillow-heif, pillow")
    monkeypatch.setattr(extra, "PACKAGES", ("no-such-package",))
    found = run_doctor(command)["extra media"]
    assert found == passed(
        "missing: no-such-package; sound in films and in files of phones (MP4, MOV, WebM, Ogg, AAC), and HEIC and AVIF"
        f" pictures, need it; to add it, {extra.how_to_add()}"
    )


def test_a_desktop_client_is_given_the_full_path(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "_DESKTOP_PATH", {sys.platform: str(tmp_path / "bin")})
    monkeypatch.setattr(server_command, "is_permanent", lambda _path, _platform: True)
    detail = run_doctor(command)["desktop launcher"]["detail"]
    path = Path(detail.rpartition("give it this command: ")[2])
    assert path.is_absolute()
    assert path.is_file()
    assert path.stem == "webvoice-mcp"
    program = tmp_path / "bin" / path.name
    program.parent.mkdir()
    program.touch(mode=0o755)
    found = run_doctor(command)["desktop launcher"]
    assert found == passed(f"a client started from the desktop finds webvoice-mcp as {program}")


def test_without_a_permanent_installation_or_uvx_advice_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(installation, "_DESKTOP_PATH", {sys.platform: str(tmp_path)})
    monkeypatch.setattr(server_command, "is_permanent", lambda _path, _platform: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    detail = installation.check_desktop_launcher().detail
    assert "and uvx is missing; before you add the server there, install the server permanently" in detail
    (tmp_path / "uvx").touch(mode=0o755)
    assert installation.check_desktop_launcher().detail.endswith("/uvx webvoice-mcp")


def test_no_key_is_ever_shown(command: Command) -> None:
    other = "wv_another_0123456789abcdef"
    for words in (["doctor"], ["doctor", "--json"]):
        with answering(401, json.dumps({"error": f"Not {CANARY}\u001b[31m"}).encode()) as base_url:
            result = command(*words, BASE_URL=base_url, API_KEY=CANARY, TIMEOUT=other, SPARE=other)
        assert result.code == 1
        assert CANARY not in result.out
        assert other not in result.out
        assert "\x1b" not in result.out
