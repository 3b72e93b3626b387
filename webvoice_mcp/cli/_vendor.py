"""A client's own command line."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import PurePath

from webvoice_mcp.cli._machine import Machine

_PATIENCE = 60  # seconds
_SAID = 500  # characters of what it said that are shown
_SPECIAL = set("&|<>^%!\n")  # to the Command Prompt, within quotes or not


class CommandFailed(Exception):
    """It did not do what it was asked; the message is what it said."""


def find(words: Sequence[str], machine: Machine) -> str | None:
    """The program to run for these words, None where it is not there or cannot be given them."""
    program = shutil.which(words[0], path=machine.environ.get("PATH", ""))
    if program and PurePath(program).suffix.lower() in {".cmd", ".bat"} and _SPECIAL & set("".join(words)):
        return None  # the Command Prompt runs these, and would read more into the words than is in them
    return program


def run(program: str, words: Sequence[str]) -> None:
    """Run it with the words after the first, and wait for its end.

    Raises:
        CommandFailed: it could not be run, took too long, or ended with a code other than 0.
    """
    try:
        done = subprocess.run(  # noqa: S603 - words from the table of clients, no shell
            [program, *words[1:]], stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{words[0]} did not end within {_PATIENCE} seconds") from None
    except OSError as error:
        raise CommandFailed(f"{words[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise CommandFailed(f"{words[0]} ended with code {done.returncode}: {said[:_SAID]}")
