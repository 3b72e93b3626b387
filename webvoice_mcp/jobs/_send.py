"""The request of a paid call, and saving what it brings."""

from collections.abc import Sequence
from typing import Any

import anyio

from webvoice_mcp.client.jsonbody import JsonBody
from webvoice_mcp.client.multipart import FormFile, Multipart
from webvoice_mcp.client.requests import Body
from webvoice_mcp.contract.endpoint import Request
from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.files import InputFile, PendingFile
from webvoice_mcp.jobs._pictures import ChatPictures
from webvoice_mcp.jobs.batch import Piece
from webvoice_mcp.jobs.call import Delivery, PaidCall
from webvoice_mcp.jobs.caller import Caller
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.media_writer import MediaWriter
from webvoice_mcp.jobs.services import Services


async def send(
    call: PaidCall[Any],
    request: Request,
    inputs: Sequence[InputFile | str],
    pending: PendingFile | None,
    services: Services,
    caller: Caller[Any],
    job: Job,
) -> Delivery[Any]:
    """Send the one request of a paid call, and save the media or pictures that come back.

    Raises:
        WebVoiceError: as `Client` and `Files`.
    """
    client, endpoint = services.client, call.endpoint
    if endpoint.media:
        body = body_of(endpoint.file_field, request, inputs)
        assert pending is not None, "PaidCall requires an output of calls that deliver media"  # noqa: S101 - for mypy
        return await _download(call, request, body, pending, services, job)
    if call.picture_links is not None:
        return await _chat(call, request, services, caller, job)
    reply = await client.call_paid(endpoint, request)
    job.record_bill(reply)
    return Delivery(request, reply)


async def _chat(
    call: PaidCall[Any], request: Request, services: Services, caller: Caller[Any], job: Job
) -> Delivery[Any]:
    assert call.picture_links is not None  # noqa: S101 - for mypy
    if caller.wants_text if call.stream is None else call.stream:
        request = request.model_copy(update={"stream": True})
    async with ChatPictures(services.files, call.name_from) as pictures:
        try:
            reply = await services.client.chat(call.endpoint, request, caller.send_text, pictures.pictures)
        except WebVoiceError as error:  # what came before it was paid for
            await pictures.publish()
            job.files = tuple(pictures.saved)
            if job.files:
                error.args = (f"{error} What had come was saved: {', '.join(file.path for file in job.files)}",)
            raise
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await pictures.publish()
            job.files = tuple(pictures.saved)
            raise
        job.record_bill(reply)
        await pictures.publish(call.picture_links(reply))
        job.files = tuple(pictures.saved)
        return Delivery(request, await pictures.show_paths(reply), job.files, pictures.note)


async def _download(
    call: PaidCall[Any], request: Request, body: Body | None, pending: PendingFile, services: Services, job: Job
) -> Delivery[Any]:
    assert call.output is not None  # noqa: S101 - as PaidCall requires
    writer = MediaWriter(pending, call.output.family, call.output.suffixes)
    reply, media = await services.client.download(call.endpoint, request, writer.open, body, job.record_received)
    job.record_bill(reply)
    try:
        files, note = await writer.publish(media, call.expected_files)
    finally:
        job.files = tuple(writer.saved)
    return Delivery(request, reply, files, note)


def body_of(field: str, request: Request, inputs: Sequence[Piece | str]) -> Body | None:
    """Build the body: multipart for local files, JSON with base64 for files mixed with URLs, None without files."""
    parts = [source if isinstance(source, str) else _form_file(field, source) for source in inputs]
    files = [part for part in parts if isinstance(part, FormFile)]
    if not files:
        return None
    if len(files) == len(parts):
        return Multipart(request.form(), files)
    return JsonBody(
        lambda placeholder: {
            **request.fields(),
            field: [placeholder(part) if isinstance(part, FormFile) else part for part in parts],
        }
    )


def _form_file(field: str, source: Piece) -> FormFile:
    return FormFile(field, source.name, source.mime_type, source.size, source.chunks)
