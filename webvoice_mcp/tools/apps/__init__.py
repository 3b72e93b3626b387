"""Pages that clients show in the chat (MCP Apps): a player for results, and a chart of what was spent."""
