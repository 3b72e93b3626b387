"""Jobs: estimates, spending, and calls that go on without their caller."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import anyio
from pydantic import Field

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.redaction import key_ending
from webvoice_mcp.errors import DiskError, InvalidArgument
from webvoice_mcp.jobs.history import History, HistoryRow, iso_time
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.jobs import Jobs
from webvoice_mcp.jobs.local_time import day_start
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.jobs.spending import unknown_cost
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.tools.progress import Progress, follow
from webvoice_mcp.tools.results import MAX_LIST_BYTES, File, Result, describe_file, json_size
from webvoice_mcp.tools.toolset import READS_LOCALLY, ToolSet

tools = ToolSet("account")

_RECENT_JOBS = 20
_LISTED_DAYS = 14
_MAX_DAYS = 3650
_POLL_SECONDS = 0.25  # between looks at a job of another server
_MAX_WAIT = 45  # seconds; many clients give up at 60
_SUMMARY = ("id", "tool", "state", "started_at")
_LISTED_JOBS = 8  # half of the space is for their results
_SHORTENED = "These are the newest. Call webvoice_jobs with a job_id for a result or error that is left out here."
_INCOMPLETE = "Not all jobs are listed here; the sums count all of them."
_UNKNOWN_COST = "Credits may have been spent: see webvoice_usage."
_MESSAGES = {
    "interrupted": (
        f"Its process ended before it did. {_UNKNOWN_COST} Parts of long work are kept: the same call goes on with what"
        " is missing."
    ),
    "cancelled": f"The caller cancelled it while it was running. {_UNKNOWN_COST}",
    "internal_error": f"It crashed because of a bug in webvoice-mcp. {_UNKNOWN_COST}",
}


class CreditEstimate(Result):
    """The expected cost of a call."""

    credits: float | None = Field(None, description="Left out where it cannot be known.")
    basis: str = Field(description="How it was worked out.")


class Usage(Result):
    """Credits spent from this computer."""

    total_credits: float
    unknown: dict[str, Any] = Field(description="jobs of unknown cost, not in the sums; at_most: their estimates.")
    by_tool: dict[str, float]
    recent: list[dict[str, Any]]
    by_day: dict[str, float] = Field(default_factory=dict, description="The last 14 days that had jobs.")
    note: str | None = None


class JobList(Result):
    """Jobs, the newest first."""

    jobs: list[dict[str, Any]] = Field(description="id, tool, state, started_at, result or error.")
    note: str | None = None

    def linked_files(self) -> list[File]:
        """Return the files of a job that was asked for by its id."""
        if len(self.jobs) != 1:
            return []
        result = self.jobs[0].get("result") or {}
        return [File.model_validate(file) for file in result.get("files") or () if "size_bytes" in file]


@tools.free(title="Estimate credits", effect=READS_LOCALLY)
async def webvoice_estimate_credits(
    tool: Annotated[str, Field(description="Its name.")],
    arguments: Annotated[dict[str, Any], Field(description="All its arguments, as in the call.")],
    *,
    services: Services,
) -> CreditEstimate:
    """Estimate what a call of another tool would cost, and say how; nothing is made or sent.

    Free. For what was spent so far see webvoice_usage.
    """
    from webvoice_mcp.tools.catalogue import estimate_call  # noqa: PLC0415 - the catalogue imports this module

    estimate = await estimate_call(tool, arguments, services)
    return CreditEstimate(credits=estimate.credits, basis=estimate.basis)


@tools.free(title="Usage", effect=READS_LOCALLY)
async def webvoice_usage(
    days: Annotated[int, Field(ge=1, le=_MAX_DAYS, description="Days to sum up, today included.")] = 30,
    *,
    history: History,
    keys: Keys,
) -> Usage:
    """Sum up what this key's calls from this computer cost, by tool and day, and list the last ones with their files.

    Free. For jobs that are running, and for their results, use webvoice_jobs; for the balance webvoice_status.
    """
    key = await key_at_work(keys)
    since = day_start(time.time(), days_before=days - 1)
    by_tool: dict[str, float] = {}
    by_day: dict[str, float] = {}
    spent = await history.spent(since, key=key)
    for sum_ in spent:
        by_tool[sum_.tool] = round(by_tool.get(sum_.tool, 0) + sum_.credits, 2)
        by_day[sum_.day] = round(by_day.get(sum_.day, 0) + sum_.credits, 2)
    unknown, at_most = unknown_cost(spent)
    usage = Usage(
        total_credits=round(sum(sum_.credits for sum_ in spent), 2),
        unknown={"jobs": unknown} if at_most is None else {"jobs": unknown, "at_most": at_most},
        by_tool=by_tool,
        recent=[],
        by_day=dict(list(by_day.items())[:_LISTED_DAYS]),  # the newest come first
    )
    left = MAX_LIST_BYTES - json_size(usage.fields())
    rows = await history.recent(since=since, limit=_RECENT_JOBS, key=key)
    for row in rows:
        entry = {"time": row.started, "tool": row.tool, "state": row.state, "files": row.files, "credits": row.credits}
        if json_size(entry) <= left:
            left -= json_size(entry)
            usage.recent.append(entry)
    return usage if len(usage.recent) == len(rows) else usage.model_copy(update={"note": _INCOMPLETE})


@tools.free(title="Jobs", effect=READS_LOCALLY)
async def webvoice_jobs(
    job_id: Annotated[str, Field(description="Only this job. Unset: the last ones.")] = "",
    wait_seconds: Annotated[float, Field(ge=0, le=_MAX_WAIT, description="Wait so long for job_id to end.")] = 0,
    *,
    jobs: Jobs,
    history: History,
    keys: Keys,
    progress: Progress,
) -> JobList:
    """List this key's last calls that cost something, running or ended, or wait for one of them and fetch its result.

    Free. Call it with the job_id that another tool answered with. For sums of credits use webvoice_usage.
    """
    if not job_id:
        return await _latest_jobs(jobs, history, await key_at_work(keys))
    deadline = time.monotonic() + wait_seconds
    if (own := jobs.find(job_id)) is not None:
        await follow(own, progress, until=lambda: own.is_finished, deadline=deadline)
    job = await find_job(job_id, jobs, history)
    while isinstance(job, HistoryRow) and job.state == "running" and (left := deadline - time.monotonic()) > 0:
        await anyio.sleep(min(_POLL_SECONDS, left))  # another process runs it
        job = await find_job(job_id, jobs, history)
    if job is None:
        raise InvalidArgument(f"job_id {job_id[:80]!r} is not known. Leave it out to list the jobs that are.")
    if isinstance(job, HistoryRow):
        return JobList(jobs=await _describe_rows([job]))
    listed = JobList(jobs=[_describe(job)])
    if job.is_finished:
        listed.show(job.take_pictures())
    return listed


async def find_job(job_id: str, jobs: Jobs, history: History, *, key: str | None = None) -> Job | HistoryRow | None:
    """Return a job of this run, or the row of one that only the history knows, or knows better; None for no job.

    Args:
        key: the key whose jobs of other runs are meant, as `History` takes it.

    Raises:
        DiskError: the history cannot be read.
    """
    job = jobs.find(job_id)
    if job is None:
        return await history.find(job_id, key=key)
    if job.is_lost:  # its worker may have written the end before it died
        with suppress(DiskError):
            return await history.find(job_id) or job
    return job


async def key_at_work(keys: Keys) -> str:
    """Return the last characters of the key at work, by which the history knows its jobs."""
    key = await keys.find()
    return key_ending(key.value) if key else ""


async def _latest_jobs(jobs: Jobs, history: History, key: str) -> JobList:
    error = ""
    rows: list[HistoryRow] = []
    try:
        rows = await history.recent(limit=_RECENT_JOBS, key=key)
    except DiskError as disk_error:
        error = str(disk_error)
    recorded = {row.id for row in rows}
    own = [job for job in jobs.all() if job.key in {"", key} and not (job.is_lost and job.id in recorded)]
    known = {job.id: _describe(job) for job in own}  # read after the rows, because these jobs know more
    if error and not known:
        raise DiskError(error)
    others = await _describe_rows([row for row in rows if row.id not in known])
    described = sorted([*known.values(), *others], key=lambda job: str(job["started_at"]), reverse=True)
    listed = list(_as_many_as_fit(described))
    return JobList(jobs=listed, note=error or (None if listed == described else _SHORTENED))


def _as_many_as_fit(jobs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield running jobs and the newest ones: with their results, from the newest on, as far as there is space."""
    listed = [job for index, job in enumerate(jobs) if index < _LISTED_JOBS or job["state"] == "running"]
    summaries = [{name: job[name] for name in _SUMMARY} for job in listed]
    left = MAX_LIST_BYTES - json_size(_SHORTENED) - sum(map(json_size, summaries))
    for job, summary in zip(listed, summaries, strict=True):
        more = json_size(job) - json_size(summary)
        if more <= left:
            left -= more
            yield job
        else:
            yield summary


