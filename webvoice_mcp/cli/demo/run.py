"""`webvoice-mcp demo`: call every kind of tool against the local sandbox, and show the results."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters

from webvoice_mcp import __version__
from webvoice_mcp.cli.demo import media_steps, text_steps, whole_steps
from webvoice_mcp.cli.demo.page import StepResult, render_page
from webvoice_mcp.cli.demo.session import Session, Step
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.sandbox.serve import running
from webvoice_mcp.settings import Settings, SettingsError

_INSTALL_ENGINES = "pip install 'webvoice-mcp[sandbox]'"
_STEPS = (*text_steps.STEPS, *media_steps.STEPS, *whole_steps.STEPS)
_INTRODUCTION = """\
Starting a local sandbox of the service, and the MCP server as a subprocess, as an MCP client would start it.
"""


def run(options: argparse.Namespace) -> int:
    """Run every step, show the results, and return 1 if a step failed."""
    output_dir = _check_folder(options.output_dir)
    print(_INTRODUCTION, flush=True)
    with tempfile.TemporaryDirectory(prefix="webvoice-demo-", ignore_cleanup_errors=True) as folder:
        state_dir = Path(folder)
        with running(state_dir / "sandbox") as base_url:
            results, files = anyio.run(_run_steps, base_url, state_dir, output_dir)
    return report(results, files, output_dir)


def report(results: list[StepResult], files: list[Path], output_dir: Path) -> int:
    """Print a table, write the page, and return 1 if a step failed."""
    _print_table(results)
    for path in files:
        print(f"file: {path}")
    page = output_dir / "index.html"
    output_dir.mkdir(parents=True, exist_ok=True)
    page.write_text(render_page(results, __version__), "utf-8")
    print(f"page: {page}")
    failed = [result for result in results if not result.passed]
    spent = sum(result.credits for result in results)
    print(f"\n{len(results) - len(failed)} of {len(results)} steps passed, {spent:g} play credits spent.")
    if any(_INSTALL_ENGINES in result.summary for result in failed):
        print(f"The failed steps need the sandbox's engines: {_INSTALL_ENGINES}")
    return 1 if failed else 0


def _check_folder(folder: Path) -> Path:
    """Return the folder's absolute path.

    Raises:
        InvalidArgument: the server would not accept it as its output folder.
    """
    try:
        path = folder.expanduser().absolute()
        Settings.read({"WEBVOICE_OUTPUT_DIR": str(path)})
    except (RuntimeError, SettingsError):  # RuntimeError: the path begins with ~ and there is no such user
        raise InvalidArgument(f"--output-dir {str(folder)!r} cannot be used. Give a plain path.") from None
    return path


async def _run_steps(base_url: str, state_dir: Path, output_dir: Path) -> tuple[list[StepResult], list[Path]]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "webvoice_mcp"],
        env={
            "WEBVOICE_BASE_URL": base_url,
            "WEBVOICE_STATE_DIR": str(state_dir / "server"),
            "WEBVOICE_OUTPUT_DIR": str(output_dir),
        },
    )
    async with Client(server) as client:
        session = Session(client, base_url)
        results = [await run_step(session, step) for step in _STEPS]
    return results, session.files


async def run_step(session: Session, step: Step) -> StepResult:
    """Run a step. Whatever goes wrong in it is told in its result."""
    session.credits = 0.0
    card = None
    started, passed = time.perf_counter(), True
    try:
        summary, card = await step.run(session)
    except IndexError:
        summary, passed = "not tried: an earlier step made no file to work on", False
    except Exception as error:  # noqa: BLE001 - any error fails this step and no other
        summary, passed = f"{type(error).__name__}: {error}", False
    seconds = time.perf_counter() - started
    return StepResult(step.name, step.tool, summary, session.credits, seconds, passed, card)


def _print_table(results: list[StepResult]) -> None:
    table = [("", "step", "tool", "credits", "time", "what came out"), *(result.cells() for result in results)]
    widths = [max(len(cells[column]) for cells in table) for column in range(5)]
    for cells in table:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)), cells[-1]]).rstrip())
    print()
