"""Runs a client's own command line."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import PurePath

from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.client.redaction import redact

_TIMEOUT_SECONDS = 60
_MAX_OUTPUT_CHARACTERS = 500  # of a failed command, for the error
_CMD_SPECIAL = set("&|<>^%!\n")  # characters that the Command Prompt interprets even inside quotes


class CommandFailed(Exception):
    """A client's command failed; the message includes its output."""


def find_program(argv: Sequence[str], platform: Platform) -> str | None:
    """Return the path of the program, None if it is not on the PATH or cannot be given these arguments safely."""
    program = shutil.which(argv[0], path=platform.environ.get("PATH", ""))
    if program and PurePath(program).suffix.lower() in {".cmd", ".bat"} and _CMD_SPECIAL & set("".join(argv)):
        return None  # the Command Prompt runs such a file and would interpret the characters
    return program


def run_program(program: str, argv: Sequence[str]) -> None:
    """Run the program with the arguments after the first, and wait for it.

    Raises:
        CommandFailed: it could not be started, took too long, or exited with a code other than 0.
    """
    try:
        done = subprocess.run(  # noqa: S603 - arguments from the table of clients, no shell
            [program, *argv[1:]], stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{argv[0]} did not finish within {_TIMEOUT_SECONDS} seconds") from None
    except OSError as error:
        raise CommandFailed(f"{argv[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        output = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise CommandFailed(f"{argv[0]} exited with code {done.returncode}: {redact(output)[:_MAX_OUTPUT_CHARACTERS]}")
