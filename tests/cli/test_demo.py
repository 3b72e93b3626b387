"""`webvoice-mcp demo`."""

import html
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from mcp import Client

from tests.cli.conftest import TIMEOUT_SECONDS, Command
from tests.sandbox.world import needs_engines
from tests.support import MakeSettings, ScriptedTransport, connected
from tests.wire_driver import environment
from webvoice_mcp.cli.demo import media_steps, text_steps, whole_steps
from webvoice_mcp.cli.demo.page import StepResult
from webvoice_mcp.cli.demo.run import report, run_step
from webvoice_mcp.cli.demo.session import Outcome, Session, Step, StepFailed

STEPS = (*text_steps.STEPS, *media_steps.STEPS, *whole_steps.STEPS)


class TestWithEngines:
    pytestmark = needs_engines

    def test_every_step_passes_and_saves_its_files(self, command: Command, tmp_path: Path) -> None:
        code, out, err = command("demo", "--output-dir", str(tmp_path / "made"))
        assert (code, err) == (0, ""), out
        marks = [line.split()[0] for line in out.splitlines() if " webvoice_" in line]
        assert len(marks) == len(STEPS)
        assert set(marks) == {"ok"}
        assert f"{len(marks)} of {len(marks)} steps passed" in out
        kinds = ("file: ", "page: ")
        paths = [Path(line[6:]) for line in out.splitlines() if line.startswith(kinds)]
        assert sorted(paths) == sorted((tmp_path / "made").iterdir())
        assert all(path.stat().st_size > (50 if path.suffix in {".vtt", ".srt"} else 1000) for path in paths)

    @pytest.mark.untraced
    def test_steps_without_their_engine_fail_and_name_it(self, tmp_path: Path) -> None:
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
            timeout=TIMEOUT_SECONDS * 5,  # engines load
            check=False,
        )
        lines = done.stdout.splitlines()
        assert (done.returncode, done.stderr) == (1, "")
        (speech,) = (line for line in lines if "webvoice_tts" in line)
        assert speech.startswith("FAILED  speak ")
        assert "av is not installed. Run: pip install 'webvoice-mcp[sandbox]'" in speech
        assert [line.split()[0] for line in lines if "webvoice_translate" in line] == ["ok"]
        assert "not tried: an earlier step made no file to work on" in done.stdout
        assert "Error" not in done.stdout.replace("StepFailed", "")
        assert lines[-1] == "The failed steps need the sandbox's engines: pip install 'webvoice-mcp[sandbox]'"


async def test_a_step_that_fails_stops_no_other_and_says_why() -> None:
    async def edit(session: Session) -> Outcome:
        return Outcome(str(session.pictures[0]))

    async def save(session: Session) -> Outcome:
        session.credits += 0.5
        raise OSError("The disk is full.")

    session = Session(cast("Client", None), "", credits=7.0)
    results = [await run_step(session, Step("try", "webvoice_image", run)) for run in (edit, save)]
    assert [(result.passed, result.credits, result.summary) for result in results] == [
        (False, 0.0, "not tried: an earlier step made no file to work on"),
        (False, 0.5, "OSError: The disk is full."),
    ]


@pytest.mark.parametrize(
    ("complaint", "last_line"),
    [
        ("StepFailed: av is not installed. Run: pip install 'webvoice-mcp[sandbox]'", "The failed steps need the"),
        ("StepFailed: the audio is silent", "1 of 2 steps passed, 0.5 play credits spent."),
    ],
    ids=["no engine", "another reason"],
)
def test_the_report_of_a_failure_names_engines_only_if_they_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], complaint: str, last_line: str
) -> None:
    results = [
        StepResult("translate", "webvoice_translate", "Buongiorno", 0.5, 0.1, passed=True, card=None),
        StepResult("speak", "webvoice_tts", complaint, 0.0, 0.1, passed=False, card=None),
    ]
    assert report(results, [tmp_path / "a.txt"], tmp_path / "new") == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"file: {tmp_path / 'a.txt'}" in lines
    assert lines[-1].startswith(last_line)
    assert complaint.partition(": ")[2] in html.unescape((tmp_path / "new" / "index.html").read_text("utf-8"))


@pytest.mark.parametrize(
    ("step", "reply", "complaint"),
    [
        (text_steps.translate, {"success": True, "translated_text": "Hola"}, "translated to 'Hola'"),
        (text_steps.voices, {"success": False, "error": "Closed"}, "bad_request: "),
    ],
)
async def test_a_step_fails_if_its_result_is_unexpected(
    make_settings: MakeSettings, step: Any, reply: dict[str, Any], complaint: str
) -> None:
    scripted = ScriptedTransport(httpx2.Response(200, json=reply))
    async with connected(make_settings(), scripted) as client:
        with pytest.raises(StepFailed) as caught:
            await step(Session(client, ""))
    assert str(caught.value).startswith(complaint)
