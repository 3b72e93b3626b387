"""Settings that a client's configuration passes to the process."""

import subprocess
from pathlib import Path

import pytest

from tests.wire.calls import SEND_CODE
from tests.wire.results import failure, fields
from tests.wire.sandbox_service import SandboxService
from tests.wire_driver import SERVER_COMMAND, TIMEOUT_SECONDS, environment, running_server

SECRET = "wv_secret_1234567890abcdef"


def test_with_an_invalid_setting_the_server_exits_with_one_line(tmp_path: Path) -> None:
    environ = environment(tmp_path, {"API_KEY": f"{SECRET} and more"})
    done = subprocess.run(
        SERVER_COMMAND, input=b"", capture_output=True, env=environ, timeout=TIMEOUT_SECONDS, check=False
    )
    message = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert len(message.splitlines()) == 1
    assert message.startswith("webvoice-mcp: WEBVOICE_API_KEY")
    assert "printable ASCII" in message
    assert "secret" not in message


@pytest.mark.parametrize("folder", ["$NOT_SET/x", "'/x'", "x", "file:///x", "{{x}}"])
@pytest.mark.slow
def test_a_folder_that_is_no_path_ends_the_start_with_one_line(tmp_path: Path, folder: str) -> None:
    done = subprocess.run(
        SERVER_COMMAND,
        input=b"",
        capture_output=True,
        env=environment(tmp_path, {"STATE_DIR": folder}),
        cwd=tmp_path,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    message = done.stderr.decode()
    assert (done.returncode, done.stdout, message.count("\n")) == (2, b"", 1)
    assert message.startswith(f"webvoice-mcp: WEBVOICE_STATE_DIR={folder!r} cannot be used: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_variable_that_is_no_setting_is_told_at_the_start(tmp_path: Path) -> None:
    variables = {"MAX_CREDIT": SECRET, "BAD\n\x1b[31mNAME": SECRET}
    with running_server(environment(tmp_path, variables)) as server:
        ended = server.close_stdin_and_wait()
    assert ended.code == 0
    bad, close = ended.stderr.splitlines()
    assert close == (
        "webvoice-mcp: WEBVOICE_MAX_CREDIT is not a setting and has no effect. Did you mean WEBVOICE_MAX_CREDITS?"
    )
    assert bad.startswith("webvoice-mcp: WEBVOICE_BAD NAME is not a setting")


@pytest.mark.wide
def test_placeholders_and_blanks_count_as_unset(tmp_path: Path) -> None:
    unset = ["${input:key}", "", "  ", "${env:NOTHING}"]
    names = ["API_KEY", "BASE_URL", "INLINE_IMAGES", "LOG_LEVEL", "MAX_FILE_MB", "MAX_UPLOAD_MB", "OVERWRITE"]
    names += ["TIMEOUT", "TOOLSETS"]
    variables = {name: unset[index % len(unset)] for index, name in enumerate(names)}
    with running_server(environment(tmp_path, variables | {"ALLOWED_DIRS": "  "})) as server:
        assert len(server.result("tools/list")["tools"]) >= 14
        assert failure(server.call("webvoice_status"))[0] == "not_authenticated"
        assert fields(server.call("webvoice_account_links"))["login"].startswith("https://webvoice.easytaskflow.app/")
        assert server.stderr == ""


@pytest.mark.slow
def test_a_new_key_works_at_once_and_is_never_shown(tmp_path: Path, sandbox: SandboxService) -> None:
    email = "new@example.com"
    with running_server(environment(tmp_path, {"BASE_URL": sandbox.base_url, "LOG_LEVEL": "DEBUG"})) as server:
        assert failure(server.call("webvoice_status"))[0] == "not_authenticated"
        sent = fields(server.call("webvoice_register_send_code", {**SEND_CODE, "email": email}))
        assert sent["is_new_user"] is True
        verified = fields(server.call("webvoice_register_verify", {"email": email, "code": sandbox.code(email)}))
        status = fields(server.call("webvoice_status"))
        ended = server.close_stdin_and_wait()
    saved = Path(verified["api_key_saved_to"]).read_text()
    assert (status["key_source"], status["credits"]) == ("saved", 20.0)
    assert "wv_sandbox_" in saved
    assert "wv_sandbox_" not in ended.stderr + b"".join(server.stdout_lines).decode()
