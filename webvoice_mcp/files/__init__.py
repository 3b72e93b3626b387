"""The user's files: where they may lie, what they are, reading for upload, saving through a part file."""

from webvoice_mcp.files.files import Files, Output
from webvoice_mcp.files.kinds import kind_for, kind_for as kind_for_suffix
from webvoice_mcp.files.reading import Source, Source as InputFile
from webvoice_mcp.files.saved import SavedFile, content_of, content_of as read_back
from webvoice_mcp.files.saving import Part, Part as PendingFile
from webvoice_mcp.files.targets import Target

__all__ = ["InputFile", "Output", "PendingFile", "kind_for_suffix", "read_back", "Files", "Part", "SavedFile", "Source", "Target", "content_of", "kind_for"]
