"""Carrying out a paid call: everything that can be refused is refused before the request goes out."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeVar

import anyio.lowlevel
from pydantic import BaseModel

from webvoice_mcp.client.redaction import key_ending
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import Declined, WebVoiceError
from webvoice_mcp.files import InputFile
from webvoice_mcp.jobs._send import send
from webvoice_mcp.jobs.call import Input, PaidCall
from webvoice_mcp.jobs.caller import Caller
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.long_results import shorten
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.settings import Settings
from webvoice_mcp.studio.convert import convert

A = TypeVar("A")


async def run(call: PaidCall[Any], services: Services, caller: Caller[A]) -> A:
    """Carry out a paid call and return the caller's answer.

    Raises:
        WebVoiceError: the call was refused or failed while the caller was waiting.
    """
    key = await services.keys.require()
    async with AsyncExitStack() as resources:
        inputs = await _open(call.inputs, services, resources)
        target = None
        if call.output is not None:
            target = await services.files.resolve(call.output)
            resources.push_async_callback(services.files.release, target)
        estimate = await _estimate(call, inputs, services, ask=_price_matters(services.settings))
        services.budget.check(estimate)
        await services.history.check(estimate)
        await caller.confirm(estimate)
        pending = await resources.enter_async_context(services.files.create(target)) if target else None
        job = Job(
            caller.tool,
            estimate,
            services.budget.reserve(estimate),
            outlives_caller=call.endpoint.outlives_caller,
            shows_pictures=call.shows_pictures,
            key=key_ending(key.value),
        )

        async def work() -> BaseModel:
            request = await call.complete(services.free_client) if call.complete else call.request
            for file in _files(inputs):  # the price was that of the file as it was opened
                await file.check_unchanged()
            await _check_price(replace(call, request=request), inputs, services, agreed=estimate)
            # From here on the limits of the day and the month count this job.
            await services.history.record_start(job.id, job.tool, job.started_at, estimate.credits, key=job.key)
            await anyio.lowlevel.checkpoint_if_cancelled()  # cancelled by now, nothing is sent
            job.start()
            try:
                delivery = await send(call, request, inputs, pending, services, caller, job)
            except WebVoiceError as error:
                job.record_refused_bill(error)
                raise
            finally:
                services.estimates.learn(request, job.credits)
            result: BaseModel = call.result(delivery)
            saved_text = call.text(delivery.reply) if call.output and call.text and delivery.files else ""
            return await shorten(result, services.files, job, saved_text=saved_text)

        services.jobs.submit(job, work, resources.pop_all())
    return await caller.wait(job, background=call.background)


async def estimate_cost(call: PaidCall[Any], services: Services) -> Estimate:
    """Estimate a call without checking anything that does not bear on its price.

    Raises:
        WebVoiceError: a recording that decides the price cannot be read.
    """
    async with AsyncExitStack() as resources:
        recordings = [file for file in call.inputs if file.family == "audio"]
        return await _estimate(call, await _open(recordings, services, resources), services, ask=True)


async def _open(inputs: Sequence[Input], services: Services, resources: AsyncExitStack) -> list[InputFile | str]:
    """Open each local file once, and convert what needs it; a URL stays one."""
    opened: list[InputFile | str] = []
    for source in inputs:
        if source.is_url:
            opened.append(source.path)
        else:
            file = services.files.open_input(
                source.path, family=source.family, argument=source.argument, convert=convert
            )
            opened.append(await resources.enter_async_context(file))
    return opened


async def _estimate(
    call: PaidCall[Any], inputs: Sequence[InputFile | str], services: Services, *, ask: bool
) -> Estimate:
    recording = next((file for file in _files(inputs) if file.mime_type.startswith("audio/")), None)
    seconds = await recording.seconds() if recording else None
    return await services.estimates.estimate(call.endpoint, call.request, seconds, ask=ask)


async def _check_price(
    call: PaidCall[Any], inputs: Sequence[InputFile | str], services: Services, *, agreed: Estimate
) -> None:
    """Check right before a call is sent that it costs no more than the user and the limits agreed to.

    Raises:
        Declined: it costs more: a file was changed meanwhile, or the complete request has another price.
    """
    if agreed.credits is None or not _price_matters(services.settings):
        return
    now = await _estimate(call, inputs, services, ask=True)
    if now.credits is None or now.credits > agreed.credits:
        price = "an unknown number of" if now.credits is None else f"about {now.credits:g}"
        raise Declined(
            f"The call would now cost {price} credits ({now.basis}), more than the {agreed.credits:g} that were agreed "
            "to. Nothing was sent. Call it again, so that the new price is checked and agreed to."
        )


def _files(inputs: Sequence[InputFile | str]) -> list[InputFile]:
    return [file for file in inputs if isinstance(file, InputFile)]


def _price_matters(settings: Settings) -> bool:
    limits = (settings.max_credits, settings.max_credits_per_day, settings.max_credits_per_month)
    return any(limit is not None for limit in (*limits, settings.confirm_above))
