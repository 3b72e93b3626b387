"""Calls to the service from commands, which are synchronous."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import anyio
from anyio.from_thread import start_blocking_portal

from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.server import create_services
from webvoice_mcp.settings import Settings

T = TypeVar("T")

_TIMEOUT_SECONDS = 60.0  # a person is waiting


def run_async(function: Callable[..., Awaitable[T]], *args: object) -> T:
    """Run an async function in another thread and return its result; Ctrl-C cancels it, except its shielded parts."""
    with start_blocking_portal() as portal:
        result = portal.call(function, *args)
    return result  # noqa: RET504 - type checkers think that the portal's block might swallow an exception


def call_service(settings: Settings, call: Callable[[Services], Awaitable[T]], *, shielded: bool = False) -> T:
    """Make one call with the services that tools get.

    Args:
        shielded: True to complete the call before Ctrl-C takes effect.

    Raises:
        WebVoiceError: the call failed.
    """

    async def run() -> T | WebVoiceError:
        services = create_services(replace(settings, timeout=min(settings.timeout, _TIMEOUT_SECONDS)))
        with anyio.CancelScope(shield=shielded):
            try:
                async with services.jobs:
                    try:
                        outcome: T | WebVoiceError = await call(services)
                    except WebVoiceError as error:
                        outcome = error  # if it were raised here, the jobs' task group would wrap it in a group
            finally:
                await services.aclose()
        return outcome

    result = run_async(run)
    if isinstance(result, WebVoiceError):
        raise result
    return result
