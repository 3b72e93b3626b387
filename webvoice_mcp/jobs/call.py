"""A paid call as a value: the request, the files sent along, the output, and the result."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.endpoint import PaidEndpoint, Reply, Request
from webvoice_mcp.files import Output, SavedFile

R = TypeVar("R", bound=Reply)
R_co = TypeVar("R_co", bound=Reply, covariant=True)
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Input:
    """A file that is sent along with a request.

    Attributes:
        path: the path as the caller gave it; a URL if the service is to fetch the file itself.
        argument: name of the tool's argument, for error messages.
        family: the kind of content that is accepted.
        is_url: True if `path` is a URL.
    """

    path: str
    argument: str
    family: Literal["audio", "image"]
    is_url: bool = False


@dataclass(frozen=True, slots=True)
class Delivery(Generic[R_co]):
    """The reply and the files of a paid call.

    Attributes:
        request: the request as it was sent.
        reply: the service's reply without the media.
        files: the files that were saved.
        note: a remark about them for the user, "" for none.
    """

    request: Any
    reply: R_co
    files: tuple[SavedFile, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class PaidCall(Generic[T]):
    """A paid call as asked for. A paid tool returns it, and `run` carries it out.

    Attributes:
        endpoint: the endpoint to call. It knows the price.
        request: the request itself, already checked.
        result: makes the tool's result from the delivery.
        inputs: files that are sent along.
        output: the place for media; None if nothing is saved.
        picture_links: links of pictures in the reply of a chat, which may be streamed and hold pictures.
        name_from: text whose first words name the files of a chat's pictures.
        expected_files: number of files that were ordered; fewer are delivered with a note.
        complete: makes the request complete by free calls, after everything else was checked.
        stream: stream the answer; None streams if the caller wants to hear of progress.
        background: answer the caller at once with the job's id.
    """

    endpoint: PaidEndpoint[Any, Any]
    request: Request
    result: Callable[[Delivery[Any]], T]
    inputs: Sequence[Input] = ()
    output: Output | None = None
    picture_links: Callable[[Any], Sequence[str]] | None = None
    name_from: str = ""
    expected_files: int = 1
    complete: Callable[[FreeClient], Awaitable[Request]] | None = field(default=None, repr=False)
    stream: bool | None = False
    background: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.request, self.endpoint.request):
            raise TypeError(f"{self.endpoint.path} takes a {self.endpoint.request.__name__}")
        if self.endpoint.media and self.output is None:
            raise TypeError(f"{self.endpoint.path} delivers media, so the call needs an output")
        if not self.endpoint.media and (self.output is not None or self.inputs):
            raise TypeError(f"{self.endpoint.path} delivers no media, so it takes no output and no files")

    @property
    def shows_pictures(self) -> bool:
        """True if the files are pictures that the model may look at."""
        return self.output is not None and self.output.family == "image"
