"""The table of known MCP clients, and the commands that add the server to a client or remove it."""
