"""Carrying out a paid call: everything that can be refused is refused before a request goes out."""

from contextlib import AsyncExitStack
from typing import Any, TypeVar

import anyio.lowlevel
from pydantic import BaseModel

from webvoice_mcp.client.redaction import key_ending
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import Declined, DiskError
from webvoice_mcp.jobs.batch import PaidBatch
from webvoice_mcp.jobs.batch_run import BatchRun
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.jobs.caller import Caller
from webvoice_mcp.jobs.execution import Execution
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.long_results import shorten
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.jobs.single_call import SingleCall
from webvoice_mcp.jobs.worker_process import AgreedCall, WorkerProcess

A = TypeVar("A")


async def run(call: PaidCall[Any] | PaidBatch[Any], services: Services, caller: Caller[A]) -> A:
    """Carry out a paid call and return the caller's answer.

    Raises:
        WebVoiceError: the call was refused or failed while the caller was waiting.
    """
    key = await services.keys.require()
    async with AsyncExitStack() as resources:
        execution = _execution(call, services, resources)
        await execution.open_inputs()
        await execution.resolve_output()
        estimate = await execution.estimate(ask=services.settings.limits_spending)
        services.budget.check(estimate)
        await services.history.check(estimate)
        await caller.confirm(estimate)
        worker = await _worker(execution, services)
        if worker is None:
            await execution.create_output()
        job = Job(
            caller.tool,
            estimate,
            services.budget.reserve(estimate),
            outlives_caller=execution.outlives_caller,
            shows_pictures=execution.shows_pictures,
            key=key_ending(key.value),
        )
        kept = resources.pop_all()  # the job closes them

        async def work() -> BaseModel:
            if worker is None:
                services.keys.use(key)
                return await _carry_out(execution, services, caller, job)
            inputs = await execution.hand_over(with_descriptors=worker.takes_descriptors)
            agreed = AgreedCall(
                job.id, job.tool, caller.arguments, estimate, job.started_at, key, execution.digest, inputs
            )
            await kept.aclose()  # the worker process takes the output and the work itself
            return await worker.run(job, agreed)

        services.jobs.submit(job, work, kept)
    return await caller.wait(job, background=call.background)


async def run_agreed(
    call: PaidCall[Any] | PaidBatch[Any], services: Services, caller: Caller[Any], job: Job, digest: str
) -> BaseModel:
    """Carry out a call that another process of this user checked, priced and agreed to, and return the tool's result.

    Args:
        services: their files know the inputs that were handed over.
        digest: of what was priced there.

    Raises:
        WebVoiceError: the call was refused, or failed.
    """
    async with AsyncExitStack() as resources:
        execution = _execution(call, services, resources)
        await execution.open_inputs()
        if execution.digest != digest:
            raise DiskError("A file changed after it was checked, so nothing was sent. Try again when it is complete.")
        await execution.resolve_output()
        await execution.estimate(ask=False)  # it finds the parts that are kept
        await execution.create_output()
        return await _carry_out(execution, services, caller, job)


async def _carry_out(execution: Execution, services: Services, caller: Caller[Any], job: Job) -> BaseModel:
    """Send what was agreed to, save what comes, and return the tool's result."""
    await execution.complete()
    await execution.check_unchanged()  # the price was that of the files as they were opened
    if services.settings.limits_spending:
        _check_price(await execution.estimate(ask=True), agreed=job.estimate)
    # From here on the limits of the day and the month count this job.
    await services.history.record_start(job.id, job.tool, job.started_at, job.estimate.credits, key=job.key)
    await anyio.lowlevel.checkpoint_if_cancelled()  # cancelled by now, nothing is sent
    job.start()
    result = await execution.carry_out(caller, job)
    return await shorten(result, services.files, job)


async def _worker(execution: Execution, services: Services) -> WorkerProcess | None:
    """Return the worker process if it is to carry the call out: media outlive the server, a chat's text does not."""
    worker = services.worker
    return worker if worker is not None and execution.outlives_caller and await worker.is_ready() else None


async def estimate_cost(call: PaidCall[Any] | PaidBatch[Any], services: Services) -> Estimate:
    """Estimate a call without checking anything that does not bear on its price.

    Raises:
        WebVoiceError: a file that decides the price cannot be read.
    """
    async with AsyncExitStack() as resources:
        execution = _execution(call, services, resources)
        await execution.open_inputs(only_priced=True)
        return await execution.estimate(ask=True)


def _execution(call: PaidCall[Any] | PaidBatch[Any], services: Services, resources: AsyncExitStack) -> Execution:
    if isinstance(call, PaidBatch):
        return BatchRun(call, services, resources)
    return SingleCall(call, services, resources)


def _check_price(now: Estimate, *, agreed: Estimate) -> None:
    """Check right before a call is sent that it costs no more than the user and the limits agreed to.

    Raises:
        Declined: it costs more: a file was changed meanwhile, or the complete request has another price.
    """
    if agreed.credits is None:
        return
    if now.credits is None or now.credits > agreed.credits:
        price = "an unknown number of" if now.credits is None else f"about {now.credits:g}"
        raise Declined(
            f"The call would now cost {price} credits ({now.basis}), more than the {agreed.credits:g} that were agreed "
            "to. Nothing was sent. Call it again, so that the new price is checked and agreed to."
        )
