"""The command line: arguments and environment in, exit code out. The only room that prints."""

import importlib
import sys

from webvoice_mcp.cli.usage import USAGE

_COMMANDS = ("call", "demo", "sandbox", "tools")

WRONG_USAGE = 2


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
    command = importlib.import_module(f"webvoice_mcp.cli.{name}")
    code: int = command.run(rest)
    return code
