"""The way of one tool call through our code: its files, function calls and switches of room.

Usage: python benchmarks/trace.py [TOOL [ARGUMENTS]]

ARGUMENTS is a JSON object; without it the tool's least arguments are used, and without TOOL `webvoice_tts`. The call is
made by an MCP client in memory to a server in this process, whose service is scripted. A first call warms up; the
second is traced, in all threads. A room is a package or module directly below `webvoice_mcp`; a switch of room is
counted each time a function of ours starts in another room than the function that started before it.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `tests` is not installed

from tests.support import BASE_URL, CANARY, connected  # noqa: E402 - after the path
from tests.wire.calls import CALLS, REPLIES, write_files  # noqa: E402 - after the path
from webvoice_mcp.settings import Settings  # noqa: E402 - after the path

_PACKAGE = f"{ROOT / 'webvoice_mcp'}{os.sep}"
_RESUME_POSITION = 3  # the bits of RESUME's argument that are 0 at the start of a function and not after an await


class Tracer:
    """A profile function that counts what our code does while `enabled` is true.

    Attributes:
        calls: the functions started, by file in order of first entry.
        switches: the number of switches of room.
    """

    def __init__(self) -> None:
        self.enabled = False
        self.calls: Counter[str] = Counter()
        self.switches = 0
        self._room = ""

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Count a function of ours that starts."""
        code = frame.f_code
        if not self.enabled or event != "call" or not code.co_filename.startswith(_PACKAGE):
            return
        if code.co_name.startswith("<") and code.co_name != "<lambda>":
            return  # comprehensions are functions on Python 3.11 only
        if code.co_code[frame.f_lasti + 1] & _RESUME_POSITION:
            return  # a coroutine or generator goes on
        file = code.co_filename[len(_PACKAGE) :].replace(os.sep, "/")
        self.calls[file] += 1
        room = file.partition("/")[0].removesuffix(".py")
        self.switches += bool(self._room) and room != self._room
        self._room = room


async def _reply(request: httpx2.Request) -> httpx2.Response:
    await request.aread()
    return httpx2.Response(200, json=REPLIES[request.url.path.removeprefix("/api/v1/")])


async def trace(tool: str, arguments: dict[str, Any], tracer: Tracer, folder: Path) -> None:
    """Call a tool twice and trace the second call; raise `RuntimeError` if a call fails."""
    write_files(folder / "out")
    variables = {"API_KEY": CANARY, "BASE_URL": BASE_URL, "OUTPUT_DIR": folder / "out", "STATE_DIR": folder / "state"}
    settings = Settings.read({f"WEBVOICE_{name}": str(value) for name, value in variables.items()})
    async with connected(settings, httpx2.MockTransport(_reply)) as client:
        for tracer.enabled in (False, True):
            result = await client.call_tool(tool, arguments)
            if result.is_error:
                raise RuntimeError(result.content)
        tracer.enabled = False


def main() -> None:
    """Trace the call that the command line asks for and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", nargs="?", default="webvoice_tts", metavar="TOOL", help="the tool to call")
    parser.add_argument("arguments", nargs="?", type=json.loads, metavar="ARGUMENTS", help="its arguments as JSON")
    options = parser.parse_args()
    tracer = Tracer()
    threading.setprofile(tracer)  # before the first call: it starts the threads that the second one uses
    sys.setprofile(tracer)
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            arguments = CALLS.get(options.tool, {}) if options.arguments is None else options.arguments
            asyncio.run(trace(options.tool, arguments, tracer, Path(folder)))
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    print(f"{options.tool}\n")
    print(f"{'files':14}{len(tracer.calls):5}")
    print(f"{'function calls':14}{tracer.calls.total():5}")
    print(f"{'room switches':14}{tracer.switches:5}\n")
    print(f"{'calls':>5}  file, in order of first entry")
    for file, calls in tracer.calls.items():
        print(f"{calls:5}  {file}")


if __name__ == "__main__":
    main()
