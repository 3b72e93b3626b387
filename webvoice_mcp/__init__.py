"""webvoice-mcp: WebVoice as tools of an MCP server: speech, translation, chat, images, video, messages."""

__version__ = "0.3.0"
