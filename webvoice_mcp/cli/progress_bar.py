"""A progress bar on the terminal while a call runs."""

import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import anyio

_WIDTH = 20
_BLOCK_WIDTH = 5  # of the block that moves while the total is unknown
_REDRAW_SECONDS = 0.1
_PARTS = re.compile(r"\d+ of \d+ parts")
_ERASE_LINE = "\r\x1b[K"


class ProgressCallback(Protocol):
    """Receives the progress of a tool call."""

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Receive the progress so far, the total if it is known, and a message."""


@asynccontextmanager
async def progress_bar(name: str) -> AsyncIterator[ProgressCallback | None]:
    """Draw a progress bar on stderr and yield the callback that moves it, or None if stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    fraction: float | None = None
    parts = ""

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        nonlocal fraction, parts
        fraction = min(progress / total, 1) if total else None
        found = _PARTS.search(message or "")
        parts = f" {found[0]}" if found else ""

    async def draw() -> None:
        started = time.monotonic()
        while True:
            seconds = time.monotonic() - started
            bar = _draw_bar(fraction, seconds)
            print(f"{_ERASE_LINE}{name} [{bar}] {seconds:.0f} s{parts}", end="", file=sys.stderr, flush=True)
            await anyio.sleep(_REDRAW_SECONDS)

    async with anyio.create_task_group() as group:
        group.start_soon(draw)
        try:
            yield on_progress
        finally:
            group.cancel_scope.cancel()
            print(_ERASE_LINE, end="", file=sys.stderr, flush=True)


def _draw_bar(fraction: float | None, seconds: float) -> str:
    if fraction is None:
        start = int(seconds / _REDRAW_SECONDS) % (_WIDTH - _BLOCK_WIDTH + 1)
        return ("#" * _BLOCK_WIDTH).rjust(start + _BLOCK_WIDTH, ".").ljust(_WIDTH, ".")
    return ("#" * round(fraction * _WIDTH)).ljust(_WIDTH, ".")
