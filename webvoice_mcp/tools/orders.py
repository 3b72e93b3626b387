"""Orders: what a call would cost, what was spent, and the jobs that go on without their caller."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import anyio
import anyio.to_thread
from pydantic import Field

from webvoice_mcp.errors import DiskError, InvalidArgument, WebVoiceError
from webvoice_mcp.orders.history import History, Row, iso
from webvoice_mcp.orders.jobs import Jobs, Order
from webvoice_mcp.tools._inject import TheHistory, TheJobs, TheListener, TheQuotes
from webvoice_mcp.tools._results import ROOM, File, Result, file_facts, size
from webvoice_mcp.tools._toolset import READS_HERE, ToolSet
from webvoice_mcp.tools._waiting import attend

tools = ToolSet("account")

_DAY = 86_400.0
_RECENT = 20
_DAYS_TOLD = 14
_MOST_DAYS = 3650
_LOOK = 0.25  # seconds between looks at a job of another server
_LONGEST_WAIT = 45  # seconds; many clients give up at 60
_BRIEF = ("id", "tool", "state", "started_at")
_LISTED = 8  # jobs; half of the room is for their results
_SHORTENED = "These are the newest. webvoice_jobs with a job_id tells a result or error that is left out here."
_CUT = "Not all orders are listed here; the sums count all of them."
_SENTENCES = {
    "interrupted": "The server ended before this order did. Credits may have been spent: see webvoice_status.",
    "cancelled": "The caller gave it up while it ran. Credits may have been spent: see webvoice_status.",
    "internal_error": "It crashed: a mistake in webvoice-mcp. Credits may have been spent: see webvoice_status.",
}


class Quote(Result):
    """What a call would cost."""

    credits: float | None = Field(description="null where it cannot be known.")
    basis: str = Field(description="How it was worked out.")


class Usage(Result):
    """What was spent from this computer."""

    total_credits: float
    by_tool: dict[str, float]
    recent: list[dict[str, Any]]
    by_day: dict[str, float] = Field(default_factory=dict, description="The last 14 days that had orders.")
    note: str | None = None


class JobList(Result):
    """Jobs, the newest first."""

    jobs: list[dict[str, Any]] = Field(description="id, tool, state, started_at, result or error.")
    note: str | None = None

    def linked(self) -> list[File]:
        """The files of the only job, when it was asked for."""
        if len(self.jobs) != 1:
            return []
        result = self.jobs[0].get("result") or {}
        return [File.model_validate(each) for each in result.get("files") or () if "size_bytes" in each]


@tools.add(title="Estimate credits", effect=READS_HERE)
async def webvoice_estimate_credits(
    tool: Annotated[str, Field(description="Name of the tool that would be called.")],
    arguments: Annotated[dict[str, Any], Field(description="The arguments it would be called with.")],
    *,
    quotes: TheQuotes,
) -> Quote:
    """Estimate what a call of another tool would cost, and say how; nothing is made or sent.

    Free. For what was spent so far see webvoice_usage.
    """
    estimate = await quotes.of_call(tool, arguments)
    return Quote(credits=estimate.credits, basis=estimate.basis)


@tools.add(title="Usage", effect=READS_HERE)
async def webvoice_usage(
    days: Annotated[int, Field(ge=1, le=_MOST_DAYS, description="How far to look back.")] = 30,
    *,
    history: TheHistory,
) -> Usage:
    """Sum up what calls from this computer cost, by tool and day, and list the last ones with their files.

    Free. For jobs that are running, and for their results, use webvoice_jobs; for the balance webvoice_status.
    """
    since = time.time() - days * _DAY
    by_tool: dict[str, float] = {}
    by_day: dict[str, float] = {}
    for tool, day, spent, _count in await history.spent(since):
        by_tool[tool] = round(by_tool.get(tool, 0) + spent, 2)
        by_day[day] = round(by_day.get(day, 0) + spent, 2)
    told = Usage(
        total_credits=round(sum(by_tool.values()), 2),
        by_tool=by_tool,
        recent=[],
        by_day=dict(list(by_day.items())[:_DAYS_TOLD]),  # the newest come first
    )
    left = ROOM - size(told.fields())
    rows = await history.recent(since=since, most=_RECENT)
    for row in rows:
        facts = {"time": row.started, "tool": row.tool, "state": row.state, "files": row.files, "credits": row.credits}
        if size(facts) <= left:
            left -= size(facts)
            told.recent.append(facts)
    return told if len(told.recent) == len(rows) else told.model_copy(update={"note": _CUT})


@tools.add(title="Jobs", effect=READS_HERE)
async def webvoice_jobs(
    job_id: Annotated[str, Field(description="Only this job. Unset: the last ones.")] = "",
    wait_seconds: Annotated[float, Field(ge=0, le=_LONGEST_WAIT, description="Wait so long for job_id to end.")] = 0,
    *,
    jobs: TheJobs,
    history: TheHistory,
    listener: TheListener,
) -> JobList:
    """List the last calls that cost something, running or ended, or wait for one of them and fetch its result.

    Free. Call it with the job_id that another tool answered with. For sums of credits use webvoice_usage.
    """
    if not job_id:
        return await _last_jobs(jobs, history)
    order = jobs.find(job_id)
    if order is not None:
        await attend(order, listener, order.ended, wait_seconds)
        return _alone(order)
    last = time.monotonic() + wait_seconds
    row = await history.find(job_id)
    while row is not None and row.state == "running" and (left := last - time.monotonic()) > 0:
        await anyio.sleep(min(_LOOK, left))  # it runs in another server
        row = await history.find(job_id)
    if row is None:
        raise InvalidArgument(f"job_id {job_id[:80]!r} is not known. Leave it out to list the jobs that are.")
    return JobList(jobs=await _of_history([row]))


async def _last_jobs(jobs: Jobs, history: History) -> JobList:
    trouble = ""
    rows: list[Row] = []
    try:
        rows = await history.recent(most=_RECENT)
    except DiskError as error:
        trouble = str(error)
    known = {order.id: _of_this_run(order) for order in jobs.all()}  # after the rows: it knows what they do not
    if trouble and not known:
        raise DiskError(trouble)
    earlier = await _of_history([row for row in rows if row.id not in known])
    jobs_ = sorted([*known.values(), *earlier], key=lambda job: str(job["started_at"]), reverse=True)
    listed = list(_as_they_fit(jobs_))
    return JobList(jobs=listed, note=trouble or (None if listed == jobs_ else _SHORTENED))


def _as_they_fit(jobs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those that run and the newest, briefly; and as far as there is room, from the newest on, with their results."""
    listed = [job for place, job in enumerate(jobs) if place < _LISTED or job["state"] == "running"]
    briefs = [{name: job[name] for name in _BRIEF} for job in listed]
    left = ROOM - size(_SHORTENED) - sum(map(size, briefs))
    for job, brief in zip(listed, briefs, strict=True):
        more = size(job) - size(brief)
        if more <= left:
            left -= more
            yield job
        else:
            yield brief


