"""`webvoice-mcp demo`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli.conftest import Command
from tests.sandbox.world import needs_engines
from tests.support import MakeSettings, ScriptedTransport, connected
from tests.wire_driver import environment
from webvoice_mcp.cli import _demo_steps
from webvoice_mcp.cli._demo_steps import STEPS, Demo, StepFailed

PATIENCE = 60.0  # seconds; engines load


class TestWithEngines:
    pytestmark = needs_engines

    def test_every_step_passes_and_the_files_are_there(self, command: Command, tmp_path: Path) -> None:
        code, out, err = command("demo", "--output-dir", str(tmp_path / "made"))
        assert (code, err) == (0, ""), out
        marks = [line.split()[0] for line in out.splitlines() if " webvoice_" in line]
        assert len(marks) >= len(STEPS)
        assert set(marks) == {"ok"}
        assert f"{len(marks)} of {len(marks)} steps passed" in out
        kinds = ("file: ", "page: ")
        told = [Path(line[6:]) for line in out.splitlines() if line.startswith(kinds)]
        assert sorted(told) == sorted((tmp_path / "made").iterdir())
        assert all(path.stat().st_size > 1000 for path in told)

    def test_a_missing_engine_fails_its_steps_by_name(self, tmp_path: Path) -> None:
        program = f"""
import sys
sys.modules["av"] = None
from webvoice_mcp.__main__ import main
sys.argv = ["webvoice-mcp", "demo", "--output-dir", {str(tmp_path / "made")!r}]
sys.exit(main())
"""
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environment(tmp_path) | {"PYTHONUTF8": "1"},
            timeout=PATIENCE,
            check=False,
        )
        lines = done.stdout.splitlines()
        assert (done.returncode, done.stderr) == (1, "")
        (speak,) = (line for line in lines if "webvoice_tts" in line)
        assert speak.startswith("FAILED  speak ")
        assert "av is not installed: pip install 'webvoice-mcp[sandbox]'" in speak
        assert [line.split()[0] for line in lines if "webvoice_translate" in line] == ["ok"]
        assert "not tried: an earlier step gave nothing to go on with" in done.stdout
        assert "Error" not in done.stdout.replace("StepFailed", "")
        assert lines[-1] == "What failed needs the sandbox's engines: pip install 'webvoice-mcp[sandbox]'"


@pytest.mark.parametrize(
    ("step", "reply", "complaint"),
    [
        ("translate", {"success": True, "translated_text": "Hola"}, "translated to 'Hola'"),
        ("translate", {"success": False, "error": "Closed"}, "bad_request: The service refused the request: Closed."),
        ("voices", {"success": True, "voices": {}}, "there should be several voices"),
    ],
)
async def test_a_step_fails_when_something_else_comes_out(
    make_settings: MakeSettings, step: str, reply: dict[str, Any], complaint: str
) -> None:
    scripted = ScriptedTransport(httpx2.Response(200, json=reply))
    async with connected(make_settings(), scripted) as client:
        with pytest.raises(StepFailed) as failed:
            await getattr(_demo_steps, step)(Demo(client, ""))
    assert str(failed.value).startswith(complaint)
