"""The user's files: where they may lie, what they are, reading for upload, saving through a part file."""

from webvoice_mcp.files.files import Files, Output
from webvoice_mcp.files.kinds import kind_for
from webvoice_mcp.files.kinds import kind_for as kind_for_suffix
from webvoice_mcp.files.reading import Source
from webvoice_mcp.files.reading import Source as InputFile
from webvoice_mcp.files.saved import SavedFile, content_of
from webvoice_mcp.files.saved import content_of as read_back
from webvoice_mcp.files.saving import Part
from webvoice_mcp.files.saving import Part as PendingFile
from webvoice_mcp.files.targets import Target

__all__ = [
    "Files",
    "InputFile",
    "Output",
    "Part",
    "PendingFile",
    "SavedFile",
    "Source",
    "Target",
    "content_of",
    "kind_for",
    "kind_for_suffix",
    "read_back",
]
