"""Orders: what a call would cost, what was spent, and the jobs that go on without their caller."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from webvoice_mcp.errors import InvalidArgument, WebVoiceError
from webvoice_mcp.orders.history import Row
from webvoice_mcp.orders.jobs import Order
from webvoice_mcp.tools._inject import TheHistory, TheJobs, TheQuotes
from webvoice_mcp.tools._results import File, Result
from webvoice_mcp.tools._toolset import READS_HERE, ToolSet

tools = ToolSet("account")

_DAY = 86_400.0
_RECENT = 20
_MOST_DAYS = 3650
_INTERRUPTED = {
    "code": "interrupted",
    "message": "The server ended before this order did. Credits may have been spent: see webvoice_status.",
}


class Quote(Result):
    """What a call would cost."""

    credits: float | None = Field(description="null where it cannot be known.")
    basis: str = Field(description="How it was worked out.")


class Usage(Result):
    """What was spent from this computer."""

    total_credits: float
    by_tool: dict[str, float]
    by_day: dict[str, float]
    recent: list[dict[str, Any]]


class JobList(Result):
    """Jobs, the newest first."""

    jobs: list[dict[str, Any]] = Field(description="id, tool, state, started_at, result or error.")

    def linked(self) -> list[File]:
        """The files of the only job, when it was asked for."""
        if len(self.jobs) != 1:
            return []
        result = self.jobs[0].get("result") or {}
        return [File.model_validate(each) for each in result.get("files") or () if "size_bytes" in each]


@tools.add(title="Estimate credits", effect=READS_HERE)
async def webvoice_estimate_credits(
    tool: Annotated[str, Field(description="Name of the tool that would be called.")],
    arguments: Annotated[dict[str, Any] | None, Field(description="The arguments it would be called with.")] = None,
    *,
    quotes: TheQuotes,
) -> Quote:
    """Estimate what a call of another tool would cost, and say how; nothing is made or sent.

    Free. For what was spent so far see webvoice_usage.
    """
    estimate = await quotes.of_call(tool, arguments or {})
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
    rows = await history.recent(since=since, most=_RECENT)
    recent = [
        {"time": row.started, "tool": row.tool, "state": row.state, "files": list(row.files), "credits": row.credits}
        for row in rows
    ]
    return Usage(total_credits=round(sum(by_tool.values()), 2), by_tool=by_tool, by_day=by_day, recent=recent)


@tools.add(title="Jobs", effect=READS_HERE)
async def webvoice_jobs(
    job_id: Annotated[str, Field(description="Only this job. Unset: the last ones.")] = "",
    wait_seconds: Annotated[float, Field(ge=0, le=45, description="Wait so long for job_id to end.")] = 0,
    *,
    jobs: TheJobs,
    history: TheHistory,
) -> JobList:
    """List jobs, or wait for one and fetch its result: calls that went on without their caller, and all others.

    Free. Call it with the job_id that another tool answered with. For sums of credits use webvoice_usage.
    """
    if not job_id:
        rows = await history.recent(most=_RECENT)
        known = {order.id: _of_this_run(order) for order in jobs.all()}
        earlier = {row.id: _of_history(row) for row in rows if row.id not in known}
        listed = sorted([*known.values(), *earlier.values()], key=lambda job: str(job["started_at"]), reverse=True)
        return JobList(jobs=listed[:_RECENT])
    order = jobs.find(job_id)
    if order is not None:
        await jobs.wait(order, wait_seconds)
        return JobList(jobs=[_of_this_run(order)])
    row = await history.find(job_id)
    if row is None:
        raise InvalidArgument(f"job_id {job_id[:80]!r} is not known. Leave it out to list the jobs that are.")
    return JobList(jobs=[_of_history(row)])


def _of_this_run(order: Order) -> dict[str, Any]:
    job: dict[str, Any] = {
        "id": order.id,
        "tool": order.tool,
        "state": order.state,
        "started_at": _iso(order.started_at),
    }
    if isinstance(order.outcome, Result):
        job["result"] = order.outcome.fields()
    elif isinstance(order.outcome, WebVoiceError):
        job["error"] = {"code": order.outcome.code, "message": str(order.outcome)}
    elif order.outcome is not None:
        job["error"] = {"code": "cancelled", "message": f"{order.tool} did not come to an end."}
    return job


def _of_history(row: Row) -> dict[str, Any]:
    job: dict[str, Any] = {"id": row.id, "tool": row.tool, "state": row.state, "started_at": row.started}
    if row.state == "done":
        files = [{"path": path} for path in row.files]
        job["result"] = {"files": files} | ({} if row.credits is None else {"credits_used": row.credits})
    elif row.state == "interrupted":
        job["error"] = _INTERRUPTED
    elif row.error:
        job["error"] = {"code": row.error, "message": f"{row.tool} failed in an earlier run of the server."}
    return job


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
