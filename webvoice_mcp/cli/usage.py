"""What `webvoice-mcp --help` says. Kept apart, so that saying it imports nothing."""

USAGE = """\
usage: webvoice-mcp [COMMAND] [OPTIONS]

With no command: the MCP server on stdin and stdout, as clients start it.

commands:
  demo [--output-dir DIR]            see it work: no account, no network
  install CLIENT [--print] [--force]   put the server into cursor, claude-desktop, claude-code, …
  uninstall CLIENT                   take it out again
  doctor [--json]                    what works here, what does not, and the cure
  login [--email E]                  register or sign in by e-mail code
  logout                             forget the saved keys of this service
  status [--show-key]                whose account, how many credits, which key
  call TOOL [name=value ...] [--json]   one tool call from the terminal
  tools [--json]                     the tools and their parameters
  sandbox [--host HOST] [--port PORT] [--state-dir DIR]
                                     a local service to try and to test against

options:
  --version                          the version
  --help                             this text

webvoice-mcp doctor lists the settings, all of them environment variables."""
