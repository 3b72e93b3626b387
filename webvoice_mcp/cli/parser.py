"""The command line's one parser: every command, its options and the module that runs it."""

import argparse
import re
import sys
from pathlib import Path

from webvoice_mcp.cli.clients.mcp_clients import ENTRY_NAME, INSTALLABLE
from webvoice_mcp.cli.help_text import HELP_TEXT

SHELLS = ("bash", "zsh", "fish", "powershell")
_MAX_DAYS = 3650


def parse(args: list[str]) -> argparse.Namespace:
    """Parse a command and its options.

    Args:
        args: the command line after the program's name; at least one argument.

    Returns:
        The options. `module` is the name of the module whose `run(options)` executes the command.

    Raises:
        SystemExit: code 2 after a usage message on stderr; code 0 after a command's help.
    """
    name, *rest = args
    commands = create_parsers()
    if name not in commands:
        kind = "option" if name.startswith("-") else "command"
        print(f"webvoice-mcp: unknown {kind} {name!r}", HELP_TEXT, sep="\n", file=sys.stderr)
        raise SystemExit(2)
    if name == "call" and (tool := _helped_tool(rest)):
        name, rest = "tools", [tool]
    # Not through the main parser: with subparsers, argparse cannot intermix options and `call`'s name=value arguments.
    return commands[name].parse_intermixed_args(rest)


def create_parsers() -> dict[str, argparse.ArgumentParser]:
    """Return each command's parser by the command's name."""
    commands = argparse.ArgumentParser(prog="webvoice-mcp").add_subparsers()

    def add(name: str, module: str, description: str) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, description=description, allow_abbrev=False)
        parser.set_defaults(module=f"webvoice_mcp.cli.{module}")
        return parser

    call = add(
        "call",
        "call",
        "Call one tool. A value is text, or JSON where the parameter is a number, a boolean, a list or an object: "
        'webvoice-mcp call webvoice_tts text="Hello there" speed=1.0. A value is read from a UTF-8 file with '
        "name=@FILE, from standard input with name=@-; one that begins with @ is written name=@@… The command waits "
        "for the result, so background has no effect. webvoice-mcp call TOOL --help shows that tool's parameters.",
    )
    call.add_argument("tool", metavar="TOOL", help="a tool's name, as listed by: webvoice-mcp tools")
    call.add_argument(
        "arguments", metavar="name=value", nargs="*", default=[], type=_named_value, help="an argument of the tool"
    )
    call.add_argument("--json", action="store_true", help="print the structured result as JSON")

    demo = add(
        "demo",
        "demo.run",
        "See what the tools do before you have an account: make speech, transcribe and translate it, chat, draw and "
        "edit pictures, make videos, and join them into a film with subtitles, all on this computer and with play "
        "credits. Nothing is sent over the network, and nothing costs money. The files are saved in a folder, with a "
        "page, index.html, that plays and shows them.",
    )
    demo.add_argument(
        "--output-dir",
        metavar="DIR",
        type=Path,
        default=Path("webvoice-demo"),
        help="where to save the files and index.html (default: webvoice-demo)",
    )

    doctor = add(
        "doctor",
        "doctor.run",
        "Check settings, key, service, folders and installation, and say how to fix what fails. Nothing is changed.",
    )
    doctor.add_argument("--json", action="store_true", help="print a JSON list of {check, ok, detail, cure?, warning?}")

    install = add(
        "install",
        "clients.install",
        "Add the server to an MCP client's configuration. Everything else in the client's file stays as it is, and "
        "the old file is kept beside it as a backup. No key is written: the server has its own key file.",
    )
    _add_client(install)
    install.add_argument("--print", action="store_true", help="change nothing; only show the text to write")
    install.add_argument("--force", action="store_true", help=f"replace a different entry named {ENTRY_NAME}")
    install.add_argument(
        "--env",
        metavar="NAME=value",
        action="append",
        default=[],
        help="set a variable in the entry, such as WEBVOICE_MAX_CREDITS=100; can be repeated; not for keys",
    )
    install.add_argument(
        "--media",
        action="store_true",
        help="have the extra that reads films, recordings from phones and HEIC pictures",
    )

    uninstall = add(
        "uninstall",
        "clients.uninstall",
        "Remove the server from an MCP client's configuration. Everything else in the client's file stays as it is, "
        "and the old file is kept beside it as a backup. Saved keys stay; webvoice-mcp logout deletes them.",
    )
    _add_client(uninstall)

    login = add("login", "login", "Register or sign in with a code sent by e-mail, and save the API key.")
    login.add_argument("--email", metavar="E", default="", help="your e-mail address; asked for if it is not given")

    add("logout", "logout", "Delete the API keys that are saved for this base URL. Keys of other base URLs stay.")

    status = add("status", "status", "Show the account, its credits and the API key in use.")
    status.add_argument("--show-key", action="store_true", help="show the whole key instead of its masked form")

    usage = add(
        "usage",
        "usage",
        "Sum up the credits that were spent on this computer, from the history, in days of local time. Jobs whose cost "
        "is not known are counted apart, with the most that they may have cost.",
    )
    period = usage.add_mutually_exclusive_group()
    period.add_argument("--days", metavar="N", type=_days, help="days to sum up, today included (default: 30)")
    period.add_argument("--month", metavar="YYYY-MM", type=_month, help="the month to sum up")
    usage.add_argument("--by", choices=("tool", "day", "month"), help="what to sum up by (default: tool)")
    usage.add_argument("--csv", action="store_true", help="print CSV: a row for a job, or with --by for a group")

    tools = add("tools", "tools", "List the tools with their parameters, or show one of them whole.")
    tools.add_argument("tool", metavar="TOOL", nargs="?", default="", help="a tool's name (default: all tools)")
    tools.add_argument("--json", action="store_true", help="print JSON, as in MCP's tools/list")

    sandbox = add("sandbox", "sandbox", "Run a local service with WebVoice's API, backed by real engines.")
    sandbox.add_argument("--host", default="127.0.0.1", help="a loopback address (default: 127.0.0.1)")
    sandbox.add_argument("--port", type=int, default=8787, help="a port; 0 picks a free one (default: 8787)")
    sandbox.add_argument(
        "--state-dir",
        metavar="DIR",
        type=Path,
        help="where to keep accounts and mail (default: inside the user's state folder)",
    )

    completion = add(
        "completion",
        "completion.run",
        "Print a script by which your shell completes commands, options, tools and parameters. Write it where the shell"
        " looks for it: for bash, ~/.local/share/bash-completion/completions/webvoice-mcp; for zsh, a file named "
        "_webvoice-mcp in a folder of $fpath; for fish, ~/.config/fish/completions/webvoice-mcp.fish; for PowerShell, a"
        " file that $PROFILE runs. After an update, write it again.",
    )
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of: {', '.join(SHELLS)}")
    return dict(commands.choices)


def _helped_tool(words: list[str]) -> str:
    """Return the tool of `call TOOL --help`, "" if the words after `call` are anything else."""
    first = next(iter(words), "")
    return first if not first.startswith("-") and {"-h", "--help"} & set(words) else ""


def _add_client(parser: argparse.ArgumentParser) -> None:
    names = tuple(INSTALLABLE)
    parser.add_argument("client", metavar="CLIENT", choices=names, help=f"one of: {', '.join(names)}")


def _named_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} has no '='")
    return name, value


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 4 and 1 <= int(text) <= _MAX_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAX_DAYS}")
    return int(text)


def _month(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(20[0-9]{2})-(0[1-9]|1[0-2])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a month such as 2026-11")
    return int(found[1]), int(found[2])
