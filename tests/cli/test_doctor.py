"""`webvoice-mcp doctor`."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.cli.conftest import Command, Done
from tests.support import CANARY
from tests.test_docs import variables_read
from tests.wire.sandbox_service import running_sandbox
from webvoice_mcp import __version__
from webvoice_mcp.cli import _checks, _launcher
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import PLACEHOLDER_KEYS

NOBODY = "http://127.0.0.1:9/api/v1"
STATUS = b'{"user": "ann", "credits": 12.5, "api_key": {}}'
LOGIN = "Run `webvoice-mcp login`, or ask your agent to register you, or set WEBVOICE_API_KEY."
PAGES = "{site}/billing/purchase/ or {site}/billing/solana/"
FIRST = "Mend that first."

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (each for each in os.environ if each.lower().endswith("_proxy")):
        monkeypatch.delenv(name)


@contextmanager
def answering(status: int = 200, body: bytes = STATUS, date: str | None = None) -> Iterator[str]:
    """A service that answers everything in the same way; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            if date != "":
                self.send_header("Date", date or formatdate(usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
            """Nothing: a test's output is for what goes wrong."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rows(done: Done) -> dict[str, Row]:
    """The checks by name, from JSON."""
    assert done.err == ""
    said = json.loads(done.out)
    assert done.code == (0 if all(each["ok"] for each in said) else 1)
    for each in said:
        assert set(each) == ({"check", "ok", "detail"} if each["ok"] else {"check", "ok", "detail", "cure"})
    assert len({each["check"] for each in said}) == len(said)
    return {each.pop("check"): each for each in said}


def examined(command: Command, **variables: Any) -> dict[str, Row]:
    return rows(command("doctor", "--json", **{"BASE_URL": NOBODY, **variables}))


def ok(detail: str) -> Row:
    return {"ok": True, "detail": detail}


def wrong(detail: str, cure: str) -> Row:
    return {"ok": False, "detail": detail, "cure": cure}


def test_where_all_is_well_each_check_says_so_and_the_code_is_0(command: Command, tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        key = sandbox.register("ann@example.com")
        found = examined(command, BASE_URL=sandbox.base_url, API_KEY=key)
    assert all(each["ok"] for each in found.values())
    assert found["version"] == ok(__version__)
    assert sys.executable in found["Python"]["detail"]
    assert found["WEBVOICE_BASE_URL"] == ok(f"{sandbox.base_url} (environment)")
    assert found["WEBVOICE_TIMEOUT"] == ok("600 (default)")
    assert found["key found"] == ok(f"wv_…{key[-4:]} (environment: WEBVOICE_API_KEY)")
    assert found["base URL reachable"] == ok(f"{sandbox.base_url} answers")
    assert found["key accepted"] == ok("by the account sandbox")
    assert found["credits"] == ok("20")
    assert found["clock"] == ok("as the service's")
    assert found["output folder writable"] == ok(f"{tmp_path / 'out'} (made when first needed)")
    assert found["proxy"] == ok("none")


def test_a_person_reads_a_line_for_each_check_and_the_cure_below_it(command: Command, tmp_path: Path) -> None:
    with answering() as base_url:
        code, out, err = command("doctor", BASE_URL=base_url, API_KEY=CANARY)
        assert (code, err) == (0, "")
        assert f"ok      version                 {__version__}\n" in out
        assert out.endswith("\n\nAll 27 checks passed.\n")
        code, out, err = command("doctor", BASE_URL=base_url, API_KEY=CANARY, TIMEOUT="soon")
    assert (code, err) == (1, "")
    line = "FAILED  WEBVOICE_TIMEOUT        WEBVOICE_TIMEOUT='soon' cannot be used: "
    cure = " " * 32 + "Correct or remove WEBVOICE_TIMEOUT; the server does not start with it.\n"
    assert line in out
    assert cure in out
    assert out.endswith("\n\n1 of 27 checks failed.\n")


def test_what_could_not_be_looked_at_is_not_counted_as_failed(command: Command) -> None:
    code, out, _ = command("doctor", API_KEY=CANARY)
    assert code == 1
    assert "\nFAILED  base URL reachable      Cannot connect to " in out
    assert "\n-       credits                 not checked: base URL reachable failed\n" in out
    assert out.endswith("\n\n1 of 27 checks failed, and 3 could not be made.\n")


def test_nothing_is_changed_by_looking(command: Command, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    examined(command)
    assert list(tmp_path.rglob("*")) == [tmp_path / "out"]


def test_every_setting_that_is_read_is_shown() -> None:
    assert set(_checks.SHOWN) == variables_read()


def test_settings_that_were_given_are_shown_as_they_are_understood(command: Command, tmp_path: Path) -> None:
    folders = os.pathsep.join((str(tmp_path / "a"), str(tmp_path / "b")))
    given = {
        "ALLOWED_DIRS": folders,
        "OVERWRITE": "yes",
        "TOOLSETS": "speech",
        "MAX_CREDITS": "7.50",
        "MAX_FILE_MB": ".5",
        "LOG_LEVEL": "error",
    }
    found = examined(command, **given)
    shown = {name: found[f"WEBVOICE_{name}"]["detail"].removesuffix(" (environment)") for name in given}
    assert shown == {
        "ALLOWED_DIRS": folders,
        "OVERWRITE": "1",
        "TOOLSETS": "account,speech",
        "MAX_CREDITS": "7.5",
        "MAX_FILE_MB": "0.5",
        "LOG_LEVEL": "ERROR",
    }


def test_a_setting_that_is_wrong_does_not_end_the_examination(command: Command) -> None:
    found = examined(command, TIMEOUT="soon", LOG_LEVEL="LOUD", OVERWRITE="1")
    refused = {name for name, each in found.items() if not each["ok"] and name.startswith("WEBVOICE_")}
    assert refused == {"WEBVOICE_TIMEOUT", "WEBVOICE_LOG_LEVEL"}
    assert found["WEBVOICE_OVERWRITE"] == ok("1 (environment)")
    assert found["output folder writable"]["ok"]


@pytest.mark.parametrize("name", ["OUTPUT_DIR", "API_KEY", "TIMEOUT"])
def test_a_placeholder_that_a_client_left_behind_is_found(command: Command, name: str) -> None:
    found = examined(command, **{name: "${user_config.it}"})[f"WEBVOICE_{name}"]
    assert found == wrong(
        "a placeholder that the client left unexpanded (${…}); it counts as unset",
        f"Put a value in its place, or remove WEBVOICE_{name} from the client's configuration.",
    )


def test_a_placeholder_in_a_guard_is_what_keeps_the_server_from_starting(command: Command) -> None:
    found = examined(command, MAX_CREDITS="${user_config.it}")["WEBVOICE_MAX_CREDITS"]
    assert (found["ok"], found["cure"]) == (
        False,
        "Correct or remove WEBVOICE_MAX_CREDITS; the server does not start with it.",
    )


@pytest.mark.parametrize("key", sorted(PLACEHOLDER_KEYS))
def test_the_documentation_s_example_is_no_key(command: Command, key: str) -> None:
    found = examined(command, API_KEY=key)
    detail = "the documentation's example, which is no key; it counts as unset"
    assert found["WEBVOICE_API_KEY"] == wrong(detail, f"Remove it. {LOGIN}")
    assert found["key found"] == wrong(f"none for {NOBODY}", LOGIN)


def test_a_variable_that_is_no_setting_is_mentioned(command: Command) -> None:
    assert examined(command, MAX_CREDIT="5")["WEBVOICE_MAX_CREDIT"] == ok("no setting of this server; it has no effect")


def test_without_a_network_the_rest_is_still_checked(command: Command, tmp_path: Path) -> None:
    found = examined(command, API_KEY=CANARY)
    reached = found["base URL reachable"]
    assert reached["detail"].startswith(f"Cannot connect to {NOBODY}: ")
    assert reached["cure"].endswith("All the rest here was checked without the network.")
    for name in ("key accepted", "credits", "clock"):
        assert found[name] == wrong("not checked: base URL reachable failed", FIRST)
    assert found["output folder writable"]["ok"]


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"{}"), (200, b"<html>Welcome</html>"), (302, b"")], ids=["404", "page", "redirect"]
)
def test_a_base_url_where_something_else_answers_is_wrong(command: Command, status: int, body: bytes) -> None:
    with answering(status, body) as base_url:
        reached = examined(command, BASE_URL=base_url, API_KEY=CANARY)["base URL reachable"]
    assert reached["detail"].startswith(f"something else answers at {base_url}: ")
    assert reached["cure"] == "Check WEBVOICE_BASE_URL: it ends in /api/v1."


def test_a_base_url_that_cannot_be_read_is_not_replaced_by_the_default_one(command: Command) -> None:
    found = examined(command, BASE_URL="http://service.example/api/v1", API_KEY=CANARY)
    for name in ("base URL reachable", "key accepted", "credits", "clock"):
        assert found[name] == wrong("not checked: WEBVOICE_BASE_URL cannot be used", FIRST)


def test_without_a_key_the_service_is_looked_for_all_the_same(command: Command, tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        found = examined(command, BASE_URL=sandbox.base_url)
    assert found["key found"] == wrong(f"none for {sandbox.base_url}", LOGIN)
    assert found["base URL reachable"]["ok"]
    for name in ("key accepted", "credits"):
        assert found[name] == wrong("not checked: no key was found", FIRST)
    assert found["clock"]["ok"]


def test_a_saved_key_is_found_with_its_place(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "state/credentials.json"
    KeyStore(path).save(NOBODY, name="it", key=CANARY, use=True)
    assert examined(command)["key found"] == ok(f"wv_…{CANARY[-4:]} (saved: {path})")


def test_a_key_that_is_saved_for_another_host_is_named(command: Command, tmp_path: Path) -> None:
    KeyStore(tmp_path / "state/credentials.json").save("https://a.example/api/v1", name="it", key=CANARY, use=True)
    assert examined(command)["key found"] == wrong(
        f"none for {NOBODY}; saved are keys for https://a.example/api/v1", f"Check WEBVOICE_BASE_URL. {LOGIN}"
    )


def test_a_key_file_that_was_set_aside_is_named(command: Command, tmp_path: Path) -> None:
    aside = tmp_path / "state/credentials.json.damaged-20260101-000000"
    aside.parent.mkdir()
    aside.touch()
    detail = examined(command)["key found"]["detail"]
    assert detail == f"none for {NOBODY}; a damaged key file was set aside as {aside}"


def test_a_key_file_that_cannot_be_read_is_a_failed_check(command: Command, tmp_path: Path) -> None:
    (tmp_path / "state/credentials.json").mkdir(parents=True)
    found = examined(command)["key found"]
    assert found["detail"].startswith(f"Cannot read {tmp_path / 'state/credentials.json'}: ")
    assert found["cure"] == "Make that file readable, or set WEBVOICE_STATE_DIR."


@pytest.mark.parametrize("source", ["environment", "saved"])
def test_a_key_that_is_not_accepted_is_told_with_its_source(command: Command, tmp_path: Path, source: str) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        if source == "saved":
            path = tmp_path / "state/credentials.json"
            KeyStore(path).save(sandbox.base_url, name="it", key=CANARY, use=True)
        variables = {"API_KEY": CANARY} if source == "environment" else {}
        found = examined(command, BASE_URL=sandbox.base_url, **variables)
    assert (
        found["key accepted"]["detail"]
        .partition(" (")[0]
        .endswith({"environment": "from WEBVOICE_API_KEY", "saved": "saved for this base URL"}[source])
    )
    remove = "Correct or remove WEBVOICE_API_KEY. " if source == "environment" else ""
    assert found["key accepted"]["cure"] == f"{remove}{LOGIN}"
    assert found["credits"] == wrong("not checked: key accepted failed", FIRST)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_fails_leaves_open_whether_the_key_is_good(command: Command, status: int) -> None:
    with answering(status, b'{"error": "Not now"}') as base_url:
        found = examined(command, BASE_URL=base_url, API_KEY=CANARY)
    assert found["base URL reachable"]["ok"]
    assert found["key accepted"]["cure"] == "Wait a little and run this again."
    assert found["credits"] == wrong("not checked: key accepted failed", FIRST)


@pytest.mark.parametrize(
    ("body", "accepted", "wallet"),
    [
        (b"{}", "yes", ok("the service did not say")),
        (STATUS, "by the account ann", ok("12.5")),
        (
            b'{"user": "ann", "credits": 0}',
            "by the account ann",
            wrong(
                "0",
                f"Top up at {PAGES}; until then use chat models that are free.",
            ),
        ),
    ],
)
def test_the_wallet_is_told(command: Command, body: bytes, accepted: str, wallet: Row) -> None:
    with answering(body=body) as base_url:
        found = examined(command, BASE_URL=base_url, API_KEY=CANARY)
    site = base_url.removesuffix("/api/v1")
    assert found["key accepted"] == ok(accepted)
    assert found["credits"] == {
        name: value.format(site=site) if isinstance(value, str) else value for name, value in wallet.items()
    }


_NOW = "what time it is"


@pytest.mark.parametrize(
    ("date", "detail", "fine"),
    [
        ("", "the service did not say what time it is", True),
        ("yesterday", "the service did not say what time it is", True),
        (_NOW, "as the service's", True),
        ("Sun, 01 Jan 2006 00:00:00 -0000", "seconds ahead of the service's", False),
        ("Thu, 01 Jan 2099 00:00:00 GMT", "seconds behind the service's", False),
    ],
)
def test_the_clock_is_held_against_the_service_s(command: Command, date: str, detail: str, fine: bool) -> None:
    told = formatdate(time.time() + 1, usegmt=True) if date == _NOW else date
    with answering(date=told) as base_url:
        found = examined(command, BASE_URL=base_url, API_KEY=CANARY)["clock"]
    assert found["detail"].endswith(detail)
    assert found["ok"] is fine


@pytest.mark.parametrize(
    ("variable", "check"), [("OUTPUT_DIR", "output folder writable"), ("STATE_DIR", "key folder writable")]
)
def test_a_folder_that_cannot_be_written_is_found(command: Command, tmp_path: Path, variable: str, check: str) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    found = examined(command, **{variable: str(blocked / "within")})[check]
    assert found["detail"].startswith(f"{blocked}: ")
    assert found["cure"] == f"Make it a folder that you may write to, or set WEBVOICE_{variable} to one."
    assert blocked.read_bytes() == b""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they are one folder")
def test_the_folders_of_keys_and_history_are_both_looked_at(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "history"))
    found = examined(command, STATE_DIR="")
    assert {"key folder writable", "history folder writable"} <= set(found)


@pytest.mark.parametrize(
    ("variables", "base_url", "detail"),
    [
        ({"HTTPS_PROXY": "http://ann:secret@127.0.0.1:9"}, "https://a.invalid/api/v1", "a.invalid is reached through"),
        ({"ALL_PROXY": "http://127.0.0.1:9"}, "https://a.invalid/api/v1", "a.invalid is reached through"),
        ({"HTTP_PROXY": "http://127.0.0.1:9"}, NOBODY, "http://127.0.0.1:9 is set, and not used for"),
    ],
)
def test_a_proxy_is_told_without_its_password(
    command: Command, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], base_url: str, detail: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = examined(command, BASE_URL=base_url, API_KEY=CANARY)["proxy"]
    assert found["ok"]
    assert detail in found["detail"]
    assert "127.0.0.1:9" in found["detail"]
    assert "secret" not in found["detail"]


def test_a_host_that_the_proxy_is_not_for_is_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = examined(command, BASE_URL="https://127.0.0.1:9/api/v1")["proxy"]
    assert found == ok("http://127.0.0.1:9 is set, and not used for 127.0.0.1:9")


def test_engines_that_are_missing_are_information(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "importlib.metadata.requires",
        lambda _name: ["mcp>=2", "no-such-engine>=1; extra == 'sandbox'", "av>=17 ; extra == 'sandbox'"],
    )
    found = examined(command)["sandbox engines"]
    assert found == ok(
        "missing: no-such-engine; only the sandbox and the demo need them (pip install 'webvoice-mcp[sandbox]')"
    )


def test_engines_of_this_installation_are_listed(command: Command) -> None:
    assert examined(command)["sandbox engines"]["detail"].startswith("all here: av, ")


def test_a_source_tree_knows_of_no_engines(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_checks, "_COMMAND", "no-such-package")
    assert examined(command)["sandbox engines"]["detail"].startswith("not known: ")


def test_a_client_from_the_desktop_is_given_the_absolute_path(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_checks, "_DESKTOP_PATH", {sys.platform: str(tmp_path / "bin")})
    monkeypatch.setattr(_launcher, "lasts", lambda _path, _machine: True)
    detail = examined(command)["desktop launcher"]["detail"]
    path = Path(detail.rpartition("as command give it ")[2])
    assert path.is_absolute()
    assert path.is_file()
    assert path.stem == "webvoice-mcp"
    command_file = tmp_path / "bin" / path.name
    command_file.parent.mkdir()
    command_file.touch(mode=0o755)
    found = examined(command)["desktop launcher"]
    assert found == ok(f"a client started from the desktop finds webvoice-mcp as {command_file}")


def test_where_nothing_lasting_is_installed_uvx_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_checks, "_DESKTOP_PATH", {sys.platform: str(tmp_path)})
    monkeypatch.setattr(_launcher, "lasts", lambda _path, _machine: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    assert "nor uvx: before you put it into such a client, install it where it lasts" in _checks.desktop().detail
    (tmp_path / "uvx").touch(mode=0o755)
    assert _checks.desktop().detail.endswith("/uvx webvoice-mcp")


def test_no_key_is_ever_shown(command: Command, tmp_path: Path) -> None:
    other = "wv_another_0123456789abcdef"
    for words in (["doctor"], ["doctor", "--json"]):
        with answering(401, json.dumps({"error": f"Not {CANARY}\u001b[31m"}).encode()) as base_url:
            done = command(*words, BASE_URL=base_url, API_KEY=CANARY, TIMEOUT=other, SPARE=other)
        assert done.code == 1
        assert CANARY not in done.out
        assert other not in done.out
        assert "\x1b" not in done.out
