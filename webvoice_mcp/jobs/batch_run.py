"""Carrying out a batch: its parts are sent three at once and kept, then they become the whole."""

from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import anyio
from pydantic import BaseModel

from webvoice_mcp.contract.endpoint import Reply
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import Declined, FileError, InvalidArgument, InvalidResponse, WebVoiceError
from webvoice_mcp.files import HandedInput, Output, PendingFile, Target
from webvoice_mcp.jobs._send import body_of
from webvoice_mcp.jobs.batch import Assembly, PaidBatch, Part, PartResult, Plan, Sources, digest_of
from webvoice_mcp.jobs.batch_cost import BatchCost
from webvoice_mcp.jobs.budget import ROUNDING
from webvoice_mcp.jobs.caller import Caller
from webvoice_mcp.jobs.execution import Execution, hand_over
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.media_writer import billed_error
from webvoice_mcp.jobs.parts import PartMedia
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.studio.convert import convert
from webvoice_mcp.studio.text_files import decode_text

_AT_ONCE = 3


class BatchRun(Execution):
    """A `PaidBatch` while it is carried out."""

    outlives_caller = True
    shows_pictures = False

    def __init__(self, batch: PaidBatch[Any], services: Services, resources: AsyncExitStack) -> None:
        self._batch = batch
        self._services = services
        self._resources = resources
        self._sources = Sources()
        self._plan: Plan[Any]
        self._digest = ""
        self._parts: dict[str, Part] = {}  # by id, so that parts that are alike are sent once
        self._results: dict[str, PartResult] = {}
        self._reused: set[str] = set()
        self._targets: list[Target] = []
        self._outputs: list[PendingFile] = []
        self._waiting: deque[Part] = deque()
        self._agreed: float | None = None
        self._cost = BatchCost()
        self._failure: WebVoiceError | None = None

    async def open_inputs(self, *, only_priced: bool = False) -> None:  # noqa: ARG002 - every file bears on it
        """Read the text file, open the recording, and cut the work into parts. All of that bears on the price."""
        files, batch = self._services.files, self._batch
        text = suffix = ""
        if batch.text_file is not None:
            path = batch.text_file.path
            text = decode_text(await files.read_text(path, batch.text_file.argument), path)
            suffix = PurePath(path).suffix.lower()
        recording = None
        if batch.recording is not None:
            source = batch.recording
            opening = files.open_input(
                source.path, family=source.family, argument=source.argument, convert=convert, is_cut=True
            )
            recording = await self._resources.enter_async_context(opening)
        self._sources = Sources(text, suffix, self._services.settings.max_upload_bytes, recording)
        self._plan = await batch.plan(self._sources)
        self._add(self._plan.parts)
        self._digest = digest_of(self._parts)

    async def resolve_output(self) -> None:
        """Check that parts can be kept and the files written, and that no other call does the same work."""
        parts, batch = self._services.parts, self._batch
        if batch.output is not None:
            await self._resolve(batch.output)
        if batch.output is not None and batch.beside:
            path = str(self._targets[0].path.with_suffix(batch.beside))
            await self._resolve(Output(path, batch.output.prefix, batch.output.name_from, (batch.beside,), "text"))
        if self._keeps:
            await parts.prepare()
            ids = tuple(self._parts)
            if not await parts.hold(ids):
                raise InvalidArgument("The same work is under way. Wait for it with webvoice_jobs.")
            self._resources.push_async_callback(parts.release, ids)

    async def estimate(self, *, ask: bool) -> Estimate:  # noqa: ARG002 - prices of parts are documented
        """Add up the estimates of the parts that are not kept."""
        await self._find_kept()
        missing = self._missing
        estimates = [self._price(part) for part in missing]
        prices = [estimate.credits for estimate in estimates if estimate.credits is not None]
        credits_ = round(sum(prices), 2) if len(prices) == len(estimates) else None
        is_single = len(self._parts) == len(missing) == 1
        basis = estimates[0].basis if is_single else self._plan.basis
        if kept := len(self._parts) - len(missing):
            basis += f"; {kept} of them are kept from an earlier call and cost nothing"
        if self._plan.more:
            basis += f"; {self._plan.more}"
        return Estimate(credits_, basis)

    async def create_output(self) -> None:
        """Create the files of the whole under temporary names."""
        for target in self._targets:
            self._outputs.append(await self._resources.enter_async_context(self._services.files.create(target)))

    async def complete(self) -> None:
        """Complete the requests of all parts by free calls."""
        if self._batch.complete is not None:
            parts = list(self._parts.values())
            completed = await self._batch.complete(self._services.free_client, parts)
            self._parts = {part.id: new for part, new in zip(parts, completed, strict=True)}

    async def check_unchanged(self) -> None:
        """Check that the recording is still as it was when it was opened."""
        recording = self._sources.recording
        if recording is None:
            return
        await recording.check_unchanged()
        for part_id, part in self._parts.items():
            if part.piece is recording:  # a header may tell another length, though size and time are the same
                self._parts[part_id] = replace(part, seconds=await recording.seconds())

    async def carry_out(self, caller: Caller[Any], job: Job) -> BaseModel:
        """Send the parts that are missing, and assemble the whole."""
        if self._services.settings.limits_spending:
            self._agreed = job.estimate.credits
        job.batch_cost = self._cost
        self._waiting.extend(self._missing)
        self._report(job)
        while self._waiting and self._failure is None:
            async with anyio.create_task_group() as tasks:
                for _ in range(_AT_ONCE):
                    tasks.start_soon(self._send_parts, job)
        if self._failure is not None:
            raise self._with_what_is_kept(self._failure, caller.tool)
        assembly = Assembly(self._results, self._outputs, self._batch.endpoint.reply, self._summary())
        try:
            result: BaseModel = await self._plan.assemble(assembly)
        except WebVoiceError as error:
            raise self._with_what_is_kept(error, caller.tool) from error
        finally:
            job.files = tuple(assembly.files)
        if self._keeps and (assembly.files or job.has_reader):
            await self._services.parts.forget(self._parts)
        return result

    @property
    def digest(self) -> str:
        """A hash of the ids of all parts, which depend on the text and on the recording."""
        return self._digest

    async def hand_over(self, *, with_descriptors: bool) -> list[HandedInput]:
        """Return the recording, if there is one, for another process. A text file is read again there."""
        recording = self._sources.recording
        return await hand_over([recording] if recording else [], with_descriptors=with_descriptors)

    @property
    def _keeps(self) -> bool:
        """True if parts are kept: not if the only part is a recording that was sent as it is."""
        return any(part.piece is None or part.digest for part in self._parts.values())

    @property
    def _missing(self) -> list[Part]:
        """The parts whose results are not there."""
        return [part for part_id, part in self._parts.items() if part_id not in self._results]

    def _add(self, parts: Sequence[Part]) -> list[Part]:
        """Add parts, and return those that are new."""
        new = {part.id: part for part in parts if part.id not in self._parts}
        self._parts |= new
        return list(new.values())

    async def _resolve(self, output: Output) -> None:
        target = await self._services.files.resolve(output)
        self._resources.push_async_callback(self._services.files.release, target)
        self._targets.append(target)

    async def _find_kept(self) -> None:
        """Find the parts that are kept, and those that their replies make necessary."""
        searched = self._missing
        while searched:
            found = await self._services.parts.find([part.id for part in searched])
            self._results |= found
            self._reused |= found.keys()
            searched = [more for part in searched if part.id in found for more in self._add(self._follow_up(part))]

    def _follow_up(self, part: Part) -> Sequence[Part]:
        reply = self._batch.endpoint.reply.model_validate(dict(self._results[part.id].reply))
        return self._plan.follow_up(part, reply)

    def _price(self, part: Part) -> Estimate:
        return self._batch.endpoint.price(part.request, part.seconds)

    def _report(self, job: Job) -> None:
        job.parts, job.parts_done = len(self._parts), len(self._results)
        job.notify()

    async def _send_parts(self, job: Job) -> None:
        while self._waiting and self._failure is None:
            part = self._waiting.popleft()
            try:
                self._check_agreed(part)
                self._results[part.id] = await self._send_or_find(part)
            except WebVoiceError as error:  # parts that are under way are finished and kept
                self._failure = self._failure or error
                return
            self._waiting.extend(self._add(self._follow_up(part)))
            self._report(job)

    def _check_agreed(self, part: Part) -> None:
        price, at_most = self._price(part).credits, self._cost.at_most
        if self._agreed is None or price is None or at_most is None:
            return
        if at_most + price > self._agreed + ROUNDING:
            raise Declined(
                f"The parts so far cost {at_most:g} credits, and with the next one it would be more than the"
                f" {self._agreed:g} that were agreed to."
            )

    async def _send_or_find(self, part: Part) -> PartResult:
        """Send one part, unless another call that needs the same part has just paid for it."""
        if not self._keeps:
            return await self._send(part)
        async with self._services.parts.turn(part.id) as kept:
            if kept is None:
                return await self._send(part)
            self._reused.add(part.id)
            return kept

    async def _send(self, part: Part) -> PartResult:
        """Send one part and keep its result."""
        media = self._services.parts.new_media() if self._batch.endpoint.media else None
        cost = self._cost.start_part(self._price(part).credits)
        try:
            reply = await (self._download(part, media) if media else self._call(part))
            cost.record_bill(reply)
            return await self._keep(part, reply, media)
        except WebVoiceError as error:
            cost.record_failure(error)
            raise
        finally:
            if media is not None:
                media.discard()

    async def _call(self, part: Part) -> Reply:
        endpoint, client = self._batch.endpoint, self._services.client
        body = body_of(endpoint.file_field, part.request, [part.piece] if part.piece else [])
        if body is None:
            return await client.call_paid(endpoint, part.request)
        return await client.upload(endpoint, part.request, body, at_least_seconds=part.seconds or 0)

    async def _download(self, part: Part, media: PartMedia) -> Reply:
        reply: Reply
        reply, items = await self._services.client.download(
            self._batch.endpoint, part.request, lambda _field, _index: media.write
        )
        if links := " ".join(item.text for item in items if item.text):
            raise billed_error(InvalidResponse(f"The service sent a link; fetch it yourself: {links[:250]}"))
        return reply

    async def _keep(self, part: Part, reply: Reply, media: PartMedia | None) -> PartResult:
        fields = reply.model_dump(mode="json")
        if not self._keeps:
            return PartResult(fields)
        if media is not None:
            kind = await media.kind()
            if kind is None or kind.family != "audio":
                raise await self._no_sound(media)
        return await self._services.parts.keep(part.id, fields, media)

    async def _no_sound(self, media: PartMedia) -> WebVoiceError:
        """Return the error for an answer that is no sound. It may have been paid for, so it is saved as it came."""
        problem = "The service's answer has no sound in it."
        with suppress(FileError, InvalidResponse):
            saved = await self._services.files.save(await media.read(), prefix="part", name_from="")
            problem += f" It was kept as it came: {saved.path}."
        return billed_error(InvalidResponse(problem))

    def _with_what_is_kept(self, error: WebVoiceError, tool: str) -> WebVoiceError:
        """Return the error with what is kept and what the rest costs."""
        if not self._keeps or (len(self._parts) == 1 and not self._results):
            return error
        prices = [self._price(part).credits or 0 for part in self._missing]
        text = (
            f"{error} {len(self._results)} of {len(self._parts)} parts are kept. Call {tool} again with the same"
            f" arguments: the rest costs about {round(sum(prices), 2):g} credits."
        )
        explained = type(error)(text, status=error.status, retry_after=error.retry_after)
        explained.billed, explained.credits_used = error.billed, error.credits_used
        return explained

    def _summary(self) -> dict[str, Any]:
        used = self._cost.credits
        return {
            "parts": len(self._parts),
            "parts_reused": len(self._reused),
            "credits_used": used if used is not None else self._cost.at_most,
            "credits_remaining": self._cost.remaining,
        }
