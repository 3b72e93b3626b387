"""Traces one tool call through our code: the files, the function calls, and the changes from package to package.

Usage: python benchmarks/trace.py [TOOL [ARGUMENTS]]

ARGUMENTS is a JSON object. Without it, only the tool's required arguments are sent; without TOOL, `webvoice_tts` is
called. An in-memory MCP client calls a server in this process, with scripted replies in place of the service. The first
call warms up; the second is traced, in all threads. A package is a package or module directly below `webvoice_mcp`. A
package switch is counted when a function of ours starts in another package than the function that started before it.
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
    """A profile function that counts the functions of our code that start while `enabled` is true.

    Attributes:
        calls: the number of functions started, by file in order of first entry.
        switches: the number of package switches.
    """

    def __init__(self) -> None:
        self.enabled = False
        self.calls: Counter[str] = Counter()
        self.switches = 0
        self._package = ""

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Count a function of ours that starts."""
        code = frame.f_code
        if not self.enabled or event != "call" or not code.co_filename.startswith(_PACKAGE):
            return
        if code.co_name.startswith("<") and code.co_name != "<lambda>":
            return  # comprehensions are functions on Python 3.11 only
        if code.co_code[frame.f_lasti + 1] & _RESUME_POSITION:
            return  # a coroutine or generator is resumed
        file = code.co_filename[len(_PACKAGE) :].replace(os.sep, "/")
        self.calls[file] += 1
        package = file.partition("/")[0].removesuffix(".py")
        self.switches += bool(self._package) and package != self._package
        self._package = package


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
    """Trace the call that the command line names, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", nargs="?", default="webvoice_tts", metavar="TOOL", help="the tool to call")
    parser.add_argument("arguments", nargs="?", type=json.loads, metavar="ARGUMENTS", help="its arguments as JSON")
    options = parser.parse_args()
    tracer = Tracer()
    threading.setprofile(tracer)  # before the first call, which starts the threads that the second call uses
    sys.setprofile(tracer)
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            arguments = CALLS.get(options.tool, {}) if options.arguments is None else options.arguments
            asyncio.run(trace(options.tool, arguments, tracer, Path(folder)))
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    print(f"{options.tool}\n")
    print(f"{'files':16}{len(tracer.calls):5}")
    print(f"{'function calls':16}{tracer.calls.total():5}")
    print(f"{'package switches':16}{tracer.switches:5}\n")
    print(f"{'calls':>5}  file, in order of first entry")
    for file, calls in tracer.calls.items():
        print(f"{calls:5}  {file}")


if __name__ == "__main__":
    main()
