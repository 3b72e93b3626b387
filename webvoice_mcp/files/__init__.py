"""The user's files: where they may lie, what they are, reading for upload, saving through a part file."""

from webvoice_mcp.files.files import Files, FileSettings
from webvoice_mcp.files.kinds import FLAC, GIF, JPEG, KINDS, M4A, MP3, MP4, PNG, TEXT, WAV, WEBP, Kind, kind_of, sniff
from webvoice_mcp.files.reading import Source
from webvoice_mcp.files.saving import Part, SavedFile
from webvoice_mcp.files.targets import Target

__all__ = [
    "FLAC",
    "GIF",
    "JPEG",
    "KINDS",
    "M4A",
    "MP3",
    "MP4",
    "PNG",
    "TEXT",
    "WAV",
    "WEBP",
    "FileSettings",
    "Files",
    "Kind",
    "Part",
    "SavedFile",
    "Source",
    "Target",
    "kind_of",
    "sniff",
]
