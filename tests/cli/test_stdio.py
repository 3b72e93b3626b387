"""The server's stdout and stdin by themselves. Other tests of stdio use whole processes, in tests/wire."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator

import anyio
import anyio.to_thread
import pytest

from tests.cli.conftest import TIMEOUT_SECONDS
from webvoice_mcp.cli.stdio.asynchronous import AsyncStdin, AsyncStdout

PROGRAM = """
import os, sys
from webvoice_mcp.cli.stdio import ProtocolStdout

calls = []
stdout = ProtocolStdout()
file = stdout.open(on_broken=lambda: calls.append("broken"))
file.write(b"an answer\\n")
try:
    file.flush()
except BrokenPipeError:
    file.write(b"another answer\\n")
    file.flush()
print(calls, file=sys.stderr)
"""


def test_a_closed_stdout_is_reported_once_and_drops_further_output() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=TIMEOUT_SECONDS, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"['broken']\n")


async def test_lines_arrive_in_order_however_many_are_read_ahead() -> None:
    """A reader that is faster than its taker waits, so that input does not fill the memory."""
    read = 0

    def blocks() -> Iterator[bytes]:
        nonlocal read
        for number in range(100):
            read += 1
            yield b"%d a\n%d b\n" % (number, number)

    lines: list[str] = []
    async for line in AsyncStdin(blocks()):
        if not lines:
            await anyio.sleep(0.1)
            assert read < 50
        lines.append(line)
    assert lines == [f"{number} {letter}\n" for number in range(100) for letter in "ab"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot tell if a pipe has room")
async def test_a_client_that_does_not_read_does_not_stop_the_event_loop() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe, os.fdopen(writer, "wb") as file:
        stdout = AsyncStdout(file, lambda: select.select([], [writer], [], 0)[1] != [])
        written = 0
        with anyio.move_on_after(10):
            async with anyio.create_task_group() as tasks:

                async def write() -> None:
                    nonlocal written
                    for number in range(1000):
                        await stdout.write(f"{number:0500}\n")
                        written += 1

                tasks.start_soon(write)
                await anyio.sleep(0.2)
                assert 0 < written < 1000  # the pipe is full, and this test goes on
                lines = [await anyio.to_thread.run_sync(pipe.readline) for _ in range(1000)]
        assert [int(line) for line in lines] == list(range(1000))


async def test_a_long_line_is_written_whole() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe, os.fdopen(writer, "wb") as file:
        stdout = AsyncStdout(file, lambda: True)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stdout.write, "é" * 500_000 + "\n")
            line = await anyio.to_thread.run_sync(pipe.readline)
        assert line.decode() == "é" * 500_000 + "\n"
