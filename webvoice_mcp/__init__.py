"""webvoice-mcp: WebVoice's speech, transcription, translation and chat as tools of an MCP server."""

__version__ = "0.3.0"
