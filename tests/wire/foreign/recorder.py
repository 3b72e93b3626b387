"""Runs a server between its client's pipes, and records all lines: python recorder.py FOLDER COMMAND..."""

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO


def pass_on(source: IO[bytes], target: IO[bytes], record: Path) -> None:
    """Copy lines, and record them, until the source ends or the target is closed."""
    with suppress(OSError), record.open("wb", buffering=0) as log, target:
        for line in iter(source.readline, b""):
            log.write(line)
            target.write(line)
            target.flush()


folder = Path(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert server.stdin
assert server.stdout
incoming = sys.stdin.buffer, server.stdin, folder / "requests"
threading.Thread(target=pass_on, args=incoming, daemon=True).start()
pass_on(server.stdout, sys.stdout.buffer, folder / "responses")
server.wait()
