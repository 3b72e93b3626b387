"""`webvoice-mcp sandbox`: run the local service by itself."""

import argparse
import sys

import platformdirs

from webvoice_mcp.sandbox.serve import serve

_USAGE_ERROR = 2
_READY = """\
WebVoice sandbox at {base_url}
Mail is written to {inbox}
Point a server at it: WEBVOICE_BASE_URL={base_url} webvoice-mcp
Press Ctrl-C to quit."""


def run(options: argparse.Namespace) -> int:
    """Serve the sandbox until a signal arrives; return 2 for an address that cannot be used."""
    state_dir = options.state_dir or platformdirs.user_state_path("webvoice-mcp") / "sandbox"

    def print_address(base_url: str) -> None:
        print(_READY.format(base_url=base_url, inbox=state_dir / "inbox"), flush=True)

    try:
        serve(options.host, options.port, state_dir, listening=print_address)
    except (ValueError, OSError) as error:
        print(f"webvoice-mcp sandbox: {error}", file=sys.stderr)
        return _USAGE_ERROR
    return 0
