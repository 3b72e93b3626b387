"""What `webvoice-mcp --help` says. Kept apart, so that saying it imports nothing."""

USAGE = """\
usage: webvoice-mcp [COMMAND] [OPTIONS]

With no command: the MCP server on stdin and stdout, as clients start it.

commands:
  demo [--output-dir DIR]            see it work: no account, no network
  call TOOL [name=value ...] [--json]   one tool call from the terminal
  tools [--json]                     the tools and their parameters
  sandbox [--host HOST] [--port PORT] [--state-dir DIR]
                                     a local service to try and to test against

options:
  --version                          the version
  --help                             this text

The environment variables are listed in the README."""
