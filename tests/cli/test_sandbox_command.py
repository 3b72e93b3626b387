"""`webvoice-mcp sandbox`."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.cli.conftest import TIMEOUT_SECONDS, Command
from tests.wire_driver import SERVER_COMMAND, environment


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a process can handle")
@pytest.mark.parametrize("state_dir", ["state of the sandbox", None])
@pytest.mark.slow
def test_it_prints_its_address_and_ends_on_sigterm(tmp_path: Path, state_dir: str | None) -> None:
    words = ["--port", "0", *(["--state-dir", str(tmp_path / state_dir)] if state_dir else [])]
    with subprocess.Popen(
        [*SERVER_COMMAND, "sandbox", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path) | {"XDG_STATE_HOME": str(tmp_path / "xdg")},
    ) as process:
        assert process.stdout
        base_url = process.stdout.readline().removeprefix("WebVoice sandbox at ").strip()
        assert httpx2.get(f"{base_url}/voices/").status_code == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_SECONDS) == 0
        rest = process.stdout.read()
        assert process.stderr
        assert process.stderr.read() == ""
    assert f"WEBVOICE_BASE_URL={base_url} webvoice-mcp" in rest
    inbox = Path(rest.partition("Mail is written to ")[2].partition("\n")[0])
    assert inbox.is_relative_to(tmp_path)
    assert inbox.parent.is_dir()


def test_it_listens_on_loopback_only(command: Command, tmp_path: Path) -> None:
    code, out, err = command("sandbox", "--host", "0.0.0.0", "--port", "0", "--state-dir", str(tmp_path))
    assert (code, out) == (2, "")
    assert err.startswith("webvoice-mcp sandbox: The sandbox listens on loopback only")


def test_a_port_out_of_range_is_refused(command: Command, tmp_path: Path) -> None:
    code, _, err = command("sandbox", "--port=65536", "--state-dir", str(tmp_path))
    assert code == 2
    assert err == "webvoice-mcp sandbox: 65536 is not a port. Use a number from 0 to 65535.\n"


def test_a_port_in_use_is_an_error(command: Command, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code, out, err = command("sandbox", "--port", str(port), "--state-dir", str(tmp_path))
    assert (code, out) == (2, "")
    assert err.startswith("webvoice-mcp sandbox: ")