def _alone(order: Order) -> JobList:
    found = JobList(jobs=[_of_this_run(order)])
    if isinstance(order.outcome, Result):
        found = found.showing(order.outcome.shown)
        order.outcome = order.outcome.showing(())  # handed over once; they are large
    return found


def _of_this_run(order: Order) -> dict[str, Any]:
    job: dict[str, Any] = _job(order.id, order.tool, order.state, order.started_at)
    if order.state == "running":
        return job
    if isinstance(order.outcome, Result):
        job["result"] = order.outcome.fields()
    else:
        said = str(order.outcome) if isinstance(order.outcome, WebVoiceError) else _SENTENCES[order.code]
        job["error"] = {"code": order.code, "message": said}
    return job


async def _of_history(rows: list[Row]) -> list[dict[str, Any]]:
    # In a thread, for it looks at files, and a disk may hang; one of its own, as stdin and stdout live on anyio's.
    return await anyio.to_thread.run_sync(lambda: list(map(_of_row, rows)), limiter=anyio.CapacityLimiter(1))


def _of_row(row: Row) -> dict[str, Any]:
    job: dict[str, Any] = _job(row.id, row.tool, row.state, row.started_at)
    if row.state == "done":
        job["result"] = {"files": [file_facts(Path(path)) for path in row.files if Path(path).is_absolute()]}
        if row.credits is not None:
            job["result"]["credits_used"] = row.credits
    elif row.state != "running":
        said = _SENTENCES.get(row.error, f"{row.tool} failed with {row.error} in another run of the server.")
        job["error"] = {"code": row.error, "message": said}
    return job


def _job(job_id: str, tool: str, state: str, started_at: float) -> dict[str, Any]:
    return {"id": job_id, "tool": tool, "state": state, "started_at": iso(started_at)}
