"""The errors that this package raises on purpose.

    WebVoiceError
    ├── InvalidArgument          refused before anything was sent
    ├── NotAuthenticated         no API key is known
    ├── ServiceError             the service answered with an error
    │   ├── Unauthorized         401, 403
    │   ├── InsufficientCredits  402
    │   ├── RateLimited          429
    │   ├── BadRequest           another 4xx, or 200 with "success": false
    │   ├── ProviderUnavailable  503
    │   └── ServerError          another 5xx
    ├── NoAnswer                 no complete answer arrived
    │   ├── NetworkError         the connection failed
    │   └── TimedOut             the call took longer than WEBVOICE_TIMEOUT
    ├── InvalidResponse          the answer cannot be used
    ├── BudgetExceeded           a limit on credits would be exceeded
    ├── Declined                 the user refused, or could not be asked
    └── FileError                a user's file cannot be read or written
        ├── FileNotFound
        ├── FileExists
        ├── PathNotAllowed
        ├── UnsupportedMedia
        └── DiskError

A message is one or two sentences: what happened, then what to do. It never holds a key.
"""

from typing import ClassVar

__all__ = [
    "BadRequest",
    "BudgetExceeded",
    "Declined",
    "DiskError",
    "FileError",
    "FileExists",
    "FileNotFound",
    "InsufficientCredits",
    "InvalidArgument",
    "InvalidResponse",
    "NetworkError",
    "NoAnswer",
    "NotAuthenticated",
    "PathNotAllowed",
    "ProviderUnavailable",
    "RateLimited",
    "ServerError",
    "ServiceError",
    "TimedOut",
    "Unauthorized",
    "UnsupportedMedia",
    "WebVoiceError",
]


class WebVoiceError(Exception):
    """Base class of all errors.

    Attributes:
        code: the error's stable, public name. Classes that only group other classes have none.
        status: the answer's HTTP status, or None if there was no answer.
        retry_after: seconds after which a retry may succeed, or None if the service did not say.
        billed: True if the call may have cost credits in spite of the error.
        credits_used: credits that the service says it cost in spite of the error; None if it does not say.
    """

    code: ClassVar[str]
    billed: bool = False
    credits_used: float | None = None

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class InvalidArgument(WebVoiceError):
    """An argument was refused before anything was sent."""

    code = "invalid_argument"


class NotAuthenticated(WebVoiceError):
    """The call needs an API key, and none is known."""

    code = "not_authenticated"


class ServiceError(WebVoiceError):
    """The service answered with an error; `status` is set."""


class Unauthorized(ServiceError):
    """401: the key was not accepted. 403: the call was refused."""

    code = "unauthorized"


class InsufficientCredits(ServiceError):
    """402: too few credits are left."""

    code = "insufficient_credits"


class RateLimited(ServiceError):
    """429, and no further retry is allowed."""

    code = "rate_limited"


class BadRequest(ServiceError):
    """The service refused the request itself."""

    code = "bad_request"


class ProviderUnavailable(ServiceError):
    """503: the service cannot reach the model's provider."""

    code = "provider_unavailable"


class ServerError(ServiceError):
    """Any other 5xx."""

    code = "server_error"


class NoAnswer(WebVoiceError):
    """No complete answer arrived; the request may have reached the service."""


class NetworkError(NoAnswer):
    """The connection failed."""

    code = "network_error"


class TimedOut(NoAnswer):
    """The service took longer than WEBVOICE_TIMEOUT."""

    code = "timeout"


class InvalidResponse(WebVoiceError):
    """The answer differs from the documentation and cannot be used."""

    code = "invalid_response"


class BudgetExceeded(WebVoiceError):
    """The call would cost more than this run, or the day or month, may still spend."""

    code = "budget_exceeded"


class Declined(WebVoiceError):
    """The user did not agree to the call, or could not be asked."""

    code = "declined"


class FileError(WebVoiceError):
    """A user's file cannot be read or written."""


class FileNotFound(FileError):
    """The file to read does not exist."""

    code = "file_not_found"


class FileExists(FileError):
    """The file to write already exists."""

    code = "file_exists"


class PathNotAllowed(FileError):
    """The path is outside the allowed folders, or is never written: a hidden file or a device."""

    code = "path_not_allowed"


class UnsupportedMedia(FileError):
    """The file's content is of a kind that cannot be uploaded."""

    code = "unsupported_media"


class DiskError(FileError):
    """The file system refused, for example because it is full, is read-only or denies permission."""

    code = "disk_error"
