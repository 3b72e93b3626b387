"""The user's files: allowed paths, kinds of content, input for uploads, and saved results."""

from webvoice_mcp.files.dimensions import count_pixels
from webvoice_mcp.files.files import Files
from webvoice_mcp.files.handed_input import FileFacts, HandedInput
from webvoice_mcp.files.input_file import InputFile
from webvoice_mcp.files.kinds import kind_for_suffix
from webvoice_mcp.files.local_file import LocalFile, OpenLocalFile
from webvoice_mcp.files.made_files import MadeFile
from webvoice_mcp.files.output import Output, Target
from webvoice_mcp.files.pending_file import PendingFile
from webvoice_mcp.files.saved_file import SavedFile, read_back

__all__ = [
    "FileFacts",
    "Files",
    "HandedInput",
    "InputFile",
    "LocalFile",
    "MadeFile",
    "OpenLocalFile",
    "Output",
    "PendingFile",
    "SavedFile",
    "Target",
    "count_pixels",
    "kind_for_suffix",
    "read_back",
]
