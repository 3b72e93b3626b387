"""`webvoice-mcp`: the MCP server on stdin and stdout."""

import gc
import sys

_GREETING = """\
This is webvoice-mcp {version}, an MCP server. It speaks JSON-RPC on stdin and stdout and waits for a client.
To use it, put this into your client's configuration:

  {{"mcpServers": {{"webvoice": {{"command": "webvoice-mcp"}}}}}}

To see it work here and now: webvoice-mcp demo. Ctrl-C ends it."""


def run() -> int:
    """Serve until the input ends or a signal comes."""
    # Thousands of objects are made while importing and none of them becomes garbage: the collector would walk
    # them again and again, at the start and once more at the end.
    gc.disable()
    # Before anything else is loaded, so that nothing can print on the wire, read from it, or die of a signal.
    from webvoice_mcp.cli._stdin import EndableStdin  # noqa: PLC0415 - imported with the collector off
    from webvoice_mcp.cli._stdout import ProtocolStdout  # noqa: PLC0415 - as above

    stdout = ProtocolStdout()
    stdin = EndableStdin()
    stdin.end_on_signals()
    from webvoice_mcp import __version__  # noqa: PLC0415 - as above
    from webvoice_mcp.cli import _start  # noqa: PLC0415 - as above

    settings = _start.settings()
    from webvoice_mcp.server import build  # noqa: PLC0415 - as above

    server = build(settings, departure=stdin)
    gc.freeze()
    gc.enable()
    if stdin.is_terminal:
        print(_GREETING.format(version=__version__), file=sys.stderr)
    stdin.start()
    stdout.offer(broken=stdin.end)
    try:
        server.run()
    except* (BrokenPipeError, ConnectionResetError):
        pass  # the client left while we wrote to it
    finally:
        stdin.ignore_signals()
    return 0
