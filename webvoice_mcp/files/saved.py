"""Files that were written, and a look into one again."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from webvoice_mcp.errors import DiskError
from webvoice_mcp.files._disk import READ, FileId, disk


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that was written: its absolute path, `file://` URI, MIME type and size in bytes; and who it is."""

    path: str
    uri: str
    mime_type: str
    size_bytes: int
    id: FileId | None = field(default=None, repr=False, compare=False)


def content_of(saved: SavedFile) -> bytes:
    """What lies in the file now. Blocks; for a thread.

    Raises:
        DiskError: it cannot be read, or is there no longer.
    """
    path = Path(saved.path)
    with disk("read", path), os.fdopen(os.open(path, READ), "rb") as file:
        if FileId.of(os.fstat(file.fileno())) != saved.id:
            raise DiskError(f"{path} is another file than the one that was saved. Look at what lies there.")
        return file.read()
