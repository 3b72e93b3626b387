"""The sandbox as an ASGI application: the API under /api/v1/, and the sandbox's own endpoints under /sandbox/."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from webvoice_mcp.sandbox import account, admin, chat, image, messaging, speech, translation, video
from webvoice_mcp.sandbox.database import Database
from webvoice_mcp.sandbox.engines import EngineUnavailable, InvalidInput
from webvoice_mcp.sandbox.fault_middleware import FaultMiddleware
from webvoice_mcp.sandbox.faults import FaultQueue
from webvoice_mcp.sandbox.inbox import Inbox
from webvoice_mcp.sandbox.loopback import LoopbackMiddleware
from webvoice_mcp.sandbox.requests import API_ROOT, Sandbox
from webvoice_mcp.sandbox.responses import error_response

_MAX_RUNNING_ENGINES = 2

_log = logging.getLogger(__name__)


def create_app(state_dir: Path, *, clock: Callable[[], float] = time.time) -> Starlette:
    """Create the application.

    Args:
        state_dir: the folder for everything that survives a restart: `sandbox.db` and the mail in `inbox`. Created if
            it is missing.
        clock: returns seconds since 1970, for the expiry of login codes and rate limits.
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    sandbox = Sandbox(
        database=Database(state_dir / "sandbox.db"),
        inbox=Inbox(state_dir / "inbox"),
        faults=FaultQueue(),
        clock=clock,
        engine_limiter=CapacityLimiter(_MAX_RUNNING_ENGINES),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        sandbox.database.close()

    app = Starlette(
        routes=[
            *account.ROUTES,
            *chat.ROUTES,
            *speech.ROUTES,
            *translation.ROUTES,
            *image.ROUTES,
            *video.ROUTES,
            *messaging.ROUTES,
            *admin.ROUTES,
        ],
        middleware=[Middleware(LoopbackMiddleware), Middleware(FaultMiddleware, faults=sandbox.faults, root=API_ROOT)],
        exception_handlers={
            404: _not_found,
            405: _method_not_allowed,
            HTTPException: _http_error,
            InvalidInput: _responds_with(400),
            EngineUnavailable: _responds_with(503),
            ClientDisconnect: _incomplete_body,
            Exception: _internal_error,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.sandbox = sandbox
    return app


async def _not_found(request: Request, _error: Exception) -> Response:
    hint = f"Use a path that begins with {API_ROOT} and ends with a slash."
    return error_response(404, f"The sandbox has no {request.url.path}. {hint}")


async def _method_not_allowed(request: Request, _error: Exception) -> Response:
    return error_response(405, f"{request.url.path} does not accept {request.method}.")


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette's type for handlers allows any exception
    return error_response(error.status_code, error.detail, error.headers)


def _responds_with(status: int) -> ExceptionHandler:
    async def handle(_request: Request, error: Exception) -> Response:
        return error_response(status, str(error))

    return handle


async def _incomplete_body(_request: Request, _error: Exception) -> Response:
    return error_response(400, "The connection ended before the body was complete. Send the request again.")


async def _internal_error(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(500, "The sandbox failed. See the cause in its log.")
