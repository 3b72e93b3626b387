"""The MCP client that called a paid tool: asked, told of progress, and answered."""

import time
from collections.abc import Mapping
from typing import Any

import anyio
from mcp.server.mcpserver import Context

from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.tools._confirmation import confirm
from webvoice_mcp.tools.progress import Progress, follow
from webvoice_mcp.tools.results import JobStarted, Result


class McpCaller:
    """The caller of one paid tool.

    Attributes:
        tool: the tool's name.
        arguments: its arguments, as the SDK checked and converted them.
        wants_text: True if the caller asked for progress.
    """

    def __init__(self, tool: str, arguments: Mapping[str, Any], context: Context[Services]) -> None:
        self.tool = tool
        self.arguments = arguments
        self._context = context
        self._settings = context.request_context.lifespan_context.settings
        self._progress = Progress(context)
        self._deadline = self._new_deadline()
        self.wants_text = self._progress.is_wanted

    async def confirm(self, estimate: Estimate) -> None:
        """Ask the user if the estimate is above WEBVOICE_CONFIRM_ABOVE."""
        limit = self._settings.confirm_above
        if limit is not None and (estimate.credits is None or estimate.credits > limit):
            await confirm(self._context, self.tool, estimate, limit)
            self._deadline = self._new_deadline()  # the user's time is not the caller's

    async def send_text(self, piece: str) -> None:
        """Send a piece of the answer's text as progress."""
        self._progress.add_text(piece)

    async def wait(self, job: Job, *, background: bool) -> Result:
        """Wait for the job; return its result, or the job's id if it goes on without its caller.

        Raises:
            Exception: the exception that the job failed with.
        """
        self._progress.on_text = job.notify
        try:
            if background:
                await follow(job, self._progress, until=lambda: job.state != "submitted", deadline=self._deadline)
            else:
                await follow(job, self._progress, until=lambda: job.is_finished, deadline=self._deadline)
        except anyio.get_cancelled_exc_class():
            # Media that were paid for are saved for later; a text is worth nothing without its reader.
            job.set_reader(is_there=False)
            if not (job.state == "running" and job.outlives_caller):
                job.cancel()
            raise
        if not job.is_finished or (background and job.was_sent):
            job.was_announced = True
            job.set_reader(is_there=job.is_finished)
            return JobStarted(job_id=job.id, state="running", files=[])
        outcome = job.outcome()
        assert isinstance(outcome, Result), "paid tools make results"  # noqa: S101 - for mypy
        outcome.show(job.take_pictures())
        return outcome

    def _new_deadline(self) -> float:
        return time.monotonic() + (self._settings.inline_wait or float("inf"))
