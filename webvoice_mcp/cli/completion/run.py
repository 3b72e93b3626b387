"""`webvoice-mcp completion SHELL`: print the script for one shell."""

import argparse

from webvoice_mcp.cli.completion import bash, fish, powershell, zsh
from webvoice_mcp.cli.completion.vocabulary import read_vocabulary
from webvoice_mcp.cli.parser import create_parsers

_SCRIPTS = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script, "powershell": powershell.script}


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    print(_SCRIPTS[options.shell](read_vocabulary(create_parsers())), end="")
    return 0
