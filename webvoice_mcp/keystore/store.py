"""The key file: JSON with the keys of each base URL, so that no service gets another service's key.

    {"keys": {"https://…/api/v1": [{"name": "…", "key": "…", "saved_at": "…"}, …]}}

The first key of a base URL is the active one, except for keys with `"unused": true`, which nobody chose to use. Unknown
fields are kept. Keys never appear in messages, logs or reprs.
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
from webvoice_mcp.storage.atomic import remove_temporaries, replace_atomically, write_temporary
from webvoice_mcp.storage.locks import file_lock
from webvoice_mcp.storage.private import make_private_folder, read_private, restrict_folder, set_aside

_BYTES_OF_A_KEY = 4096  # more than a key takes in the file, with its name

_log = logging.getLogger("webvoice_mcp")

_Document = dict[str, Any]


class KeyStore:
    """The keys in one file, which other processes may use at the same time.

    All methods raise `DiskError`, with the path and the reason, if the file system refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def active(self, base_url: str) -> str:
        """Return the active key of a base URL, "" if there is none.

        The file is read at every call, because another process may have saved a key.
        """
        return _active(_entries(self._load(), base_url))

    def check_writable(self) -> None:
        """Check that a key can be saved: read the file, then write a file of its size beside it and remove that."""
        with self._edit_lock():
            size = len(json.dumps(self._read_or_set_aside(), indent=2)) + _BYTES_OF_A_KEY
            with _disk_errors("write", self._path):
                write_temporary(self._path, bytes(size)).unlink()

    def save(
        self,
        base_url: str,
        *,
        name: str,
        key: str,
        use: bool,
        keep_unused: bool = False,
        instead_of: str | None = None,
    ) -> bool:
        """Add a key, or rename a known one. It is on the disk when this returns.

        Returns:
            True if `use` made it the active key.

        Args:
            base_url: the base URL of the key's service, as `Settings` normalizes it.
            name: the user's name for the key; names may repeat.
            key: the key itself.
            use: True to make it the active key. The first key of a base URL becomes active even without.
            keep_unused: True to save a new key so that it is not active even if it is the first.
            instead_of: the key whose place it may take, "" for none. If another one is active by now, which another
                call or program saved, the new key is saved as with `keep_unused`. None allows any.

        Raises:
            InvalidResponse: the key has invalid characters; it was not saved.
        """
        if not _is_key(key):
            raise InvalidResponse("The service sent a key with invalid characters. It was not saved.")
        with self._edit() as document:
            entries = _entries(document, base_url)
            if use and instead_of is not None and _active(entries) != instead_of:
                use, keep_unused = False, True
            position = next((index for index, entry in enumerate(entries) if entry["key"] == key), len(entries))
            new = {"unused": True} if keep_unused else {}
            entry = entries.pop(position) if position < len(entries) else new
            entry |= {"name": name, "key": key, "saved_at": datetime.now(UTC).isoformat(timespec="seconds")}
            if use:
                entry.pop("unused", None)
            entries.insert(0 if use else position, entry)
            document.setdefault("keys", {})[base_url] = entries
        return use

    def forget(self, base_url: str) -> int:
        """Delete all keys of a base URL and return their number."""
        if not _entries(self._load(), base_url):
            return 0
        with self._edit() as document:
            return len(document.get("keys", {}).pop(base_url, []))

    def services(self) -> list[str]:
        """Return the base URLs that have saved keys."""
        return [base_url for base_url, entries in self._load().get("keys", {}).items() if entries]

    def damaged_files(self) -> list[Path]:
        """Return the damaged key files that were set aside, oldest first. They may still contain keys."""
        return sorted(self._path.parent.glob(f"{self._path.name}.damaged-*"))

    def _load(self) -> _Document:
        document = self._read()
        if document is not None:
            return document
        with self._lock():
            return self._read_or_set_aside()

    @contextmanager
    def _edit(self) -> Iterator[_Document]:
        """Lock the file, yield its document for changes, and write it when the block ends."""
        with self._edit_lock():
            document = self._read_or_set_aside()
            yield document
            with _disk_errors("write", self._path):
                remove_temporaries(self._path)
                replace_atomically(self._path, json.dumps(document, indent=2).encode())

    @contextmanager
    def _edit_lock(self) -> Iterator[None]:
        """Lock the file for changes, after creating its folder."""
        with _disk_errors("use", self._path.parent):
            make_private_folder(self._path.parent)
        with self._lock():
            yield

    @contextmanager
    def _lock(self) -> Iterator[None]:
        path = self._path.with_name(f"{self._path.name}.lock")
        with _disk_errors("lock", path), file_lock(path):
            yield

    def _read(self) -> _Document | None:
        """Return the document: empty if there is no file, None if the file is damaged."""
        try:
            with _disk_errors("use", self._path.parent, missing_ok=True):
                restrict_folder(self._path.parent)
            with _disk_errors("read", self._path, missing_ok=True):
                content = read_private(self._path)
        except FileNotFoundError:
            return {}
        return _parse(content)

    def _read_or_set_aside(self) -> _Document:
        document = self._read()
        if document is not None:
            return document
        with _disk_errors("set aside", self._path):
            aside = set_aside(self._path, f"{self._path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        _log.warning("%s is damaged. It was set aside as %s; save the keys in it again.", self._path, aside)
        return {}


@contextmanager
def _disk_errors(action: str, path: Path, *, missing_ok: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if missing_ok and isinstance(error, FileNotFoundError):
            raise
        reason = error.strerror or type(error).__name__
        raise DiskError(f"Cannot {action} {path}: {reason}. Check the folder, or set WEBVOICE_STATE_DIR.") from error


def _entries(document: _Document, base_url: str) -> list[_Document]:
    return list(document.get("keys", {}).get(base_url, []))


def _active(entries: list[_Document]) -> str:
    return next((str(entry["key"]) for entry in entries if not entry.get("unused")), "")


def _is_key(key: object) -> bool:
    # `Settings` has the same rule for a key in the environment: other characters would break the HTTP header.
    return isinstance(key, str) and key != "" and key.isascii() and key.isprintable() and " " not in key


def _parse(content: bytes) -> _Document | None:
    try:
        document = json.loads(content.decode("utf-8-sig"))  # editors on Windows add a byte order mark
    except (ValueError, RecursionError):
        return None
    return document if _is_document(document) else None


def _is_document(document: Any) -> bool:
    if not isinstance(document, dict) or not isinstance(document.get("keys", {}), dict):
        return False
    services = document.get("keys", {}).values()
    return all(isinstance(entries, list) and all(map(_is_entry, entries)) for entries in services)


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("name"), str) and _is_key(entry.get("key"))
