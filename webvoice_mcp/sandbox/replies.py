"""Answers in the service's format: success as JSON, everything else as `{"error", "message"}`."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.responses import Response


class ApiError(Exception):
    """An answer other than success; the message is a sentence for whoever reads it.

    Attributes:
        status: the HTTP status.
        retry_after: seconds, sent as Retry-After.
    """

    def __init__(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after

    def response(self) -> Response:
        """This error in the documentation's format."""
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return json_response({"error": reason(self.status), "message": str(self)}, self.status, headers)


def reason(status: int) -> str:
    """The name of a status, as the documentation's table of errors gives it."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as it stands."""
    return Response(to_json(content), status, headers, "application/json")


def success(**content: Any) -> Response:
    """A successful answer; `sandbox` tells a reader of the JSON alone that it is not the service's."""
    return json_response({"success": True, **content, "sandbox": True})


def iso(seconds: float) -> str:
    """A moment in seconds since 1970 as the service writes it: in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_json(content: Any) -> str:
    """Compact JSON, with letters of all scripts as they are."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
