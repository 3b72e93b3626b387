"""`python -m webvoice_mcp`, and the command `webvoice-mcp`."""

import sys

from webvoice_mcp import __version__
from webvoice_mcp.cli.usage import USAGE


def main() -> int:
    """Run the command line in `sys.argv`; the exit code.

    `--version` and `--help` answer here, before anything heavy is imported.
    """
    words = sys.argv[1:]
    if words[:1] in (["--version"], ["-V"]):
        print(f"webvoice-mcp {__version__}")  # noqa: T201 - answers before the room that prints is loaded
        return 0
    if words[:1] in (["--help"], ["-h"], ["help"]):
        print(USAGE)  # noqa: T201 - as above
        return 0
    from webvoice_mcp.cli import run  # noqa: PLC0415 - the two answers above need nothing of it

    return run(words)


if __name__ == "__main__":
    sys.exit(main())
