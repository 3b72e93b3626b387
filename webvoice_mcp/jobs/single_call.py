"""Carrying out a paid call of one request."""

from contextlib import AsyncExitStack
from typing import Any

from pydantic import BaseModel

from webvoice_mcp.contract.endpoint import Request
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.files import HandedInput, InputFile, PendingFile, Target
from webvoice_mcp.jobs._send import send
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.jobs.caller import Caller
from webvoice_mcp.jobs.execution import Execution, hand_over
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.studio.convert import convert


class SingleCall(Execution):
    """A `PaidCall` while it is carried out."""

    def __init__(self, call: PaidCall[Any], services: Services, resources: AsyncExitStack) -> None:
        self.outlives_caller = call.endpoint.outlives_caller
        self.shows_pictures = call.shows_pictures
        self._call = call
        self._services = services
        self._resources = resources
        self._request: Request = call.request
        self._inputs: list[InputFile | str] = []
        self._target: Target | None = None
        self._pending: PendingFile | None = None

    async def open_inputs(self, *, only_priced: bool = False) -> None:
        """Open each local file once; a URL stays one. Pictures have no bearing on the price."""
        for source in self._call.inputs:
            if only_priced and source.family != "audio":
                continue
            if source.is_url:
                self._inputs.append(source.path)
                continue
            file = self._services.files.open_input(
                source.path, family=source.family, argument=source.argument, convert=convert
            )
            self._inputs.append(await self._resources.enter_async_context(file))

    async def resolve_output(self) -> None:
        """Check that the output, if there is one, can be written."""
        if self._call.output is not None:
            self._target = await self._services.files.resolve(self._call.output)
            self._resources.push_async_callback(self._services.files.release, self._target)

    async def estimate(self, *, ask: bool) -> Estimate:
        """Estimate the request, with the length of the recording that is sent along."""
        recording = next((file for file in self._files if file.mime_type.startswith("audio/")), None)
        seconds = await recording.seconds() if recording else None
        return await self._services.estimates.estimate(self._call.endpoint, self._request, seconds, ask=ask)

    async def create_output(self) -> None:
        """Create the output, if there is one, under a temporary name."""
        if self._target is not None:
            self._pending = await self._resources.enter_async_context(self._services.files.create(self._target))

    async def complete(self) -> None:
        """Complete the request by free calls."""
        if self._call.complete is not None:
            self._request = await self._call.complete(self._services.free_client)

    async def check_unchanged(self) -> None:
        """Check that the input files are still as they were when they were opened."""
        for file in self._files:
            await file.check_unchanged()

    async def carry_out(self, caller: Caller[Any], job: Job) -> BaseModel:
        """Send the request, save what comes, and return the tool's result."""
        call, request = self._call, self._request
        try:
            delivery = await send(call, request, self._inputs, self._pending, self._services, caller, job)
        except WebVoiceError as error:
            job.record_refused_bill(error)
            raise
        finally:
            self._services.estimates.learn(request, job.credits)
        result: BaseModel = call.result(delivery)
        return result

    @property
    def digest(self) -> str:
        """Nothing: a request of one call does not depend on the content of a text file."""
        return ""

    async def hand_over(self, *, with_descriptors: bool) -> list[HandedInput]:
        """Return the input files for another process."""
        return await hand_over(self._files, with_descriptors=with_descriptors)

    @property
    def _files(self) -> list[InputFile]:
        return [file for file in self._inputs if isinstance(file, InputFile)]
