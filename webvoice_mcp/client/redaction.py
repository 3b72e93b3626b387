"""Cleaning of text from outside: control characters and terminal escapes are taken out first, then API keys are masked.

Characters that ordinary text needs stay: tabs and line feeds, joiners, variation selectors, marks of direction.
"""

import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from webvoice_mcp.client.key_spellings import INVISIBLE, KeySpellings, without_ignored
from webvoice_mcp.contract.account import KEY_PREFIX

_SHOWN_CHARACTERS = 4
_MAX_HELD_BACK = 1000  # characters of a stream; a longer run of invisible ones is dropped

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\))")
# Control characters, bidirectional embeddings, overrides and isolates, and tag characters.
_TAKEN_OUT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_UNFINISHED_ESCAPE = re.compile(r"\x1b(?:\[[ -?]{0,64}|\][^\x07\x1b]{0,2000}\x1b?)?\Z")

_INVISIBLE_CHARACTERS = re.compile(f"[{INVISIBLE}]")
_KEY = re.compile(
    rf"{rf'[{INVISIBLE}]*+'.join(KEY_PREFIX)}(?:[{INVISIBLE}]*+[A-Za-z0-9_\-]){{6,}}"  # looks like one of our keys
)


def mask_key(key: str) -> str:
    """Return the key's masked form, such as `wv_…1a2b`: enough to recognize a key, too little to use it."""
    prefix = KEY_PREFIX if key.startswith(KEY_PREFIX) else ""
    return f"{prefix}…{key_ending(key)}"


def key_ending(key: str) -> str:
    """Return the last four characters of a key, "" for a short key, of which they would be too much."""
    return key[-_SHOWN_CHARACTERS:] if len(key) > 3 * _SHOWN_CHARACTERS else ""


def mask_known_keys(text: str, *known: str) -> str:
    """Return `text` with these API keys masked, in all spellings that `KeySpellings` knows."""
    for key in known:
        if key:
            text = _spellings(key).replace(text, mask_key(sanitize(key)))
    return text


def mask_keys_in(text: str, *known: str) -> str:
    """Return `text` with every API key in it masked: the `known` ones, and anything that looks like one."""
    return _KEY.sub(lambda match: mask_key(without_invisible(match[0])), mask_known_keys(text, *known))


def without_invisible(text: str) -> str:
    """Return text without characters that have no visible form; white space stays."""
    return _INVISIBLE_CHARACTERS.sub("", text)


def sanitize(text: str) -> str:
    """Return text from outside without terminal escapes and characters that hide or reorder it.

    Control characters, bidirectional embeddings, overrides and isolates, and tag characters are taken out. Tabs, line
    feeds, joiners, variation selectors and marks of direction stay, because ordinary text has them.
    """
    # Two patterns, because a set of characters alone is found three times as fast in a text of megabytes.
    return _TAKEN_OUT.sub("", _ESCAPE_SEQUENCE.sub("", text) if "\x1b" in text else text)


def redact(text: str, *keys: str) -> str:
    """Return sanitized text with every API key masked.

    Args:
        text: the text.
        keys: keys to mask even if they do not look like API keys.
    """
    return mask_keys_in(sanitize(text), *keys)


def redact_document(document: Any, *keys: str) -> Any:
    """Return a decoded JSON document with all its strings sanitized and `keys` masked, names of members too.

    Args:
        document: the document, which is copied and not changed.
        keys: the keys. Text that only looks like a key stays, because an answer may carry a new one.
    """
    if isinstance(document, dict):
        return {redact_document(name, *keys): redact_document(value, *keys) for name, value in document.items()}
    if isinstance(document, list):
        return [redact_document(value, *keys) for value in document]
    return mask_known_keys(sanitize(document), *keys) if isinstance(document, str) else document


class RedactingStream:
    """Passes on a text in pieces, sanitized and with the key masked, even if they are spread over several pieces."""

    def __init__(self, key: str, on_text: Callable[[str], Awaitable[None]]) -> None:
        self._key = key
        self._on_text = on_text
        self._unfinished = ""  # a possible beginning of a terminal escape
        self._held_back = ""  # a possible beginning of the key

    async def feed(self, piece: str) -> None:
        """Take the next piece, and pass on everything that cannot be the beginning of an escape or of the key."""
        piece = self._unfinished + piece
        escape = _UNFINISHED_ESCAPE.search(piece)
        end = escape.start() if escape else len(piece)
        self._unfinished = piece[end:]
        text = mask_known_keys(self._held_back + sanitize(piece[:end]), self._key)
        end = _spellings(self._key).beginning_in(text) if self._key else len(text)
        self._held_back = text[end:]
        if len(self._held_back) > _MAX_HELD_BACK:
            self._held_back = without_ignored(self._held_back)
        if end:
            await self._on_text(text[:end])

    async def finish(self) -> None:
        """End the text, and pass on the rest, which did not become an escape or the key."""
        if text := mask_known_keys(self._held_back + sanitize(self._unfinished), self._key):
            await self._on_text(text)


@lru_cache(maxsize=8)
def _spellings(key: str) -> KeySpellings:
    return KeySpellings(key)