def _describe(job: Job) -> dict[str, Any]:
    state = job.state if job.is_finished else "running"
    described: dict[str, Any] = _summary(job.id, job.tool, state, job.started_at)
    if job.parts > 1:
        described |= {"parts": job.parts, "parts_done": job.parts_done}
    if isinstance(job.result, Result):
        described["result"] = job.result.fields()
    elif job.is_finished:
        described["error"] = error_of(job)
    return described


def error_of(job: Job | HistoryRow) -> dict[str, Any]:
    """Return the code and the message of a job that ended without a result."""
    if isinstance(job, Job):
        return {"code": job.error_code, "message": _MESSAGES.get(job.error_code) or str(job.error)}
    other = f"{job.tool} failed with {job.error} in another run of the server."
    return {"code": job.error, "message": _MESSAGES.get(job.error, other)}


async def _describe_rows(rows: list[HistoryRow]) -> list[dict[str, Any]]:
    # It looks at files, and a disk may hang.
    return await WorkerThreads(1).run(lambda: [_describe_row(row) for row in rows])


def _describe_row(row: HistoryRow) -> dict[str, Any]:
    described: dict[str, Any] = _summary(row.id, row.tool, row.state, row.started_at)
    if row.parts > 1:
        described |= {"parts": row.parts, "parts_done": row.parts_done}
    if row.state == "done":
        described["result"] = {"files": [describe_file(Path(path)) for path in row.files if Path(path).is_absolute()]}
        if row.credits is not None:
            described["result"]["credits_used"] = row.credits
    elif row.state != "running":
        described["error"] = error_of(row)
    return described


def _summary(job_id: str, tool: str, state: str, started_at: float) -> dict[str, Any]:
    return {"id": job_id, "tool": tool, "state": state, "started_at": iso_time(started_at)}
