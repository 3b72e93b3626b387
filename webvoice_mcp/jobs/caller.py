"""The caller of a paid tool, as the pipeline sees it."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.jobs.job import Job

A_co = TypeVar("A_co", covariant=True)


class Caller(Protocol[A_co]):
    """Whoever called a paid tool: can be asked, told and answered.

    Attributes:
        tool: name of the tool.
        arguments: its arguments as JSON, with which another process can call it again.
        wants_text: True if the caller wants to hear the answer's text while it comes.
    """

    tool: str
    arguments: Mapping[str, Any]
    wants_text: bool

    async def confirm(self, estimate: Estimate) -> None:
        """Ask the user if the settings say so.

        Raises:
            Declined: the user did not agree, or cannot be asked.
        """

    async def send_text(self, piece: str) -> None:
        """Take a piece of the answer's text."""

    async def wait(self, job: Job, *, background: bool) -> A_co:
        """Wait for the job, as long as the caller is willing to, and answer."""
        ...
