"""A bar on the terminal while a call runs."""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import anyio

_WIDTH = 20
_BLOCK = 5  # width of the piece that wanders where the end is not known
_TICK = 0.1  # seconds
_ERASE = "\r\x1b[K"


class Heard(Protocol):
    """Takes what is heard of a call's progress."""

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None: ...


@asynccontextmanager
async def bar(name: str) -> AsyncIterator[Heard | None]:
    """Show on stderr that `name` is under way, and how far; gives what takes progress, None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    share: float | None = None

    # The SDK calls by these names.
    async def heard(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001 - as said
        nonlocal share
        share = min(progress / total, 1) if total else None

    async def draw() -> None:
        started = time.monotonic()
        while True:
            seconds = time.monotonic() - started
            print(f"{_ERASE}{name} [{_filled(share, seconds)}] {seconds:.0f} s", end="", file=sys.stderr, flush=True)
            await anyio.sleep(_TICK)

    async with anyio.create_task_group() as group:
        group.start_soon(draw)
        try:
            yield heard
        finally:
            group.cancel_scope.cancel()
            print(_ERASE, end="", file=sys.stderr, flush=True)


def _filled(share: float | None, seconds: float) -> str:
    if share is None:
        start = int(seconds / _TICK) % (_WIDTH - _BLOCK + 1)
        return ("#" * _BLOCK).rjust(start + _BLOCK, ".").ljust(_WIDTH, ".")
    return ("#" * round(share * _WIDTH)).ljust(_WIDTH, ".")
