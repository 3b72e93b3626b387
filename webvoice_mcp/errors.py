"""Every error that this package raises on purpose.

    WebVoiceError
    ├── InvalidArgument          refused here, before any request
    ├── NotAuthenticated         no key is known
    ├── ServiceError             the service answered, and said no
    │   ├── Unauthorized         401, 403
    │   ├── InsufficientCredits  402
    │   ├── RateLimited          429
    │   ├── BadRequest           any other 4xx, or 200 with "success": false
    │   ├── ProviderUnavailable  503
    │   └── ServerError          any other 5xx
    ├── NoAnswer                 nothing came back, or not in time
    │   ├── NetworkError
    │   └── TimedOut
    ├── InvalidResponse          something came back that cannot be used
    ├── BudgetExceeded           WEBVOICE_MAX_CREDITS
    ├── Declined                 the user said no, or could not be asked
    └── FileError                the user's files
        ├── FileNotFound
        ├── FileExists
        ├── PathNotAllowed
        ├── UnsupportedMedia
        └── DiskError

A message is one or two sentences: what happened, then what to do. It never holds a key.
"""

from typing import ClassVar


class WebVoiceError(Exception):
    """Base of all errors here; `code` is the public name that a caller can act on.

    Attributes:
        status: HTTP status of the answer, where there was one.
        retry_after: seconds after which a repeat may succeed, where the service said so.
        billed: whether the call may have cost credits all the same.
    """

    code: ClassVar[str]
    billed: bool = False

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class InvalidArgument(WebVoiceError):
    """An argument was refused before anything was sent."""

    code = "invalid_argument"


class NotAuthenticated(WebVoiceError):
    """The call needs an API key and none is known."""

    code = "not_authenticated"


class ServiceError(WebVoiceError):
    """The service answered with an error; `status` is set."""


class Unauthorized(ServiceError):
    """401: the key was not accepted. 403: the call was refused."""

    code = "unauthorized"


class InsufficientCredits(ServiceError):
    """402: the wallet is empty."""

    code = "insufficient_credits"


class RateLimited(ServiceError):
    """429 that could not be waited out."""

    code = "rate_limited"


class BadRequest(ServiceError):
    """The service refused the request itself."""

    code = "bad_request"


class ProviderUnavailable(ServiceError):
    """503: the upstream provider is not available on the server."""

    code = "provider_unavailable"


class ServerError(ServiceError):
    """Any other 5xx."""

    code = "server_error"


class NoAnswer(WebVoiceError):
    """The request went out, or tried to, and no whole answer came back."""


class NetworkError(NoAnswer):
    """The connection failed."""

    code = "network_error"


class TimedOut(NoAnswer):
    """The service took longer than WEBVOICE_TIMEOUT."""

    code = "timeout"


class InvalidResponse(WebVoiceError):
    """The answer is not what the documentation promises and cannot be used."""

    code = "invalid_response"


class BudgetExceeded(WebVoiceError):
    """The call would cost more than this server run may still spend."""

    code = "budget_exceeded"


class Declined(WebVoiceError):
    """The user did not agree to what the call would cost, or could not be asked."""

    code = "declined"


class FileError(WebVoiceError):
    """Something about a file of the user's."""


class FileNotFound(FileError):
    """A file to be read is not there."""

    code = "file_not_found"


class FileExists(FileError):
    """A file to be written is there already."""

    code = "file_exists"


class PathNotAllowed(FileError):
    """The path lies outside the allowed folders, or is not one that is ever written."""

    code = "path_not_allowed"


class UnsupportedMedia(FileError):
    """The file's content is of a kind that is not sent."""

    code = "unsupported_media"


class DiskError(FileError):
    """The file system refused: full, read-only, no permission."""

    code = "disk_error"
