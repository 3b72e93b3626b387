"""The command `webvoice-mcp`; `python -m webvoice_mcp` runs the same."""

import sys

from webvoice_mcp import __version__
from webvoice_mcp.cli.help_text import HELP_TEXT


def main() -> int:
    """Run the command line in `sys.argv` and return the exit code."""
    args = sys.argv[1:]
    if args[:1] in (["--version"], ["-V"]):
        print(f"webvoice-mcp {__version__}")  # noqa: T201 - the command line's own output
        return 0
    if args[:1] in (["--help"], ["-h"], ["help"]):
        print(HELP_TEXT)  # noqa: T201 - the command line's own output
        return 0
    if not args:
        from webvoice_mcp.cli import serve  # noqa: PLC0415 - a slow import that --version does not need

        return serve.run()
    from webvoice_mcp.cli.commands import run  # noqa: PLC0415 - it imports argparse, which the server does not need

    return run(args)


if __name__ == "__main__":
    sys.exit(main())
