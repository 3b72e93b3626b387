"""Results of tools, and the SDK's results that are made from them."""

import itertools
import json
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.redaction import mask_known_keys, sanitize, without_invisible
from webvoice_mcp.contract.endpoint import Reply
from webvoice_mcp.errors import DiskError, WebVoiceError
from webvoice_mcp.files import SavedFile, kind_for_suffix
from webvoice_mcp.jobs.long_results import SURELY_SMALL_CHARACTERS, wire_bytes
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.storage.threads import WorkerThreads

if TYPE_CHECKING:  # the worker process makes results, and does without the SDK
    from mcp.types import CallToolResult, ContentBlock, ResourceLink

ERROR_META = "webvoice/error"
MAX_LIST_BYTES = 1400  # of JSON for a list from the history, all of which the model reads

_MAX_BYTES = 950_000  # of a result on the wire; a paid call's result takes less, so that it fits with its job's facts
_MAX_ERROR_CHARACTERS = 480  # a longer text, which quotes a long path or argument, loses its middle
_ERROR_END_CHARACTERS = 300  # of which the end, which says what to do, keeps so many
_MAX_FIELD_CHARACTERS = 500  # of JSON, for a field that the documentation does not name
_MAX_FIELDS_CHARACTERS = 1000  # for all such fields
_MAX_DEPTH = 20
_CUT = "The service's answer was too large: the rest of it is left out here. Ask for less of it."
# Ours although no result declares them: `webvoice-mcp call` shows a file as `file`.
_OURS = frozenset({"success", "file", "preview", "characters"})
_MEDIA = re.compile(r"\s*data:[^\s,]*,.*|[A-Za-z0-9+/_=\r\n-]{201,}", re.DOTALL | re.IGNORECASE)


class Result(BaseModel):
    """A tool's structured result. More properties than the declared ones are allowed.

    Attributes:
        extra_limits: characters of JSON for one field and for all fields that the documentation does not name.
    """

    model_config = ConfigDict(extra="allow")
    extra_limits: ClassVar[tuple[int, int]] = (_MAX_FIELD_CHARACTERS, _MAX_FIELDS_CHARACTERS)

    _pictures: tuple[SavedFile, ...] = PrivateAttr(())

    def fields(self) -> dict[str, Any]:
        """Return the structured content. Fields that are None are left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def linked_files(self) -> list["File"]:
        """Return the files that the result links to."""
        return [File.model_validate(file) for file in getattr(self, "files", None) or []]

    def embedded(self) -> "list[ContentBlock]":
        """Return further content, which is not JSON."""
        return []

    def show(self, pictures: tuple[SavedFile, ...]) -> None:
        """Also hand these pictures to the model, as far as the settings and their size allow."""
        self._pictures = pictures

    @property
    def pictures(self) -> tuple[SavedFile, ...]:
        """Pictures for the model to look at."""
        return self._pictures

    @classmethod
    def from_reply(cls, reply: Reply, *nested: Reply, **own: Any) -> Self:
        """Make a result from the service's reply and our own values, which win.

        Fields that the documentation does not name are passed on if they are small and no field of ours has the name.

        Args:
            nested: parts of the reply whose further fields are passed on, too.
        """
        fields: dict[str, Any] = {}
        for part in (*nested, reply):
            extra = _extra_fields(part, cls.extra_limits)
            fields |= {name: value for name, value in extra.items() if name not in cls.model_fields}
        fields |= reply.model_dump(mode="json", exclude_none=True, include=set(type(reply).model_fields))
        return cls.model_validate(fields | own)


class File(BaseModel):
    """A file on the user's disk."""

    path: str = Field(description="Absolute path.")
    uri: str
    mime_type: str
    size_bytes: int

    @classmethod
    def list_of(cls, saved: tuple[SavedFile, ...]) -> list[Self]:
        """Return the saved files as part of a result."""
        return [cls.model_validate(file.facts()) for file in saved]


def describe_file(path: Path) -> dict[str, Any]:
    """Describe a file that was saved earlier; a missing one has a note in place of its size. Blocks."""
    kind = kind_for_suffix(path.suffix)
    facts: dict[str, Any] = {"path": str(path), "uri": path.as_uri()}
    facts["mime_type"] = kind.mime_type if kind else "application/octet-stream"
    try:
        facts["size_bytes"] = path.stat().st_size
    except (OSError, ValueError):  # ValueError: not a path at all
        facts["note"] = "no longer there"
    return facts


class PaidResult(Result):
    """The cost of a call, or the job's id if it goes on without its caller."""

    credits_used: float | None = None
    credits_remaining: float | None = None
    job_id: str | None = Field(None, description="Still running: for webvoice_jobs.")
    state: str | None = None


class JobStarted(Result):
    """The answer to a call that goes on as a job."""

    job_id: str
    state: str
    files: list[File]


async def successful_result(result: Result, services: Services) -> "CallToolResult":
    """Make the SDK's result: compact JSON, pictures for the model, a link for each file, structured content."""
    from mcp.types import CallToolResult, TextContent  # noqa: PLC0415 - the SDK is imported where it is needed

    from webvoice_mcp.tools.pictures import image_content  # noqa: PLC0415 - it imports the SDK

    fields = await bounded(result.fields())
    content: list[ContentBlock] = [TextContent(text=compact_json(fields))]
    if result.pictures and services.settings.inline_images:
        content += await image_content(result.pictures)
    if services.settings.resource_links:
        content += [_link(file) for file in result.linked_files()]
    content += result.embedded()
    return CallToolResult(content=content, structured_content=fields)


