"""MCP clients: the table of those that are known, and adding the server to one or removing it."""
