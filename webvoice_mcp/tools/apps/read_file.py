"""The tool that pages read files with, in pieces."""

import base64
from typing import Annotated

from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.types import BlobResourceContents, ContentBlock, EmbeddedResource
from pydantic import Field, PrivateAttr

from webvoice_mcp.errors import FileNotFound, InvalidArgument
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.tools.file_resources import find_file, mime_type_of
from webvoice_mcp.tools.results import Result
from webvoice_mcp.tools.toolset import READS_LOCALLY, ToolSet

tools = ToolSet("apps")  # in no toolset that settings name

# A multiple of 3, so that the base64 of a file is that of its pieces in a row. In base64 it is 512 KiB, of the 1 MB
# that hosts accept.
PIECE_BYTES = 384 << 10


class FilePiece(Result):
    """A piece of a file; its bytes are in an embedded resource."""

    uri: str
    offset: int
    size_bytes: int = Field(description="Of the whole file.")
    mime_type: str

    _piece: bytes = PrivateAttr(b"")

    def embedded(self) -> list[ContentBlock]:
        """Return the bytes as the blob of an embedded resource."""
        blob = base64.b64encode(self._piece).decode()
        return [EmbeddedResource(resource=BlobResourceContents(uri=self.uri, mime_type=self.mime_type, blob=blob))]


@tools.free(title="Read a file", effect=READS_LOCALLY)
async def webvoice_read_file(
    uri: Annotated[str, Field(description="Of a file in a result.")],
    offset: Annotated[int, Field(ge=0, description="Bytes to skip.")] = 0,
    *,
    services: Services,
) -> FilePiece:
    """Read a piece of a file that a call made, for a page that shows it.

    Free. At most 384 KiB at a time; the next piece begins where this one ends.
    """
    try:
        file = await find_file(uri, services)
    except ResourceNotFoundError:
        raise FileNotFound(
            f"uri {uri[:300]!r} is of no file that a call made. Take it from files of a result, or of webvoice_jobs."
        ) from None
    if offset > max(0, file.size_bytes - 1):
        raise InvalidArgument(
            f"offset {offset} is beyond the end of {file.path}, which has {file.size_bytes} bytes."
            f" Use 0 to {max(0, file.size_bytes - 1)}."
        )
    piece = await services.files.read_made(file, offset, min(offset + PIECE_BYTES, file.size_bytes))
    found = FilePiece(uri=uri, offset=offset, size_bytes=file.size_bytes, mime_type=mime_type_of(file))
    found._piece = piece  # noqa: SLF001 - a private attribute of pydantic's is set after construction
    return found


NAME = webvoice_read_file.__name__
