"""`webvoice-mcp` without a command: the MCP server on stdin and stdout."""

import gc
import os
import sys
from functools import partial

from webvoice_mcp import __version__
from webvoice_mcp.cli.stdio import EndableStdin, ProtocolStdout

_GREETING = """\
This is webvoice-mcp {version}, an MCP server. It speaks JSON-RPC on stdin and stdout, and is waiting for a client.
To use it, add this to your client's configuration:

  {{"mcpServers": {{"webvoice": {{"command": "webvoice-mcp"}}}}}}

To see it work right away, run: webvoice-mcp demo. Press Ctrl-C to quit."""


def run() -> int:
    """Serve until the input ends or a signal arrives, and return the exit code."""
    # Imports create many thousands of objects, none of which becomes garbage. The collector would traverse them
    # several times during the start and once more at exit.
    gc.disable()
    stdout = ProtocolStdout()
    stdin = EndableStdin()
    stdin.end_on_signals()
    from webvoice_mcp.cli.startup import OUTPUT_DIR, STATE_DIR, load_settings  # noqa: PLC0415 - importing may print, so stdout moves first

    settings = load_settings(OUTPUT_DIR, STATE_DIR)
    from webvoice_mcp.server import create_server  # noqa: PLC0415 - slow, and not needed if a setting is invalid
    from webvoice_mcp.worker.process import start  # noqa: PLC0415 - imported with the server

    start_worker = partial(start, os.environ, settings.worker_log)
    server = create_server(settings, shutdown=stdin, start_worker=start_worker if settings.worker else None)
    gc.freeze()
    gc.enable()
    if stdin.is_terminal:
        print(_GREETING.format(version=__version__), file=sys.stderr)
    stdin.start()
    stdout.give_to_sdk(on_broken=stdin.end)
    try:
        server.run()
    except* (BrokenPipeError, ConnectionResetError):
        pass  # the client closed its end while we were writing
    finally:
        stdin.ignore_signals()
    return 0
