"""The command `webvoice-mcp`; `python -m webvoice_mcp` runs the same."""

import os
import sys

from webvoice_mcp import __version__
from webvoice_mcp.cli.help_text import HELP_TEXT


def main() -> int:
    """Run the command line in `sys.argv` and return the exit code."""
    _use_utf8()
    args = sys.argv[1:]
    if args[:1] in (["--version"], ["-V"]):
        print(f"webvoice-mcp {__version__}")  # noqa: T201 - the command line's own output
        return 0
    if args[:1] in (["--help"], ["-h"], ["help"]):
        print(HELP_TEXT)  # noqa: T201 - the command line's own output
        return 0
    if not args:
        _exit_on_signals()
        from webvoice_mcp.cli import serve  # noqa: PLC0415 - a slow import that --version does not need

        return serve.run()
    if args == ["worker"]:
        from webvoice_mcp.cli import worker  # noqa: PLC0415 - a server starts it by itself

        return worker.run()
    from webvoice_mcp.cli.commands import run  # noqa: PLC0415 - it imports argparse, which the server does not need

    return run(args)


def _exit_on_signals() -> None:
    """Let SIGTERM and SIGINT end the process until the server, which is still being imported, takes care of them."""
    import signal  # noqa: PLC0415 - an import that --version does not need

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))


def _use_utf8() -> None:
    """Start Python anew in UTF-8 mode if it takes paths and variables for texts in another encoding.

    With PYTHONUTF8=0 in the C locale, for example, no file could have a name with other letters than those of ASCII.
    """
    is_utf8 = os.name != "posix" or sys.getfilesystemencoding() == "utf-8"
    if not is_utf8 and sys.executable and "utf8" not in sys._xoptions:  # noqa: SLF001 - documented, in spite of its name
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    sys.exit(main())
