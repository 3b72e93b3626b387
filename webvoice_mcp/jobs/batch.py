"""Long work as a value: many paid requests whose results become one whole."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.endpoint import PaidEndpoint, Reply, Request
from webvoice_mcp.files import InputFile, Output, PendingFile, SavedFile
from webvoice_mcp.jobs.call import Input

T = TypeVar("T", bound=BaseModel)


class Piece(Protocol):
    """A recording or a piece of one, as it is uploaded."""

    @property
    def name(self) -> str:
        """Name of the file that is sent."""
        ...

    @property
    def size(self) -> int:
        """Number of bytes."""
        ...

    @property
    def mime_type(self) -> str:
        """Media type."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield its bytes; it may be called any number of times."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch. Two parts with the same id are sent once.

    Attributes:
        request: the request.
        piece: the piece of a recording that is sent along.
        seconds: the length of this piece, None if it is not known or nothing is sent along.
        digest: hash of the piece's bytes, "" if the part is not to be kept.
        id: hash of what the part's result depends on: the request as asked for, and the bytes that are sent along.
    """

    request: Request
    piece: Piece | None = None
    seconds: float | None = None
    digest: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            content = [type(self.request).__name__, self.request.fields(), self.digest]
            digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
            object.__setattr__(self, "id", digest)

    def completed(self, request: Request) -> "Part":
        """Return the part with a completed request. It keeps its id."""
        return replace(self, request=request)


def digest_of(ids: Iterable[str]) -> str:
    """Return the hash by which a batch is recognized, from the ids of its parts."""
    return hashlib.sha256("".join(ids).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PartResult:
    """The result of a part that was paid for.

    Attributes:
        reply: the service's reply without the media.
        media: path of the file with its media, None if it has none.
    """

    reply: Mapping[str, Any]
    media: Path | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The opened inputs of a batch.

    Attributes:
        text: the text of its text file, "" for none.
        suffix: the text file's extension in lower case, "" for none.
        max_upload_bytes: the largest file that may be sent.
        recording: its recording, None for none.
    """

    text: str = ""
    suffix: str = ""
    max_upload_bytes: int = 0
    recording: InputFile | None = None


class Assembly:
    """The results of all parts, and the files that the whole is written to.

    Attributes:
        outputs: the file of the whole, and the one beside it; empty if nothing is saved.
        files: the files that were published.
    """

    def __init__(
        self,
        results: Mapping[str, PartResult],
        outputs: Sequence[PendingFile],
        reply_type: type[Reply],
        summary: Mapping[str, Any],
    ) -> None:
        self.outputs = outputs
        self.files: list[SavedFile] = []
        self._results = results
        self._reply_type = reply_type
        self._summary = summary

    @property
    def summary(self) -> dict[str, Any]:
        """The fields that the result of every batch has: parts, parts_reused and credits."""
        return dict(self._summary)

    def reply(self, part: Part) -> Any:
        """Return the service's reply to a part."""
        return self._reply_type.model_validate(dict(self._results[part.id].reply))

    def media(self, part: Part) -> Path:
        """Return the path of the part's media, which is deleted once the whole is delivered."""
        path = self._results[part.id].media
        assert path is not None, "parts of an endpoint that delivers media have them"  # noqa: S101 - for mypy
        return path

    async def publish(self, output: PendingFile, suffix: str) -> SavedFile:
        """Give a file its name, and note it for the history."""
        saved = await output.publish(suffix)
        self.files.append(saved)
        return saved


def _no_more(_part: Part, _reply: Any) -> Sequence[Part]:
    return ()


@dataclass(frozen=True, slots=True)
class Plan(Generic[T]):
    """The parts of a batch, and how they become the whole.

    Attributes:
        parts: the parts, in their order.
        assemble: writes the outputs and returns the tool's result.
        basis: the parts in words, as part of an estimate's basis, such as "12 parts of at most 4000 characters".
        follow_up: further parts that a part's reply makes necessary.
        more: the reason for them and their price, as part of an estimate's basis; "" if there are none.
    """

    parts: Sequence[Part]
    assemble: Callable[[Assembly], Awaitable[T]]
    basis: str
    follow_up: Callable[[Part, Any], Sequence[Part]] = _no_more
    more: str = ""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file to read.

    Attributes:
        path: the path as the caller gave it.
        argument: name of the tool's argument, for error messages.
    """

    path: str
    argument: str


@dataclass(frozen=True, slots=True)
class PaidBatch(Generic[T]):
    """Long work as asked for. A paid tool returns it, and `run` carries it out as one job.

    Attributes:
        endpoint: the endpoint that every part calls.
        plan: cuts the work into parts once the inputs are open.
        text_file: a text file to read first.
        recording: a recording to open first.
        output: the place of the whole; None if nothing is saved.
        beside: extension of a second file, which is saved beside the output under its name; "" for none.
        complete: completes the parts' requests by free calls, after everything else was checked.
        background: answer the caller at once with the job's id.
    """

    endpoint: PaidEndpoint[Any, Any]
    plan: Callable[[Sources], Awaitable[Plan[T]]]
    text_file: TextFile | None = None
    recording: Input | None = None
    output: Output | None = None
    beside: str = ""
    complete: Callable[[FreeClient, Sequence[Part]], Awaitable[Sequence[Part]]] | None = None
    background: bool = False
