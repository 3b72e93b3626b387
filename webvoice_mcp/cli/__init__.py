"""The command line: arguments and environment in, exit code out. The only room that prints."""

import importlib
import io
import os
import sys

from webvoice_mcp.cli.usage import USAGE

_COMMANDS = ("call", "demo", "doctor", "install", "login", "logout", "sandbox", "status", "tools", "uninstall")

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # as shells say it of a command that Ctrl-C ended


def run(words: list[str]) -> int:
    """Run a command line and return its exit code; unknown commands and options give 2 and the usage."""
    if not words:
        from webvoice_mcp.cli import serve  # noqa: PLC0415 - only what the command needs is loaded

        return serve.run()
    name, *rest = words
    if name not in _COMMANDS:
        print(f"webvoice-mcp: unknown {'option' if name.startswith('-') else 'command'} {name!r}", file=sys.stderr)
        print(USAGE, file=sys.stderr)
        return WRONG_USAGE
    _print_whatever_comes()
    try:
        return _run(name, rest)
    except (KeyboardInterrupt, BaseExceptionGroup) as error:
        # An impatient second Ctrl-C may strike in several tasks at once.
        if isinstance(error, BaseExceptionGroup) and not error.subgroup(KeyboardInterrupt):
            raise
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left, as `head` does. The rest goes nowhere, or Python would complain at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _run(name: str, words: list[str]) -> int:
    try:
        command = importlib.import_module(f"webvoice_mcp.cli.{name}")
        code: int = command.run(words)
        return code
    finally:
        sys.stdout.flush()


def _print_whatever_comes() -> None:
    # A terminal or pipe that cannot show a character shows a question mark in its place.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
