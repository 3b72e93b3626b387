"""Results that are too large for MCP hosts: what is long in them is saved in files, because it was paid for."""

import json
from bisect import bisect_right
from typing import Any, TypeVar

from pydantic import BaseModel

from webvoice_mcp.errors import FileError, InvalidResponse
from webvoice_mcp.files import Files, Output, SavedFile
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.storage.threads import WorkerThreads

MAX_RESULT_BYTES = 900_000
"""The most bytes of a paid call's result on the wire, in the text block and the structured content together. Hosts
refuse more than a megabyte; links to files come on top, and what `webvoice_jobs` says about the job."""

SURELY_SMALL_CHARACTERS = MAX_RESULT_BYTES // 8
"""Characters of compact JSON that surely fit: on the wire a character takes at most eight bytes."""

SHOWN_CHARACTERS = 8000
"""Characters of a text that was saved which a result still repeats; of a longer one it has a preview."""

_PREVIEW_CHARACTERS = 500
_NEVER_SAVED = frozenset({"files", "note"})

T = TypeVar("T", bound=BaseModel)


def wire_bytes(fields: Any) -> int:
    """Return the bytes that a result takes on the wire: as structured content, and as a text block with its JSON."""
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode()) + len(json.dumps(text, ensure_ascii=False).encode())


def preview(text: str) -> dict[str, Any]:
    """Return the fields that stand in a result for a long text that was saved."""
    return {"preview": text[:_PREVIEW_CHARACTERS], "characters": len(text)}


async def shorten(result: T, files: Files, job: Job) -> T:
    """Return the result, or if it is too large a copy in which `preview` and `characters` replace its long text.

    The text is saved in the output folder, and so is any other field that is too long. Of a text that cannot be saved,
    as much as fits stays in the result.
    """
    if len(result.model_dump_json(exclude_none=True)) <= SURELY_SMALL_CHARACTERS:
        return result
    fields = result.model_dump(mode="json", exclude_none=True)
    threads = WorkerThreads(1)  # all of this can take a second
    long = await threads.run(_too_long, fields)
    if not long:
        return result
    notes = [fields["note"]] if fields.get("note") else []
    unsaved: dict[str, str] = {}
    for name, value in long.items():
        del fields[name]
        text = await threads.run(_as_text, value)
        try:
            file = await _save(text, files, job)
            fields["files"] = [*(fields.get("files") or []), file.facts()]
            notes.append(f"{name} is too long to show and was saved as {file.path}.")
        except (FileError, InvalidResponse) as error:
            notes.append(f"{name} is too long to show and could not be saved: {error}")
            if text is value:
                unsaved[name] = text
        fields = preview(text) | fields  # of several texts the first one is previewed
    fields["note"] = " ".join(notes)
    for name, text in unsaved.items():
        if beginning := await threads.run(_fitting, text, name, fields):
            fields[name] = beginning
    return type(result).model_validate(fields)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _fitting(text: str, name: str, fields: dict[str, Any]) -> str:
    """Return as much of a text as fits in a result beside these fields."""

    def size(length: int) -> int:
        return wire_bytes({**fields, name: text[:length]})

    lengths = range(1, min(len(text), MAX_RESULT_BYTES) + 1)
    return text[: bisect_right(lengths, MAX_RESULT_BYTES, key=size)]


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
