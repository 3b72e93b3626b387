"""The messages between a server and its worker: one JSON object a line, with its `type`."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from webvoice_mcp.client.auth import ApiKey
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import NetworkError, WebVoiceError
from webvoice_mcp.files import FileFacts, HandedInput, SavedFile
from webvoice_mcp.files.disk import FileId
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.worker_process import AgreedCall

Frame = dict[str, Any]

# From the worker: ready, accepted, progress, finished. From the server: job, reader, cancel.
READY, ACCEPTED, PROGRESS, FINISHED = "ready", "accepted", "progress", "finished"
JOB, READER, CANCEL = "job", "reader", "cancel"

_NOT_READ = "The worker process could not read this call, so nothing was sent. Call it again."
_CRASHED = "The job crashed because of a bug in webvoice-mcp. Credits may have been spent: see webvoice_usage."


class NotAFrame(Exception):
    """A line is not what the other process would say."""


class CrashedInWorker(Exception):
    """A job failed in the worker because of a bug, which the worker's log describes."""


def encode(kind: str, **fields: Any) -> bytes:
    """Return a frame as a line."""
    return json.dumps({"type": kind, **fields}, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes, *kinds: str) -> Frame:
    """Return the frame of a line.

    Raises:
        NotAFrame: it is no JSON object of one of these kinds.
    """
    try:
        frame = json.loads(line)
    except (ValueError, RecursionError):
        raise NotAFrame from None
    if not isinstance(frame, dict) or frame.get("type") not in kinds:
        raise NotAFrame
    return frame


def job_frame(call: AgreedCall) -> tuple[bytes, list[int]]:
    """Return the line that hands a call over, and the descriptors that go with it."""
    descriptors = [file.descriptor for file in call.inputs if file.descriptor is not None]
    inputs = [asdict(file.without_descriptor()) | {"descriptor": file.descriptor is not None} for file in call.inputs]
    fields = {
        "id": call.job_id,
        "tool": call.tool,
        "arguments": dict(call.arguments),
        "estimate": asdict(call.estimate),
        "started_at": call.started_at,
        "api_key": call.api_key.value,
        "key_source": call.api_key.source,
        "digest": call.digest,
        "inputs": inputs,
        "descriptors": len(descriptors),
    }
    return encode(JOB, **fields), descriptors


def read_job(frame: Frame, descriptors: Sequence[int]) -> AgreedCall:
    """Return the call that a frame hands over.

    Raises:
        NotAFrame: something is missing in it; the descriptors are closed.
    """
    received = iter(descriptors)
    try:
        return AgreedCall(
            str(frame["id"]),
            str(frame["tool"]),
            dict(frame["arguments"]),
            Estimate(**frame["estimate"]),
            float(frame["started_at"]),
            ApiKey(str(frame["api_key"]), frame["key_source"]),
            str(frame["digest"]),
            [_read_input(file, received) for file in frame["inputs"]],
        )
    except (KeyError, TypeError, ValueError, StopIteration):
        for descriptor in descriptors:
            os.close(descriptor)
        raise NotAFrame from None


def progress_fields(job: Job) -> Frame:
    """Return how far a job has come."""
    return {
        "id": job.id,
        "was_sent": job.was_sent,
        "received": job.received,
        "expected": job.expected,
        "parts": job.parts,
        "parts_done": job.parts_done,
    }


def apply_progress(job: Job, frame: Mapping[str, Any]) -> None:
    """Note in the server's copy of a job how far it has come."""
    if frame["was_sent"] and not job.was_sent:
        job.start()
    job.received, job.expected = frame["received"], frame["expected"]
    job.parts, job.parts_done = frame["parts"], frame["parts_done"]
    job.notify()


def finished_fields(job: Job) -> Frame:
    """Return the outcome of a finished job."""
    outcome: Frame = {"files": [_file_fields(file) for file in job.files], "cost": [job.cost, job.at_most]}
    if job.result is not None:
        outcome["result"] = job.result.model_dump(mode="json")
    else:
        outcome["error"] = _error_fields(job)
    return progress_fields(job) | outcome


def refused_fields(job_id: str) -> Frame:
    """Return the outcome of a job that could not be read, because its descriptors did not arrive."""
    error: Frame = {"code": NetworkError.code, "message": _NOT_READ, "status": None, "retry_after": None}
    error |= {"billed": False, "credits_used": None}
    progress = {"was_sent": False, "received": 0, "expected": None, "parts": 0, "parts_done": 0}
    return {"id": job_id, **progress, "files": [], "cost": [0.0, 0.0], "error": error}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a job in the worker.

    Attributes:
        result: fields of the tool's result; None if it failed.
        error: the error that it failed with; None if it was cut off.
        code: public code of the failure, "" for none.
        files: the files that were saved.
        cost: its cost, and the most that it may have cost.
    """

    result: Mapping[str, Any] | None
    error: Exception | None
    code: str
    files: tuple[SavedFile, ...]
    cost: tuple[float | None, float | None]


def read_outcome(frame: Mapping[str, Any]) -> Outcome:
    """Return the outcome that a frame tells.

    Raises:
        NotAFrame: something is missing in it.
    """
    try:
        cost, at_most = frame["cost"]
        files = tuple(_read_file(file) for file in frame["files"])
        error = frame.get("error")
        if error is None:
            return Outcome(dict(frame["result"]), None, "", files, (cost, at_most))
        return Outcome(None, _read_error(error), str(error["code"]), files, (cost, at_most))
    except (KeyError, TypeError, ValueError):
        raise NotAFrame from None


def _error_fields(job: Job) -> Frame:
    error = job.error
    fields: Frame = {"code": job.error_code, "message": None}
    if isinstance(error, WebVoiceError):
        fields |= {"message": str(error), "status": error.status, "retry_after": error.retry_after}
        fields |= {"billed": error.billed, "credits_used": error.credits_used}
    elif error is not None:
        fields["message"] = _CRASHED
    return fields


def _read_error(fields: Mapping[str, Any]) -> Exception | None:
    """Return the error as it was raised in the worker; None if the job was cut off."""
    if fields["message"] is None:
        return None
    kind = {cls.code: cls for cls in _coded(WebVoiceError)}.get(fields["code"])
    if kind is None:
        return CrashedInWorker(fields["message"])
    error = kind(fields["message"], status=fields["status"], retry_after=fields["retry_after"])
    error.billed, error.credits_used = fields["billed"], fields["credits_used"]
    return error


def _coded(base: type[WebVoiceError]) -> Iterator[type[WebVoiceError]]:
    """Yield the classes with a public code; of two with the same code, the more general one is the last."""
    for cls in base.__subclasses__():
        yield from _coded(cls)
        if "code" in vars(cls):
            yield cls


def _file_fields(file: SavedFile) -> Frame:
    return asdict(file) | {"id": list(file.id) if file.id else None}


def _read_file(fields: Mapping[str, Any]) -> SavedFile:
    return SavedFile(**{**fields, "id": FileId(*fields["id"]) if fields["id"] else None})


def _read_input(fields: Mapping[str, Any], descriptors: Iterator[int]) -> HandedInput:
    descriptor = next(descriptors) if fields["descriptor"] else None
    facts, sent = FileFacts(**fields["facts"]), FileFacts(**fields["sent"])
    return HandedInput(fields["argument"], fields["given"], fields["path"], facts, sent, descriptor)
