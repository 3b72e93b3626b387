"""The worker process as the pipeline sees it: it carries out calls that were checked and agreed to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from webvoice_mcp.client.auth import ApiKey
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.files import HandedInput
from webvoice_mcp.jobs.job import Job


@dataclass(frozen=True, slots=True)
class AgreedCall:
    """A paid call that was checked and agreed to, as data: another process calls the tool again, and does the rest.

    Attributes:
        job_id: id of its job.
        tool: the tool's name.
        arguments: its arguments as JSON.
        estimate: the price that was agreed to.
        started_at: seconds since the epoch.
        api_key: the key that pays.
        digest: hash of what is sent, as `Execution.digest`.
        inputs: the opened input files.
    """

    job_id: str
    tool: str
    arguments: Mapping[str, Any]
    estimate: Estimate
    started_at: float
    api_key: ApiKey
    digest: str
    inputs: Sequence[HandedInput] = ()

    def close(self) -> None:
        """Close the descriptors of the inputs."""
        for file in self.inputs:
            file.close()


class WorkerProcess(Protocol):
    """A process that carries out paid calls, and goes on when this one ends.

    Attributes:
        takes_descriptors: True if descriptors of open files can be handed over.
    """

    takes_descriptors: bool

    async def is_ready(self) -> bool:
        """Start the process if it is not running, and return True if it can take calls."""
        ...

    async def run(self, job: Job, call: AgreedCall) -> BaseModel:
        """Hand the call over, follow the job, and return the tool's result. The call's descriptors are closed.

        Raises:
            WebVoiceError: the call was refused, or failed.
            WorkerEnded: the process ended before the job did.
        """
        ...
