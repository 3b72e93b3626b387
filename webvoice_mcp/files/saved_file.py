"""Files that were saved."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from webvoice_mcp.errors import DiskError
from webvoice_mcp.files.disk import OPEN_FOR_READING, FileId, disk_errors


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that was saved.

    Attributes:
        path: absolute path.
        uri: the path as a `file://` URI.
        mime_type: media type of the file's extension.
        size_bytes: size in bytes.
        id: identity by which `read_back` recognizes the file.
        modified_ns: time of its last change, in nanoseconds since the epoch.
    """

    path: str
    uri: str
    mime_type: str
    size_bytes: int
    id: FileId | None = field(default=None, repr=False, compare=False)
    modified_ns: int = field(default=0, repr=False, compare=False)

    def facts(self) -> dict[str, str | int]:
        """Return the fields about the file for a tool's result."""
        return {"path": self.path, "uri": self.uri, "mime_type": self.mime_type, "size_bytes": self.size_bytes}


def read_back(saved: SavedFile) -> bytes:
    """Return the content of a saved file. Blocks, so call it in a thread.

    Raises:
        DiskError: it cannot be read, is gone, or another file has its name.
    """
    path = Path(saved.path)
    with disk_errors("read", path), os.fdopen(os.open(path, OPEN_FOR_READING), "rb") as file:
        if FileId.of(os.fstat(file.fileno())) != saved.id:
            raise DiskError(f"{path} is no longer the file that was saved. Check which file it is now.")
        return file.read()
