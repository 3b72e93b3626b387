"""The server's stdin and stdout."""

from webvoice_mcp.cli.stdio._stdin import EndableStdin
from webvoice_mcp.cli.stdio._stdout import ProtocolStdout

__all__ = ["EndableStdin", "ProtocolStdout"]