async def bounded(fields: dict[str, Any]) -> dict[str, Any]:
    """Return as much of a result as hosts accept. What is long in paid results was saved before."""
    if len(compact_json(fields)) <= SURELY_SMALL_CHARACTERS:
        return fields
    return await WorkerThreads(1).run(_shortened, fields)  # it may take seconds


def failed_result(error: WebVoiceError) -> "CallToolResult":
    """Make the SDK's result of a failure.

    The details are in `_meta`: TypeScript clients of version 1 validate structured content against the output schema
    even if a call failed, and would show their own complaint in place of our sentence.
    """
    details: dict[str, Any] = {"code": error.code}
    if error.status is not None:
        details["status"] = error.status
    if error.retry_after is not None:
        details["retry_after_seconds"] = error.retry_after
    return failure(str(error), details)


def failure(message: str, details: dict[str, Any]) -> "CallToolResult":
    """Make the SDK's result of a failure from a message and its details, of which `code` is one."""
    from mcp.types import CallToolResult, TextContent  # noqa: PLC0415 - the SDK is imported where it is needed

    text = sanitize(f"{details['code']}: {message}").replace("\n", " ")  # it may quote an argument
    if len(text) > _MAX_ERROR_CHARACTERS:
        text = f"{text[: _MAX_ERROR_CHARACTERS - _ERROR_END_CHARACTERS]}…{text[-_ERROR_END_CHARACTERS:]}"
    return CallToolResult(content=[TextContent(text=text)], is_error=True, _meta={ERROR_META: details})


async def without_key(failure: "CallToolResult", keys: Keys) -> "CallToolResult":
    """Return a failed result with the key masked: its text may quote an argument."""
    from mcp.types import TextContent  # noqa: PLC0415 - the SDK is imported where it is needed

    with suppress(DiskError):
        if key := await keys.find():
            content = [
                block.model_copy(update={"text": mask_known_keys(block.text, key.value)})
                for block in failure.content
                if isinstance(block, TextContent)
            ]
            return failure.model_copy(update={"content": content})
    return failure


def json_size(value: Any) -> int:
    """Return the bytes of a value as compact JSON, with a comma behind it."""
    return len(compact_json(value).encode()) + 1


def compact_json(value: Any) -> str:
    """Return a value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _link(file: File) -> "ResourceLink":
    from mcp.types import ResourceLink  # noqa: PLC0415 - the SDK is imported where it is needed

    return ResourceLink(uri=file.uri, name=Path(file.path).name, mime_type=file.mime_type, size=file.size_bytes)


def _extra_fields(reply: Reply, limits: tuple[int, int]) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    limit, left = limits
    ours = _our_names()
    for name, value in (reply.model_extra or {}).items():
        letters = _letters(name)
        if not letters or letters in ours or value is None or not _is_plain(value, _MAX_DEPTH):
            continue
        size = len(json.dumps({name: value}))
        if size <= min(limit, left):
            extra[name] = value
            left -= size
    return extra


def _letters(name: str) -> str:
    """Return a field's name without case, separators and accents, since a reader takes `jobId` and `job-id` for ours.

    A name with other letters than ours is "": Cyrillic and Greek have letters of the same form.
    """
    letters = re.sub(r"[\W_]|[\u0300-\u036f]", "", unicodedata.normalize("NFKD", without_invisible(name)).casefold())
    return letters if letters.isascii() else ""


def _our_names() -> frozenset[str]:
    """Return the names of fields that are never taken from the service, as `_letters` gives them.

    They are those of our results that no reply of the service has.
    """
    ours: list[type[BaseModel]] = [*_subclasses(Result), File]
    results = {name for result in ours for name in result.model_fields}
    replies = {name for reply in _subclasses(Reply) for name in reply.model_fields}
    return frozenset(map(_letters, (results - replies) | _OURS))


def _subclasses(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for direct in base.__subclasses__():
        yield direct
        yield from _subclasses(direct)


def _shortened(fields: dict[str, Any]) -> dict[str, Any]:
    cut, left = fields, _MAX_BYTES // 2
    while wire_bytes(cut) > _MAX_BYTES:
        cut = _cut(fields, left) | {"note": _CUT}
        left = left * 3 // 4
    return cut


def _cut(value: Any, left: int) -> Any:
    """Return the beginning of a JSON value, in about `left` bytes of JSON. Items of a list are kept whole."""
    if isinstance(value, str):
        return value[:left]
    if isinstance(value, list):
        sizes = itertools.accumulate(map(json_size, value))
        return [item for item, size in zip(value, sizes, strict=True) if size <= left]
    kept: dict[str, Any] = {}
    # What small members leave of their share is for the large ones, which come last.
    for number, (name, item) in enumerate(sorted(value.items(), key=lambda member: json_size(member[1]))):
        share = left // (len(value) - number) - json_size(name)
        if json_size(item) <= share:
            kept[name] = item
        elif share > 0 and isinstance(item, str | list | dict):
            kept[name] = _cut(item, share)
        left -= json_size({name: kept[name]}) if name in kept else 0
    return {name: kept[name] for name in value if name in kept}


def _is_plain(value: Any, depth: int) -> bool:
    """Return False if a value is nested too deep or a string in it looks like base64."""
    if isinstance(value, str):
        return not _MEDIA.fullmatch(value)
    if not isinstance(value, dict | list):
        return True
    inner = [*value, *value.values()] if isinstance(value, dict) else value
    return depth > 0 and all(_is_plain(item, depth - 1) for item in inner)
