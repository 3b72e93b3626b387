"""The key file: JSON, by base URL, so that one service's key never reaches another.

    {"keys": {"https://…/api/v1": [{"name": "…", "key": "…", "saved_at": "…"}, …]}}

The first key of a base URL is the active one. Fields that are not known here are kept. A key appears in no
message, no log and no representation.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from webvoice_mcp.errors import DiskError, InvalidResponse
from webvoice_mcp.storage import private_files

_log = logging.getLogger("webvoice_mcp")

_Document = dict[str, Any]


class KeyStore:
    """The keys in one file, shared with every other process that uses the same file.

    Every method raises `DiskError`, with the path and the reason, when the file system refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def active(self, base_url: str) -> str:
        """The key to use for this base URL, "" for none. Read anew each time: another process may have saved one."""
        saved = _keys_of(self._load(), base_url)
        return str(saved[0]["key"]) if saved else ""

    def save(self, base_url: str, *, name: str, key: str, use: bool) -> None:
        """Add a key; it is on disk when this returns.

        Args:
            base_url: the service that it belongs to, as `Settings` writes it.
            name: what the person called it; names may repeat.
            key: the key itself.
            use: make it the active one. The first key of a base URL is so in any case.

        Raises:
            InvalidResponse: the key holds what no key can hold; nothing was saved.
        """
        if not _is_key(key):
            raise InvalidResponse("The service sent a key with characters that no key can have; it was not saved.")
        with self._exclusively() as document:
            saved = _keys_of(document, base_url)
            known = next((place for place, entry in enumerate(saved) if entry["key"] == key), len(saved))
            fields = saved.pop(known) if known < len(saved) else {}
            saved_at = datetime.now(UTC).isoformat(timespec="seconds")
            saved.insert(0 if use else known, {**fields, "name": name, "key": key, "saved_at": saved_at})
            document.setdefault("keys", {})[base_url] = saved

    def forget(self, base_url: str) -> int:
        """Forget all keys of this base URL; returns how many there were."""
        if not _keys_of(self._load(), base_url):
            return 0
        with self._exclusively() as document:
            return len(document.get("keys", {}).pop(base_url, []))

    def services(self) -> list[str]:
        """The base URLs that keys are saved for."""
        return [base_url for base_url, saved in self._load().get("keys", {}).items() if saved]

    def set_aside(self) -> list[Path]:
        """Damaged key files that were put aside, oldest first; they may still hold keys."""
        return sorted(self._path.parent.glob(f"{self._path.name}.damaged-*"))

    def _load(self) -> _Document:
        document = self._read()
        if document is not None:
            return document
        with self._lock():
            return self._read_or_put_aside()

    @contextmanager
    def _exclusively(self) -> Iterator[_Document]:
        """The document, to be changed while nobody else does; written at the end."""
        with _disk("use", self._path.parent):
            private_files.make_private_folder(self._path.parent)
        with self._lock():
            document = self._read_or_put_aside()
            yield document
            with _disk("write", self._path):
                private_files.replace_atomically(self._path, json.dumps(document, indent=2).encode())

    @contextmanager
    def _lock(self) -> Iterator[None]:
        path = self._path.with_name(f"{self._path.name}.lock")
        with _disk("lock", path), private_files.file_lock(path):
            yield

    def _read(self) -> _Document | None:
        """The document; empty where there is no file, None where the file is damaged."""
        with _disk("read", self._path):
            try:
                content = private_files.read_private(self._path)
            except FileNotFoundError:
                return {}
        return _parsed(content)

    def _read_or_put_aside(self) -> _Document:
        document = self._read()
        if document is not None:
            return document
        with _disk("put aside", self._path):
            aside = private_files.set_aside(self._path, f"{self._path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        _log.warning("%s is damaged. It was put aside as %s; the keys in it have to be saved anew.", self._path, aside)
        return {}


@contextmanager
def _disk(doing: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DiskError(f"Cannot {doing} {path}: {reason}. Check the folder, or set WEBVOICE_STATE_DIR.") from error


def _keys_of(document: _Document, base_url: str) -> list[_Document]:
    return list(document.get("keys", {}).get(base_url, []))


def _is_key(key: object) -> bool:
    # The same rule as for a key in the environment: anything else would break the header that it travels in.
    return isinstance(key, str) and key != "" and key.isascii() and key.isprintable() and " " not in key


def _parsed(content: bytes) -> _Document | None:
    try:
        document = json.loads(content.decode("utf-8-sig"))  # editors on Windows put a mark in front
    except (ValueError, RecursionError):
        return None
    return document if _is_document(document) else None


def _is_document(document: Any) -> bool:
    if not isinstance(document, dict) or not isinstance(document.get("keys", {}), dict):
        return False
    services = document.get("keys", {}).values()
    return all(isinstance(saved, list) and all(_is_entry(entry) for entry in saved) for saved in services)


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("name"), str) and _is_key(entry.get("key"))
