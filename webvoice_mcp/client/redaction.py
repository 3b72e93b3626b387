"""Removal of text that must not be shown: API keys, control characters and terminal escapes."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from webvoice_mcp.contract.account import KEY_PREFIX

_SHOWN_CHARACTERS = 4
_KEY = re.compile(rf"{KEY_PREFIX}[A-Za-z0-9_\-]{{6,}}")
_UNPRINTABLE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f"
    r"\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)


def mask_key(key: str) -> str:
    """Return the key's masked form, such as `wv_…1a2b`: enough to recognize a key, too little to use it."""
    prefix = KEY_PREFIX if key.startswith(KEY_PREFIX) else ""
    return f"{prefix}…{key_ending(key)}"


def key_ending(key: str) -> str:
    """Return the last four characters of a key, "" for a short key, of which they would be too much."""
    return key[-_SHOWN_CHARACTERS:] if len(key) > 3 * _SHOWN_CHARACTERS else ""


def mask_keys_in(text: str, *known: str) -> str:
    """Return `text` with every API key in it masked: the `known` ones, and anything that looks like one."""
    for key in known:
        if key:
            text = text.replace(key, mask_key(key))
    return _KEY.sub(lambda match: mask_key(match[0]), text)


def sanitize(text: str) -> str:
    """Return text from outside without terminal escapes and control characters; tabs and line feeds stay."""
    return _UNPRINTABLE.sub("", text)


def redact(text: str, *keys: str) -> str:
    """Return text from outside without terminal escapes and control characters, and with every API key masked.

    Args:
        text: the text.
        keys: keys to mask even if they do not look like API keys.
    """
    return mask_keys_in(sanitize(text), *keys)


def redact_document(document: Any, key: str) -> Any:
    """Return a decoded JSON document with `key` masked in all its strings, including the names of members.

    Args:
        document: the document, which is copied and not changed.
        key: the key; if it is empty, the document is returned unchanged.
    """
    if not key:
        return document
    if isinstance(document, dict):
        return {redact_document(name, key): redact_document(value, key) for name, value in document.items()}
    if isinstance(document, list):
        return [redact_document(value, key) for value in document]
    return document.replace(key, mask_key(key)) if isinstance(document, str) else document


class RedactingStream:
    """Passes on a text in pieces with the key masked, even if the key is spread over several pieces."""

    def __init__(self, key: str, on_text: Callable[[str], Awaitable[None]]) -> None:
        self._key = key
        self._on_text = on_text
        self._held_back = ""  # a possible beginning of the key

    async def feed(self, piece: str) -> None:
        """Take the next piece, and pass on everything that cannot be the beginning of the key."""
        text: str = redact_document(self._held_back + piece, self._key)
        longest = min(len(self._key) - 1, len(text))
        held = next((size for size in range(longest, 0, -1) if self._key.startswith(text[-size:])), 0)
        self._held_back = text[len(text) - held :]
        if text := text[: len(text) - held]:
            await self._on_text(text)

    async def finish(self) -> None:
        """End the text, and pass on the rest, which did not become the key."""
        if self._held_back:
            await self._on_text(self._held_back)
