"""What tools hand back, before it becomes the SDK's result."""

import json
import re
from pathlib import Path
from typing import Any, ClassVar, Self

from mcp.types import ImageContent
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from webvoice_mcp.contract.endpoint import Reply
from webvoice_mcp.files import SavedFile, kind_for_suffix

ROOM = 1400  # bytes of JSON that a list from the history may fill: a model reads all of it
_SMALL = 500  # characters of JSON that a field the service added later may have
_SMALL_TOGETHER = 1000
_OURS = frozenset({"success", "files", "job_id", "state"})  # said by us, never by the service
_DEEP = 20  # lists and objects in one another
_MEDIUM = re.compile(r"\s*data:[^\s,]*,.*|[A-Za-z0-9+/_=\r\n-]{201,}", re.DOTALL | re.IGNORECASE)


class Result(BaseModel):
    """A tool's structured result. More properties than the declared ones are allowed."""

    model_config = ConfigDict(extra="allow")
    room: ClassVar[tuple[int, int]] = (_SMALL, _SMALL_TOGETHER)  # for what the service added

    _shown: tuple[ImageContent, ...] = PrivateAttr(())

    def fields(self) -> dict[str, Any]:
        """The structured content: what there is nothing to say of is left out, but for what is always there."""
        said = self.model_dump(mode="json", exclude_none=True)
        return {name: None for name, each in type(self).model_fields.items() if each.is_required()} | said

    def linked(self) -> list["File"]:
        """Files to link to."""
        return getattr(self, "files", None) or []

    @property
    def shown(self) -> tuple[ImageContent, ...]:
        """Pictures for the model's own eyes, beside the structured content."""
        return self._shown

    def showing(self, pictures: tuple[ImageContent, ...]) -> Self:
        """The same result with pictures for the model."""
        result = self.model_copy()
        result._shown = pictures  # noqa: SLF001 - of this class
        return result

    @classmethod
    def of(cls, reply: Reply, *beside: Reply, **own: Any) -> Self:
        """A result from the service's reply and our own values; ours win.

        What the service added since its replies were documented, to this one or to those beside it, is passed on where
        it is small, and never in the place of something that a result of ours says itself.
        """
        fields: dict[str, Any] = {}
        for each in (*beside, reply):
            fields |= {name: value for name, value in _added(each, cls.room).items() if name not in cls.model_fields}
        fields |= reply.model_dump(mode="json", exclude_none=True, include=set(type(reply).model_fields))
        return cls.model_validate(fields | own)


class File(BaseModel):
    """A file on the user's disk."""

    path: str = Field(description="Absolute path.")
    uri: str
    mime_type: str
    size_bytes: int

    @classmethod
    def all(cls, saved: tuple[SavedFile, ...]) -> list[Self]:
        """The same facts as the files of a delivery."""
        return [
            cls(path=each.path, uri=each.uri, mime_type=each.mime_type, size_bytes=each.size_bytes) for each in saved
        ]


def file_facts(path: Path) -> dict[str, Any]:
    """What can be said of a file that was made earlier; one that is gone has a note in place of its size. Blocks."""
    kind = kind_for_suffix(path.suffix)
    facts: dict[str, Any] = {"path": str(path), "uri": path.as_uri()}
    facts["mime_type"] = kind.mime_type if kind else "application/octet-stream"
    try:
        facts["size_bytes"] = path.stat().st_size
    except (OSError, ValueError):  # the latter: no path at all
        facts["note"] = "no longer there"
    return facts


class Wallet(Result):
    """What a call cost; or, where it goes on without its caller, which job it is."""

    credits_used: float | None = None
    credits_remaining: float | None = None
    job_id: str | None = Field(None, description="Still running: for webvoice_jobs.")
    state: str | None = None


class JobStarted(Result):
    """The answer of a call that goes on as a job."""

    job_id: str
    state: str
    files: list[File]


def size(value: Any) -> int:
    """Bytes of it as the JSON that the model reads, with the comma behind it."""
    return len(compact(value).encode()) + 1


def compact(value: Any) -> str:
    """It as JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _added(reply: Reply, room: tuple[int, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    most, left = room
    for name, value in (reply.model_extra or {}).items():
        if name in _OURS or value is None or not _is_plain(value, _DEEP):
            continue
        length = len(json.dumps({name: value}))
        if length <= min(most, left):
            found[name] = value
            left -= length
    return found


def _is_plain(value: Any, depth: int) -> bool:
    """Whether this is not too deep, and no string in it is a medium."""
    if isinstance(value, str):
        return not _MEDIUM.fullmatch(value)
    if not isinstance(value, dict | list):
        return True
    inner = [*value, *value.values()] if isinstance(value, dict) else value
    return depth > 0 and all(_is_plain(each, depth - 1) for each in inner)
