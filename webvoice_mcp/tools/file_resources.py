"""Files that calls made, as resources. VS Code reads the links in results so."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Resource, ResourceTemplate

from webvoice_mcp.errors import DiskError, FileNotFound, InvalidArgument, UnsupportedMedia, WebVoiceError
from webvoice_mcp.files import MadeFile, kind_for_suffix
from webvoice_mcp.files.path_policy import strip_file_uri
from webvoice_mcp.jobs.services import Services

FILE_OF_A_JOB = "webvoice://files/{job}/{number}"
TEMPLATE = ResourceTemplate(
    uri_template=FILE_OF_A_JOB,
    name="file_of_a_job",
    title="File of a job",
    description="A file that a call made: the job's id, then the file's place among the job's files, from 1.",
)

MAX_BYTES = 8 << 20  # of a file that is read at once

_LISTED = 20
_SEARCHED = 200  # for these; many may be gone
_COMPLETED = 1000  # files whose jobs and numbers complete
_FILE_OF_A_JOB = re.compile(r"webvoice://files/(\w{1,80})/([1-9][0-9]{0,5})", re.ASCII)
_ENCODED_DRIVE = re.compile(r"(file:///[a-z])%3a(?=/)", re.IGNORECASE)  # VS Code writes C: so


def is_file_uri(uri: str) -> bool:
    """Return True if a URI can only name a file."""
    return uri[:5].casefold() == "file:" or _FILE_OF_A_JOB.fullmatch(uri) is not None


async def read_file(uri: str, services: Services) -> ReadResourceContents:
    """Read a file that a call made.

    Raises:
        ResourceNotFoundError: the URI is of no such file, or the file is gone.
        ResourceError: it was changed or replaced, may not be read, or is too large.
    """
    try:
        file = await find_file(uri, services)
        if file.size_bytes > MAX_BYTES:
            raise UnsupportedMedia(
                f"{file.path} has {file.size_bytes} bytes, and at most {MAX_BYTES >> 20} MiB are read at once."
                " Open it by its path."
            )
        content = await services.files.read_made(file, 0, file.size_bytes)
    except FileNotFound as error:
        raise ResourceNotFoundError(f"{error.code}: {error}") from error
    except WebVoiceError as error:
        raise ResourceError(f"{error.code}: {error}") from error
    return _contents(content, mime_type_of(file))


async def find_file(uri: str, services: Services) -> MadeFile:
    """Find the file that a URI means, the newest one if several had this path.

    Raises:
        ResourceNotFoundError: no server of this user made such a file.
        DiskError: the history cannot be read.
    """
    if numbered := _FILE_OF_A_JOB.fullmatch(uri):
        files = await services.history.made_files(job=numbered[1])
        found = [file for file in files if file.number == int(numbered[2])]
    else:
        found = await services.history.made_files(uris=_spellings(uri))
    if not found:
        raise ResourceNotFoundError(f"Unknown resource: {uri[:300]}")
    return found[0]


async def newest_files(services: Services) -> list[Resource]:
    """Return the newest files that can be read; none if the history cannot be used."""
    newest: dict[str, MadeFile] = {}
    for file in await _made(services, limit=_SEARCHED):
        newest.setdefault(file.uri, file)
    readable = await services.files.readable(newest.values(), limit=_LISTED)
    return [
        Resource(uri=file.uri, name=file.path.name, mime_type=mime_type_of(file), size=file.size_bytes)
        for file in readable
    ]


async def jobs_with_files(services: Services) -> Iterable[str]:
    """Return the ids of the newest jobs that made files."""
    return dict.fromkeys(file.job for file in await _made(services, limit=_COMPLETED))


async def numbers_of_files(services: Services, job: str) -> Iterable[str]:
    """Return the numbers of a job's files."""
    return [str(file.number) for file in await _made(services, job=job, limit=_COMPLETED)] if job else []


async def _made(services: Services, *, job: str = "", limit: int) -> list[MadeFile]:
    """Return files of the history for a list, in which a history that cannot be used is an empty one."""
    with suppress(DiskError):
        return await services.history.made_files(job=job, limit=limit)
    return []


def _contents(content: bytes, mime_type: str) -> ReadResourceContents:
    if mime_type.startswith("text/"):
        with suppress(UnicodeDecodeError):
            return ReadResourceContents(content.decode(), mime_type)
    return ReadResourceContents(content, mime_type)


def mime_type_of(file: MadeFile) -> str:
    """Return the media type that a file's name stands for."""
    kind = kind_for_suffix(file.path.suffix)
    return kind.mime_type if kind else "application/octet-stream"


def _spellings(uri: str) -> list[str]:
    """Return a `file:` URI as results have it: clients encode other characters than Python does.

    Raises:
        ResourceNotFoundError: it can be the URI of no file.
    """
    try:
        path = Path(strip_file_uri(_ENCODED_DRIVE.sub(r"\1:", uri), "uri"))
        return [path.as_uri(), *([uri] if uri.isascii() else [])]
    except (InvalidArgument, ValueError):  # ValueError: it is not absolute, or holds half of a character
        raise ResourceNotFoundError(f"Unknown resource: {uri[:300]}") from None
