"""What tools hand back, before it becomes the SDK's result."""

from typing import Any, Self

from mcp.types import ImageContent
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from webvoice_mcp.contract.endpoint import Reply
from webvoice_mcp.files import SavedFile

_SMALL = 2000  # characters of JSON that a field the service added later may have


class Result(BaseModel):
    """A tool's structured result. More properties than the declared ones are allowed."""

    model_config = ConfigDict(extra="allow")

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
        self._shown = pictures
        return self

    @classmethod
    def of(cls, *replies: Reply, **own: Any) -> Self:
        """A result from the service's reply and our own values; ours win.

        What the service added to its replies since they were documented is passed on where it is small.
        """
        fields: dict[str, Any] = {}
        for reply in replies:
            declared = reply.model_dump(mode="json", exclude_none=True)
            extra = set(reply.model_extra or {}) - {"success"}
            known = set(type(reply).model_fields) | set(cls.model_fields)
            fields |= {
                name: value for name, value in declared.items() if name in known or (name in extra and _is_small(value))
            }
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


def _is_small(value: Any) -> bool:
    return len(repr(value)) <= _SMALL
