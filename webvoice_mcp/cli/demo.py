"""`webvoice-mcp demo`: the main job with no account and no network."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from webvoice_mcp import __version__
from webvoice_mcp.cli._demo_page import Row, page

_ENGINES = "pip install 'webvoice-mcp[sandbox]'"
_STARTING = """\
A local sandbox stands in for the service, and the real MCP server runs as a subprocess, as a client would start it.
"""


def run(words: list[str]) -> int:
    """Run every step, print a table, and return 1 if a step failed."""
    parser = argparse.ArgumentParser(
        prog="webvoice-mcp demo", description="The main job: no account, no network.", allow_abbrev=False
    )
    parser.add_argument(
        "--output-dir", type=Path, default=Path("webvoice-demo"), help="where files go (default: webvoice-demo)"
    )
    output_dir: Path = parser.parse_args(words).output_dir.expanduser().absolute()
    import anyio  # noqa: PLC0415 - after the words are known to be right

    from webvoice_mcp.sandbox.serve import running  # noqa: PLC0415 - as above

    print(_STARTING)
    with tempfile.TemporaryDirectory(prefix="webvoice-demo-", ignore_cleanup_errors=True) as folder:
        state = Path(folder)
        with running(state / "sandbox") as base_url:
            rows, files = anyio.run(_drive, base_url, state, output_dir)
    _print_table(rows)
    for path in files:
        print(f"file: {path}")
    index = output_dir / "index.html"
    output_dir.mkdir(parents=True, exist_ok=True)
    index.write_text(page(rows, __version__), "utf-8")
    print(f"page: {index}")
    failed = [row for row in rows if not row.passed]
    spent = sum(row.credits for row in rows)
    print(f"\n{len(rows) - len(failed)} of {len(rows)} steps passed, {spent:g} play credits spent.")
    if any(_ENGINES in row.outcome for row in failed):
        print(f"What failed needs the sandbox's engines: {_ENGINES}")
    return 1 if failed else 0


async def _drive(base_url: str, state: Path, output_dir: Path) -> tuple[list[Row], list[Path]]:
    from mcp import Client, StdioServerParameters  # noqa: PLC0415 - heavy

    from webvoice_mcp.cli import _demo_pictures, _demo_steps  # noqa: PLC0415 - as above

    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "webvoice_mcp"],
        env={
            "WEBVOICE_BASE_URL": base_url,
            "WEBVOICE_STATE_DIR": str(state / "server"),
            "WEBVOICE_OUTPUT_DIR": str(output_dir),
        },
    )
    rows: list[Row] = []
    async with Client(server) as client:
        demo = _demo_steps.Demo(client, base_url)
        for name, tool, step in (*_demo_steps.STEPS, *_demo_pictures.STEPS):
            demo.credits, demo.exhibit = 0.0, None
            started, passed = time.perf_counter(), True
            try:
                outcome = await step(demo)
            except IndexError:
                outcome, passed = "not tried: an earlier step gave nothing to go on with", False
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this step that failed
                outcome, passed = f"{type(error).__name__}: {error}", False
            seconds = time.perf_counter() - started
            rows.append(Row(name, tool, outcome, demo.credits, seconds, passed, demo.exhibit))
    return rows, demo.files


def _print_table(rows: list[Row]) -> None:
    table = [("", "step", "tool", "credits", "time", "what came out"), *(row.cells() for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(5)]
    for cells in table:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)), cells[-1]]).rstrip())
    print()
