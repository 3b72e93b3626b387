"""The server's stdout after its reader has closed it. Other tests of stdio use whole processes, in tests/wire."""

import os
import subprocess
import sys

from tests.cli.conftest import TIMEOUT_SECONDS

PROGRAM = """
import os, sys
from webvoice_mcp.cli.stdio import ProtocolStdout

calls = []
stdout = ProtocolStdout()
stdout.give_to_sdk(stdout.open(on_broken=lambda: calls.append("broken")))
file = sys.stdout.buffer
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
