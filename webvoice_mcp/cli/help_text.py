"""The text of `webvoice-mcp --help`, in a module that imports nothing."""

HELP_TEXT = """\
usage: webvoice-mcp [COMMAND] [OPTIONS]

Without a command, webvoice-mcp runs the MCP server on stdin and stdout. MCP clients start it this way.

commands:
  demo [--output-dir DIR]              try every kind of tool, without an account or a network
  install CLIENT [--print] [--force] [--env NAME=value] [--media]
                                       add the server to cursor, claude-desktop, claude-code, …
  uninstall CLIENT                     remove it again
  doctor [--json]                      check the setup, and say how to fix what fails
  login [--email E]                    register or sign in with a code sent by e-mail
  logout                               delete the saved keys of this service
  status [--show-key]                  show the account, its credits and the key in use
  usage [--days N | --month YYYY-MM] [--by {tool,day,month}] [--csv]
                                       show what was spent on this computer
  call TOOL [name=value ...] [--json]  call one tool from the terminal
  tools [TOOL] [--json]                list the tools and their parameters, or show one of them whole
  sandbox [--host HOST] [--port PORT] [--state-dir DIR]
                                       run a local copy of the service, for trials and tests
  completion SHELL                     print a script by which bash, zsh, fish or powershell completes

options:
  --version                            show the version
  --help                               show this text; COMMAND --help explains one command

Settings are environment variables; webvoice-mcp doctor lists them."""
