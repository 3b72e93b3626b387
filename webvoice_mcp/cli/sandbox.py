"""`webvoice-mcp sandbox`: run the local service by itself."""

import argparse
import sys
from pathlib import Path

import platformdirs

from webvoice_mcp.cli.startup import STATE_DIR, USAGE_ERROR, load_settings
from webvoice_mcp.sandbox.serve import serve
from webvoice_mcp.settings import Settings

_READY = """\
WebVoice sandbox at {base_url}
Mail is written to {inbox}
Point a server at it: WEBVOICE_BASE_URL={base_url} webvoice-mcp
Press Ctrl-C to quit."""


def run(options: argparse.Namespace) -> int:
    """Serve the sandbox until a signal arrives; return 2 for an address or a folder that cannot be used."""
    state_dir = options.state_dir or _default_state_dir()

    def print_address(base_url: str) -> None:
        print(_READY.format(base_url=base_url, inbox=state_dir / "inbox"), flush=True)

    try:
        serve(options.host, options.port, state_dir, listening=print_address)
    except (ValueError, OSError) as error:
        print(f"webvoice-mcp sandbox: {error}", file=sys.stderr)
        return USAGE_ERROR
    return 0


def _default_state_dir() -> Path:
    if STATE_DIR in Settings.read({}).unknown_folders:  # there is no home folder
        return load_settings(STATE_DIR).history_file.parent / "sandbox"
    return platformdirs.user_state_path("webvoice-mcp") / "sandbox"
