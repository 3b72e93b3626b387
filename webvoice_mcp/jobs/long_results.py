"""Results that are too large for MCP hosts: what is long in them is saved in files, because it was paid for."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel

from webvoice_mcp.errors import FileError, InvalidResponse
from webvoice_mcp.files import Files, Output, SavedFile
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.storage.threads import WorkerThreads

MAX_RESULT_BYTES = 900_000
"""The most bytes of a result on the wire, in the text block and the structured content together. Hosts refuse more than
a megabyte, and links to files come on top."""

_SURELY_SMALL_CHARACTERS = MAX_RESULT_BYTES // 8  # of JSON; on the wire a character of it takes at most eight bytes
_PREVIEW_CHARACTERS = 500
_KEPT_CHARACTERS = 50_000  # of a text that could not be saved
_NEVER_SAVED = frozenset({"files", "note"})

T = TypeVar("T", bound=BaseModel)


def wire_bytes(fields: Any) -> int:
    """Return the bytes that a result takes on the wire: as structured content, and as a text block with its JSON."""
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode()) + len(json.dumps(text, ensure_ascii=False).encode())


async def shorten(result: T, files: Files, job: Job, *, saved_text: str = "") -> T:
    """Return the result, or if it is too large a copy in which `preview` and `characters` replace its long text.

    The text is saved in the output folder, and so is any other field that is too long. What cannot be saved is cut.

    Args:
        saved_text: a text of the result that one of its files already holds.
    """
    if len(result.model_dump_json(exclude_none=True)) <= _SURELY_SMALL_CHARACTERS:
        return result
    fields = result.model_dump(mode="json", exclude_none=True)
    long = await WorkerThreads(1).run(_too_long, fields)  # it takes long, too
    if not long:
        return result
    notes = [fields["note"]] if fields.get("note") else []
    for name, value in long.items():
        del fields[name]
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
        try:
            if text != saved_text:
                file = await _save(text, files, job)
                fields["files"] = [*(fields.get("files") or []), file.facts()]
                notes.append(f"{name} is too long to show and was saved as {file.path}.")
        except (FileError, InvalidResponse) as error:
            notes.append(f"{name} is too long to show and could not be saved: {error}")
            if isinstance(value, str) and name == next(iter(long)):
                fields[name] = text[:_KEPT_CHARACTERS]
        fields.setdefault("preview", text[:_PREVIEW_CHARACTERS])
        fields.setdefault("characters", len(text))
    return type(result).model_validate({**fields, "note": " ".join(notes)} if notes else fields)


def _too_long(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields to take out so that the others fit: the longest ones, in their order in the result."""
    kept = dict(fields)
    names = sorted(fields.keys() - _NEVER_SAVED, key=lambda name: wire_bytes(fields[name]))
    while names and wire_bytes(kept) > MAX_RESULT_BYTES:
        del kept[names.pop()]
    return {name: value for name, value in fields.items() if name not in kept}


async def _save(text: str, files: Files, job: Job) -> SavedFile:
    output = Output("", job.tool.removeprefix("webvoice_"), text[:_PREVIEW_CHARACTERS], (".txt",), "text")
    async with files.create(await files.resolve(output)) as pending:
        pending.write(text.encode())
        saved = await pending.publish(".txt")
    job.files = (*job.files, saved)
    return saved
