"""`webvoice-mcp` without a command: the MCP server on stdin and stdout."""

import gc
import os
import sys
from functools import partial

from webvoice_mcp import __version__
from webvoice_mcp.cli.front import open_front
from webvoice_mcp.cli.stdio import EndableStdin, ProtocolStdout

_GREETING = """\
This is webvoice-mcp {version}, an MCP server. It speaks JSON-RPC on stdin and stdout, and is waiting for a client.
To use it, add this to your client's configuration:

  {{"mcpServers": {{"webvoice": {{"command": "webvoice-mcp"}}}}}}

To see it work right away, run: webvoice-mcp demo. Press Ctrl-C to quit."""


def run(*, has_front: bool = True) -> int:
    """Serve until the input ends or a signal arrives, and return the exit code.

    Args:
        has_front: False to answer nothing before the SDK is imported; tests compare both.
    """
    # Imports create many thousands of objects, none of which becomes garbage. The collector would traverse them
    # several times during the start and once more at exit.
    gc.disable()
    protocol_stdout = ProtocolStdout()
    stdin = EndableStdin()
    stdin.end_on_signals()
    from webvoice_mcp.cli.startup import OUTPUT_DIR, STATE_DIR, load_settings  # noqa: PLC0415 - importing may print, so stdout moves first

    settings = load_settings(OUTPUT_DIR, STATE_DIR)
    stdout = protocol_stdout.open(on_broken=stdin.end)
    front = open_front(settings, stdout) if has_front else None
    if front is not None:
        stdin.start(front.filter, front.is_active)
    import anyio  # noqa: PLC0415 - imported with the server

    from webvoice_mcp.cli.stdio.asynchronous import AsyncStdin, AsyncStdout  # noqa: PLC0415 - it imports anyio
    from webvoice_mcp.client.allocator import keep_little_freed_memory  # noqa: PLC0415 - after the settings
    from webvoice_mcp.server import create_server  # noqa: PLC0415 - slow, and not needed if a setting is invalid
    from webvoice_mcp.worker.process import start  # noqa: PLC0415 - imported with the server

    keep_little_freed_memory()
    start_worker = partial(start, os.environ, settings.worker_log)
    server = create_server(settings, shutdown=stdin, start_worker=start_worker if settings.worker else None)
    gc.freeze()
    gc.enable()
    if stdin.is_terminal:
        print(_GREETING.format(version=__version__), file=sys.stderr)
    if front is None:
        stdin.start()
    output = AsyncStdout(stdout, protocol_stdout.has_room)
    if front is not None:
        after_front = front.hand_over()
        output = AsyncStdout(after_front, lambda: after_front.is_ready() and protocol_stdout.has_room())
    try:
        anyio.run(server.serve, AsyncStdin(stdin.lines()), output)
    except* (BrokenPipeError, ConnectionResetError):
        pass  # the client closed its end while we were writing
    finally:
        stdin.ignore_signals()
    return 0
