"""Provider parameters and pictures in requests for images and videos."""

import base64
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from webvoice_mcp.contract.endpoint import Request
from webvoice_mcp.contract.links import is_public_link
from webvoice_mcp.contract.rules import complaint
from webvoice_mcp.sandbox.requests import Fields, Form

ProviderRules = Mapping[str, Mapping[str, Any]]
"""The contract's rules: provider, then parameter, then its accepted values."""

_OTHER_NAMES = {"reference_images": "reference_image_urls"}  # the documentation uses both


def read_parameters(
    fields: Fields,
    model: type[Request],
    rules: ProviderRules,
    provider: str,
    *,
    is_multipart: bool = False,
) -> dict[str, Any]:
    """Return the provider parameters of a request by name. Empty strings and empty lists count as missing.

    Args:
        model: the contract's request class, whose annotations are the parameters' types.
        rules: the values that each provider accepts.
        is_multipart: True if numbers and booleans were sent as text.

    Raises:
        HTTPException: 400 if a parameter has a wrong type or the provider does not accept it.
    """
    parameters = {}
    for name in sorted({name for accepted in rules.values() for name in accepted}):
        value = fields.get(name)
        if value is None:
            value = fields.get(_OTHER_NAMES.get(name, name))
        if value is not None and value not in ("", []):
            parameters[name] = _convert(name, value, model.model_fields[name].annotation, strict=not is_multipart)
    if reason := complaint(rules, provider, parameters):
        raise HTTPException(400, reason)
    return parameters


def read_pictures(form: Form, names: Sequence[str], max_pictures: int) -> list[bytes | str]:
    """Return the pictures in these fields, as bytes or https URLs.

    Raises:
        HTTPException: 400 if there are none or too many, or if one is neither a URL nor base64.
    """
    pictures: list[bytes | str] = []
    for name in names:
        if (value := form.fields.get(name)) is not None:
            pictures += [_picture(name, text) for text in _convert(name, value, list[str], strict=True)]
        pictures += form.files.get(name, [])
    if not 1 <= len(pictures) <= max_pictures:
        accepted = "one image" if max_pictures == 1 else f"1 to {max_pictures} images"
        forms = f"{', '.join(names)}: https URLs, base64 or files"
        raise HTTPException(400, f"The request has {len(pictures)} images. Send {accepted} as {forms}.")
    return pictures


def parse_ratio(text: str) -> Fraction:
    """Return the ratio of width to height in a text such as "16:9"."""
    width, height = text.split(":")
    return Fraction(int(width), int(height))


def _convert(name: str, value: Any, annotation: Any, *, strict: bool) -> Any:
    """Return a value as the annotated type, or refuse it. `strict` is for JSON, where text is not a number."""
    if _is_list(annotation):
        value = _split(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON does not tell 5.0 from 5
    try:
        return TypeAdapter(annotation).validate_python(value, strict=strict)
    except ValidationError as error:
        expected = error.errors()[0]["msg"].removeprefix("Input should be ").partition(",")[0]
        raise HTTPException(400, f'"{name}" must be {expected}.') from None


def _is_list(annotation: Any) -> bool:
    return any(get_origin(option) is list for option in (annotation, *get_args(annotation)))


def _split(value: Any) -> Any:
    """Split a string at its commas, and remove the empty strings from a list."""
    if isinstance(value, str):
        value = [value] if value.startswith("data:") else value.split(",")
    if not isinstance(value, list):
        return value
    stripped = [item.strip() if isinstance(item, str) else item for item in value]
    return [item for item in stripped if item != ""]


def _picture(name: str, text: str) -> bytes | str:
    if "://" in text[:16]:
        if not is_public_link(text):
            raise HTTPException(400, f'"{name}" must be a public https URL without user name or password, or base64.')
        return text
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise HTTPException(400, f'"{name}" is neither a public https URL nor base64.') from None
