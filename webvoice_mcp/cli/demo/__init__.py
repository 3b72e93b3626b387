"""`webvoice-mcp demo`: every kind of tool, tried against the local sandbox."""
