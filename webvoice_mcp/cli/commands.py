"""Runs one command and turns its outcome into an exit code."""

import importlib
import io
import os
import re
import sys

from webvoice_mcp.cli.parser import parse
from webvoice_mcp.cli.terminal import CommandError
from webvoice_mcp.errors import InvalidArgument, WebVoiceError

_FAILED = 1
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_SHOWN_CHARACTERS = 60
_INTERRUPTED = 130  # the code that shells give a command ended by Ctrl-C


def run(args: list[str]) -> int:
    """Run the command that the first argument names, and return its exit code."""
    _replace_unprintable_characters()
    try:
        return _run(args)
    except (KeyboardInterrupt, BaseExceptionGroup) as error:
        # A second Ctrl-C may interrupt several tasks at once.
        if isinstance(error, BaseExceptionGroup) and not error.subgroup(KeyboardInterrupt):
            raise
        print(file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output, such as `head`, has ended. The output that is still buffered goes to the null
        # device: Python would otherwise report an error when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED


def _run(args: list[str]) -> int:
    try:
        options = parse(args)
        _check_text(list(vars(options).values()))
        command = importlib.import_module(options.module)
        return int(command.run(options))
    except CommandError as error:
        return _report(args[0], str(error))
    except WebVoiceError as error:
        return _report(args[0], f"{error.code}: {error}")
    finally:
        sys.stdout.flush()


def _check_text(value: object) -> None:
    """Refuse bytes of another encoding than the terminal's, which Python keeps as halves of characters.

    Paths may have such bytes; on Linux, a file's name is not always text.

    Raises:
        InvalidArgument: shows the argument.
    """
    if isinstance(value, list | tuple):
        for item in value:
            _check_text(item)
    elif isinstance(value, str) and _SURROGATE.search(value):
        shown = repr(value[:_MAX_SHOWN_CHARACTERS])
        raise InvalidArgument(f"{shown} has bytes that are no text in this terminal's encoding. Give UTF-8 text.")


def _report(command: str, message: str) -> int:
    print(f"webvoice-mcp {command}: {message}", file=sys.stderr)
    return _FAILED


def _replace_unprintable_characters() -> None:
    """Print a question mark for a character that the terminal's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
