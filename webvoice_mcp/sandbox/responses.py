"""Responses in the service's JSON format."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response


def success(**fields: Any) -> Response:
    """Return a 200 response. Its field `sandbox` shows that it does not come from the hosted service."""
    return JSONResponse({"success": True, **fields, "sandbox": True})


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response in the documented error format, `{"error", "message"}`."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Error"
    return JSONResponse({"error": reason, "message": message}, status, headers)


def utc_timestamp(seconds: float) -> str:
    """Return a time, given in seconds since 1970, in the service's format, such as 2026-11-22T12:00:00Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
