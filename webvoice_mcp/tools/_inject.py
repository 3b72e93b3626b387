"""What a tool may ask for besides the model's arguments. The model neither sees nor sets any of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from mcp.server.mcpserver import Context, Resolve

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.orders.desk import Desk
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools._pictures import Pictures

_GAP = 0.1  # seconds; a client is told of new text at most ten times a second


@dataclass(frozen=True, slots=True)
class App:
    """The parts of a running server."""

    settings: Settings
    keys: Keys
    client: Client
    desk: Desk


class Progress:
    """Tells the caller how far a call is; silent unless the caller asked for it."""

    def __init__(self, context: Context[App], *, clock: Callable[[], float] = time.monotonic) -> None:
        meta = context.request_context.meta or {}
        self.asked = meta.get("progress_token") is not None
        self._context = context
        self._clock = clock
        self._said_at = clock() - _GAP
        self._waiting: list[str] = []
        self._sent = 0

    async def text(self, piece: str) -> None:
        """A piece of text that came; pieces that come close together are joined."""
        self._waiting.append(piece)
        if self._clock() - self._said_at >= _GAP:
            await self.flush()

    async def flush(self) -> None:
        """Say what is still waiting to be said."""
        text = "".join(self._waiting)
        if text:
            self._waiting.clear()
            self._said_at = self._clock()
            self._sent += len(text)
            await self._context.report_progress(self._sent, message=text)


async def _settings(context: Context[App]) -> Settings:
    return context.request_context.lifespan_context.settings


async def _keys(context: Context[App]) -> Keys:
    return context.request_context.lifespan_context.keys


async def _client(context: Context[App]) -> Client:
    return context.request_context.lifespan_context.client


async def _desk(context: Context[App]) -> Desk:
    return context.request_context.lifespan_context.desk


async def _pictures(context: Context[App]) -> Pictures:
    return Pictures(enabled=context.request_context.lifespan_context.settings.inline_images)


async def _progress(context: Context[App]) -> Progress:
    return Progress(context)


TheSettings = Annotated[Settings, Resolve(_settings)]
TheKeys = Annotated[Keys, Resolve(_keys)]
TheClient = Annotated[Client, Resolve(_client)]
TheDesk = Annotated[Desk, Resolve(_desk)]
ThePictures = Annotated[Pictures, Resolve(_pictures)]
TheProgress = Annotated[Progress, Resolve(_progress)]
