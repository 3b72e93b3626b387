"""Reading request bodies: bounded in size, every wrong field refused with a sentence."""

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, NoReturn

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from webvoice_mcp.sandbox.replies import ApiError

JSON_LIMIT = 2 * 1024 * 1024
UPLOAD_LIMIT = 32 * 1024 * 1024


class Fields:
    """The named values of a request. A value of null counts as left out."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}

    def get(self, name: str) -> Any:
        """The value as it came, or None."""
        return self._values.get(name)

    def text(self, name: str, default: str | None = None, *, longest: int = JSON_LIMIT) -> str:
        """A string; without a default it must be there and not blank."""
        value = self._values.get(name, default)
        if value is None:
            raise ApiError(400, f'"{name}" is required.')
        if not isinstance(value, str):
            raise ApiError(400, f'"{name}" must be a string.')
        if default is None and not value.strip():
            raise ApiError(400, f'"{name}" must not be blank.')
        if len(value) > longest:
            raise ApiError(400, f'"{name}" has {len(value)} characters; at most {longest} are accepted.')
        return value

    def choice(self, name: str, accepted: Collection[str], default: str | None = None) -> str:
        """One of the accepted strings; a blank one counts as left out where there is a default."""
        value = self.text(name, default) or default or ""
        if value not in accepted:
            raise ApiError(400, f'"{name}" is {value!r}; accepted: {", ".join(accepted)}.')
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise ApiError(400, f'"{name}" must be true or false.')
        return value

    def number(self, name: str, default: float | None, low: float, high: float) -> float:
        """A number from low to high; without a default it must be there."""
        value = self._values.get(name, default)
        if value is None:
            raise ApiError(400, f'"{name}" is required.')
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ApiError(400, f'"{name}" must be a number from {low:g} to {high:g}.')
        return value

    def whole(self, name: str, default: int | None, low: int, high: int) -> int:
        """A whole number from low to high; without a default it must be there."""
        value = self.number(name, default, low, high)
        if value != round(value):
            raise ApiError(400, f'"{name}" must be a whole number.')
        return round(value)


class Upload(NamedTuple):
    """A multipart request: the one file, and the fields beside it."""

    data: bytes
    fields: Fields


class Form(NamedTuple):
    """A request with files, by the names of their fields, and the fields beside them.

    `written`: it came as a form, in which all values are text; a field that came several times is a list.
    """

    fields: Fields
    files: Mapping[str, list[bytes]]
    written: bool


async def read_json(request: Request, limit: int = JSON_LIMIT) -> Fields:
    """The body as a JSON object.

    Raises:
        ApiError: 400 when it is not one, 413 when it is too large.
    """
    body = await (await _whole(request, limit)).body()
    try:
        content = json.loads(body, parse_constant=_refuse_constant)
        # Half of a surrogate pair is valid JSON, but no text: no mail, database or answer can hold it.
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ApiError(400, "The body must be valid JSON.") from None
    if not isinstance(content, dict):
        raise ApiError(400, "The body must be a JSON object.")
    return Fields(content)


async def read_upload(request: Request, name: str) -> Upload:
    """The body as multipart/form-data with a file in the field `name`.

    Raises:
        ApiError: 400 when it is not that, 413 when it is too large.
    """
    form = await _read_form(request, 1)
    if name not in form.files:
        raise ApiError(400, f'Send multipart/form-data with a file in the field "{name}".')
    return Upload(form.files[name][0], form.fields)


async def read_either(request: Request, most_files: int) -> Form:
    """The body as multipart/form-data with up to so many files, or as a JSON object, which may hold them in base64.

    Raises:
        ApiError: 400 when it is neither, 413 when it is too large.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        return await _read_form(request, most_files)
    return Form(await read_json(request, UPLOAD_LIMIT), {}, written=False)


async def _read_form(request: Request, most_files: int) -> Form:
    whole = await _whole(request, UPLOAD_LIMIT)
    texts: dict[str, list[str]] = {}
    files: dict[str, list[bytes]] = {}
    try:
        async with whole.form(max_files=most_files, max_fields=32) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    files.setdefault(name, []).append(await value.read())
                else:
                    texts.setdefault(name, []).append(value)
    except HTTPException as error:
        raise ApiError(400, f"The multipart body cannot be read: {error.detail}") from None
    fields = Fields({name: values[0] if len(values) == 1 else values for name, values in texts.items()})
    return Form(fields, files, written=True)


async def _whole(request: Request, limit: int) -> Request:
    """The request with its whole body in memory, which is never more than the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        return message

    whole = Request(request.scope, receive)
    try:
        await whole.body()
    except ClientDisconnect:
        raise ApiError(400, "The connection ended before the body was complete.") from None
    return whole


def _too_large(limit: int) -> ApiError:
    return ApiError(413, f"The body is larger than {limit // (1024 * 1024)} MiB.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
