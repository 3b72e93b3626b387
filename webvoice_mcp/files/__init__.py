"""The user's files: where they may lie, what they are, reading for upload, saving through a part file."""

from webvoice_mcp.files.files import Files
from webvoice_mcp.files.kinds import kind_for
from webvoice_mcp.files.reading import Source
from webvoice_mcp.files.saved import SavedFile, content_of
from webvoice_mcp.files.saving import Part
from webvoice_mcp.files.targets import Target

__all__ = ["Files", "Part", "SavedFile", "Source", "Target", "content_of", "kind_for"]
