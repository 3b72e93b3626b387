"""What the commands about the account share: the parts that the tools have, and asking a person."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import anyio
from anyio.from_thread import start_blocking_portal

from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.orders.desk import Office
from webvoice_mcp.server import assemble
from webvoice_mcp.settings import Settings

T = TypeVar("T")

_PATIENCE = 60.0  # seconds at most; a person is waiting


class Stopped(Exception):
    """The command cannot go on; the message is a line for the person."""


def wait_for(work: Callable[..., Awaitable[T]], *args: object) -> T:
    """Run a coroutine function on a thread of its own; Ctrl-C cancels it, as far as it is not shielded."""
    with start_blocking_portal() as portal:
        result = portal.call(work, *args)
    return result  # noqa: RET504 - for a type checker, the block above might swallow what is raised in it


def ask_service(settings: Settings, call: Callable[[Office], Awaitable[T]], *, to_its_end: bool = False) -> T:
    """Run one call with the parts that tools get.

    Args:
        to_its_end: Ctrl-C waits for it.

    Raises:
        WebVoiceError: the call failed.
    """

    async def run() -> T | WebVoiceError:
        office = assemble(replace(settings, timeout=min(settings.timeout, _PATIENCE))).office
        with anyio.CancelScope(shield=to_its_end):
            try:
                async with office.jobs:
                    try:
                        outcome: T | WebVoiceError = await call(office)
                    except WebVoiceError as error:
                        outcome = error  # raised here, it would leave the block as one of a group
            finally:
                await office.client.aclose()
                await office.history.aclose()
        return outcome

    result = wait_for(run)
    if isinstance(result, WebVoiceError):
        raise result
    return result


def ask_person(question: str) -> str:
    """What is typed in.

    Raises:
        Stopped: nobody is there to answer.
    """
    try:
        return input(question).strip()
    except (EOFError, OSError, RuntimeError, UnicodeDecodeError):  # the input ended, is closed, lost or no text
        print()
        raise Stopped(f"No answer to {question.strip()!r}: this command asks a person at a terminal.") from None


def stopped(command: str, error: Stopped | WebVoiceError) -> int:
    """Say why a command ended, and return its exit code."""
    code = f"{error.code}: " if isinstance(error, WebVoiceError) else ""
    print(f"webvoice-mcp {command}: {code}{error}", file=sys.stderr)
    return 1
