"""Parameters of images and videos: read by their types, judged by the provider's rules, pictures among them."""

import base64
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from webvoice_mcp.contract.rules import Rules, complaint, is_public_link
from webvoice_mcp.sandbox.reading import Fields, Form
from webvoice_mcp.sandbox.replies import ApiError

# What is not here is text.
_TYPES: dict[str, type] = {
    "width": int,
    "height": int,
    "seed": int,
    "num_images": int,
    "num_inference_steps": int,
    "duration": int,
    "guidance_scale": float,
    "lora_scale": float,
    "thinking_mode": bool,
    "generate_audio": bool,
    "reference_images": list,
    "reference_videos": list,
    "loras": dict,
}
_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
_ALIASES = {"reference_images": "reference_image_urls"}
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_LORA_KEYS = frozenset(("path", "scale"))


def read_parameters(fields: Fields, rules: Rules, provider: str, *, written: bool = False) -> dict[str, Any]:
    """The parameters that were given, by name; blank ones and empty lists count as left out.

    Args:
        written: numbers and truth values came as text.

    Raises:
        ApiError: 400 when one is of the wrong type, or not for this provider.
    """
    given = {}
    for name in sorted({name for own in rules.values() for name in own}):
        value = fields.get(name)
        if value is None and name in _ALIASES:
            value = fields.get(_ALIASES[name])
        if value is not None and value not in ("", []):
            given[name] = _read(name, value, _TYPES.get(name, str), written=written)
    if wrong := complaint(rules, provider, given):
        raise ApiError(400, wrong)
    return given


def read_pictures(form: Form, names: Sequence[str], most: int) -> list[bytes | str]:
    """The pictures in these fields: bytes, or the https address of one.

    Raises:
        ApiError: 400 when there are none or too many, or for what is neither an address nor base64.
    """
    pictures: list[bytes | str] = []
    for name in names:
        pictures += [_picture(name, text) for text in _listed(name, form.fields.get(name))]
        pictures += form.files.get(name, [])
    if not 1 <= len(pictures) <= most:
        number = "one image" if most == 1 else f"1 to {most} images"
        raise ApiError(
            400, f"Send {number} as {', '.join(names)}: https URLs, base64 or files. There are {len(pictures)}."
        )
    return pictures


def _read(name: str, value: Any, kind: type, *, written: bool) -> Any:
    if kind is list:
        return _listed(name, value)
    if kind is dict:
        return _loras(name, value)
    if written and isinstance(value, str):
        value = _unwritten(value, kind)
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    accepted: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ApiError(400, f'"{name}" must be {_WORDS[kind]}.')
    return value


def _unwritten(text: str, kind: type) -> Any:
    """The value that a form wrote as text; the text itself where it is none."""
    if kind is bool:
        return _TRUTH.get(text.strip().lower(), text)
    for number in (int, float) if kind in (int, float) else ():
        with suppress(ValueError):
            return number(text)
    return text


def _listed(name: str, value: Any) -> list[str]:
    """A list of strings, also where it came as one string with commas; blank ones are left out."""
    if isinstance(value, str):
        value = [value] if value.startswith("data:") else value.split(",")
    if value is not None and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise ApiError(400, f'"{name}" must be a string or a list of strings.')
    return [each.strip() for each in value or () if each.strip()]


def _loras(name: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(_is_lora(each) for each in value):
        raise ApiError(
            400, f'"{name}" must be a list of objects with a "path", a public https URL, and maybe a "scale".'
        )
    return value


def _is_lora(value: Any) -> bool:
    if not isinstance(value, dict) or not value.keys() <= _LORA_KEYS or not is_public_link(value.get("path")):
        return False
    return isinstance(value.get("scale", 1), int | float) and not isinstance(value.get("scale"), bool)


def _picture(name: str, text: str) -> bytes | str:
    if "://" in text[:16]:
        if not is_public_link(text):
            raise ApiError(400, f'"{name}" must be a public https URL without user name or password, or base64.')
        return text
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise ApiError(400, f'"{name}" holds neither a public https URL nor base64.') from None
