"""The sandbox as an ASGI application: the API under /api/v1/, and beside it what only a sandbox has."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webvoice_mcp import __version__
from webvoice_mcp.sandbox import account, chat, control, image, messaging, speech, translation, video
from webvoice_mcp.sandbox.call import Call, Door, Sandbox
from webvoice_mcp.sandbox.database import Database
from webvoice_mcp.sandbox.faults import Faults
from webvoice_mcp.sandbox.faulty import Faulty
from webvoice_mcp.sandbox.inbox import Inbox
from webvoice_mcp.sandbox.replies import ApiError
from webvoice_mcp.sandbox.security import LoopbackOnly

API = "/api/v1/"
_BESIDE = "/sandbox/"

# A new family of the API is one file with its DOORS, and its name here.
_FAMILIES = (account, chat, speech, translation, image, video, messaging)

_ENGINES_AT_A_TIME = 2

_log = logging.getLogger(__name__)


def create_app(state_dir: Path, *, clock: Callable[[], float] = time.time) -> Starlette:
    """The sandbox over a folder, which is made when it is missing and holds all that survives a restart.

    Args:
        state_dir: holds `sandbox.db`, and `inbox` with the mail.
        clock: seconds since 1970; codes expire and limits pass by it.
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    doors = [each for family in _FAMILIES for each in family.DOORS]
    sandbox = Sandbox(
        database=Database(state_dir / "sandbox.db"),
        inbox=Inbox(state_dir / "inbox"),
        faults=Faults(),
        clock=clock,
        workers=CapacityLimiter(_ENGINES_AT_A_TIME),
        fault_paths=frozenset(each.path.strip("/") for each in doors),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        sandbox.database.close()

    app = Starlette(
        routes=[*_routes(sandbox, API, doors), *_routes(sandbox, _BESIDE, list(control.DOORS))],
        middleware=[
            Middleware(_Marked),
            Middleware(LoopbackOnly),
            Middleware(Faulty, faults=sandbox.faults, root=API),
        ],
        exception_handlers={HTTPException: _not_here},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _routes(sandbox: Sandbox, root: str, doors: list[Door]) -> Iterator[Route]:
    for each in doors:
        endpoint = _endpoint(sandbox, each)
        yield Route(root + each.path, endpoint, methods=[each.method])
        if each.slashless:
            yield Route(root + each.path.rstrip("/"), endpoint, methods=[each.method])


def _endpoint(sandbox: Sandbox, each: Door) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await each.handler(Call(sandbox, request))
        except ApiError as error:
            return error.response()
        except Exception:  # noqa: BLE001 - whatever goes wrong, the caller gets the documented format, the log the rest
            _log.exception("%s %s failed", each.method, each.path)
            return ApiError(500, "The sandbox failed; its log says why.").response()

    return endpoint


async def _not_here(request: Request, error: Exception) -> Response:
    """404 and 405 in the documented format."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        return ApiError(405, f"{request.method} is not a method of {request.url.path}.").response()
    where = f"Endpoints lie under {API} and end with a slash."
    return ApiError(404, f"There is no {request.url.path} in the sandbox. {where}").response()


class _Marked:
    """Says in a header of every answer that it comes from the sandbox."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._version = __version__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-WebVoice-Sandbox"] = self._version
                headers["Server"] = "webvoice-mcp-sandbox"
            await send(message)

        await self._app(scope, receive, marked)
