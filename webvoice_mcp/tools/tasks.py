"""Jobs as tasks: the tasks extension of MCP, for clients that declare it.

To such a client a call that goes on without its caller answers with a task in place of a `job_id`. The task's id is the
job's, so `webvoice_jobs` knows it, too, and a later server finds it in the history.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, CallToolRequestParams, CallToolResult, EmptyResult, RequestParams
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from webvoice_mcp.errors import DiskError, WebVoiceError
from webvoice_mcp.jobs.history import HistoryRow, iso_time
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.tools.jobs import error_of, find_job, key_at_work
from webvoice_mcp.tools.progress import status
from webvoice_mcp.tools.results import (
    File,
    Result,
    describe_file,
    failed_result,
    failure,
    successful_result,
    without_key,
)

TASKS = "io.modelcontextprotocol/tasks"

_POLL_MILLISECONDS = 2000
_VERSIONS = frozenset(MODERN_PROTOCOL_VERSIONS)

RequestContext = ServerRequestContext[Services, Any]


class TaskParams(RequestParams, defer_build=True):  # few clients know tasks
    """Parameters of the requests about one task."""

    task_id: str


class TaskUpdateParams(TaskParams, defer_build=True):
    """Parameters of `tasks/update`."""

    input_responses: dict[str, Any]


class KeptResult(Result, defer_build=True):
    """The result of a job of another run, as far as the history keeps it."""

    files: list[File]
    credits_used: float | None = None
    note: str | None = None


class Tasks(Extension):
    """Answers calls that go on without their caller with tasks, and requests about these."""

    identifier = TASKS

    def methods(self) -> Sequence[MethodBinding]:
        """Return the requests about tasks. Revisions before 2026-07-28 do not have them."""
        return [
            MethodBinding("tasks/get", TaskParams, _get, _VERSIONS),
            MethodBinding("tasks/update", TaskUpdateParams, _update, _VERSIONS),
            MethodBinding("tasks/cancel", TaskParams, _cancel, _VERSIONS),
        ]

    async def intercept_tool_call(
        self,
        params: CallToolRequestParams,  # noqa: ARG002 - the method is the SDK's
        ctx: RequestContext,
        call_next: CallNext,
    ) -> HandlerResult:
        """Turn the answer that names a job into a task, for a client that knows tasks."""
        result = await call_next(ctx)
        if isinstance(result, CallToolResult) and _knows_tasks(ctx):
            job = ctx.lifespan_context.jobs.find((result.structured_content or {}).get("job_id", ""))
            if job is not None:
                task = _task(job.id, job.started_at, job.updated_at)
                return {"resultType": "task", **task, **_working(status(job)[2])}
        return result


def _knows_tasks(ctx: RequestContext) -> bool:
    capabilities = ctx.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return ctx.protocol_version in _VERSIONS and TASKS in (declared or {})


async def _get(ctx: RequestContext, params: TaskParams) -> HandlerResult:
    """Answer with the state of a task and, once it has ended, with what its call would have answered."""
    job = await _find(ctx, params)
    if isinstance(job, Job):
        ended = await _outcome(job, ctx.lifespan_context) if job.is_finished else _working(status(job)[2])
        return _task(job.id, job.started_at, job.updated_at) | ended
    if job.state == "running":
        ended = _working(f"{job.tool}: another server runs it")
    else:
        ended = await _outcome_of_row(job, ctx.lifespan_context)
    return _task(job.id, job.started_at, job.ended_at or job.started_at) | ended


async def _update(ctx: RequestContext, params: TaskUpdateParams) -> HandlerResult:
    """Take note of answers to questions. No task asks any: the user is asked before the task begins."""
    await _find(ctx, params)
    return EmptyResult()


async def _cancel(ctx: RequestContext, params: TaskParams) -> HandlerResult:
    """Cancel a task, unless it makes something that is paid for by now: that is saved all the same."""
    job = await _find(ctx, params)
    if isinstance(job, Job) and not (job.is_finished or (job.state == "running" and job.outlives_caller)):
        job.cancel()
    return EmptyResult()


async def _find(ctx: RequestContext, params: TaskParams) -> Job | HistoryRow:
    """Return the job that is a task: of this run, or of another run with the key at work.

    Raises:
        MCPError: the client does not know tasks, there is no such task, or the history cannot be read.
    """
    require_client_extension(ctx, TASKS)
    services = ctx.lifespan_context
    try:
        key = await key_at_work(services.keys)
        found = await find_job(params.task_id, services.jobs, services.history, key=key)
    except DiskError as error:
        raise MCPError(INTERNAL_ERROR, f"{error.code}: {error}") from error
    if found is None:
        raise MCPError(
            INVALID_PARAMS,
            f"There is no task {params.task_id[:80]!r} of the API key at work. webvoice_jobs lists this key's jobs.",
        )
    return found


def _task(task_id: str, started_at: float, updated_at: float) -> dict[str, Any]:
    return {
        "taskId": task_id,
        "createdAt": iso_time(started_at),
        "lastUpdatedAt": iso_time(updated_at),
        "ttlMs": None,  # the history forgets nothing
        "pollIntervalMs": _POLL_MILLISECONDS,
    }


def _working(message: str) -> dict[str, Any]:
    return {"status": "working", "statusMessage": message}


async def _outcome(job: Job, services: Services) -> dict[str, Any]:
    """Return the end of a job of this run."""
    if isinstance(job.result, Result):
        if pictures := job.take_pictures():
            job.result.show(pictures)
        return _completed(await successful_result(job.result, services))
    if isinstance(job.error, WebVoiceError):
        return _completed(await without_key(failed_result(job.error), services.keys))
    return _ended(error_of(job))


async def _outcome_of_row(row: HistoryRow, services: Services) -> dict[str, Any]:
    """Return the end of a job of another run, of which the files and the credits are known."""
    if row.state == "done":
        kept = await WorkerThreads(1).run(_kept, row)  # it looks at files, and a disk may hang
        return _completed(await successful_result(kept, services))
    return _ended(error_of(row))


def _kept(row: HistoryRow) -> KeptResult:
    described = [describe_file(Path(path)) for path in row.files if Path(path).is_absolute()]
    there = [file for file in described if "size_bytes" in file]
    gone = ", ".join(file["path"] for file in described if "size_bytes" not in file)
    note = f"No longer there: {gone}." if gone else None if there else "Its text was not kept when its server ended."
    return KeptResult(files=[File.model_validate(file) for file in there], credits_used=row.credits, note=note)


def _ended(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return the end of a job that was cancelled, that crashed, or whose failure is known by its code alone."""
    message = error["message"]
    if error["code"] == "cancelled":
        return {"status": "cancelled", "statusMessage": message}
    if error["code"] == "internal_error":
        return {"status": "failed", "statusMessage": message, "error": {"code": INTERNAL_ERROR, "message": message}}
    return _completed(failure(message, {"code": error["code"]}))


def _completed(result: CallToolResult) -> dict[str, Any]:
    return {"status": "completed", "result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}
