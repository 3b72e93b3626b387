"""Results of parts that were paid for, kept on the disk until the whole that they belong to is delivered."""

import hashlib
import json
import os
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio

from webvoice_mcp.errors import DiskError
from webvoice_mcp.files.disk import disk_error
from webvoice_mcp.files.kinds import Kind, sniff
from webvoice_mcp.jobs.batch import PartResult, digest_of
from webvoice_mcp.storage.atomic import replace_atomically
from webvoice_mcp.storage.locks import ByteLocks
from webvoice_mcp.storage.private import make_private_folder, open_private, read_private
from webvoice_mcp.storage.threads import WorkerThreads

_MAX_AGE_SECONDS = 30 * 86_400.0
_MAX_AGE_OF_INCOMPLETE_SECONDS = 86_400.0  # a server that was killed leaves them
_MAX_BYTES = 2 << 30  # of all parts
_LOCKS = "lock"
_REPLY, _MEDIA, _INCOMPLETE = ".json", ".media", ".part"
_CREATE_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL


class Parts:
    """The folder of kept parts: one JSON file for a part, and beside it the part's media.

    Parts are found by their id, so that the same work, called again in this run or a later one, pays only for what is
    missing. A part is complete once its JSON file exists.
    """

    def __init__(self, folder: Path, base_url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._base_url = base_url
        self._clock = clock
        self._threads = WorkerThreads(4)
        self._locks: ByteLocks | None = None
        self._users: Counter[str] = Counter()  # calls that hold a part
        self._turns: dict[str, anyio.Lock] = {}  # of parts that are being sent

    async def find(self, ids: Iterable[str]) -> dict[str, PartResult]:
        """Return the kept results of these parts. A file that cannot be read counts as missing."""
        return await self._threads.run(self._find, list(ids))

    async def prepare(self) -> None:
        """Create the folder, and remove parts that are too old or too many, before anything is paid.

        Raises:
            DiskError: nothing can be kept in the folder.
        """
        await self._threads.run(self._prepare)

    async def hold(self, ids: Collection[str]) -> bool:
        """Reserve a work for this call; return False if another call, of any server, is doing it.

        While it is held, no other call of this server deletes these parts: works can have parts in common.

        Args:
            ids: the parts of the work. Give them to `release` afterwards.

        Raises:
            DiskError: the lock file cannot be used.
        """
        is_free = await self._threads.run(self._hold, _position(ids))
        if is_free:
            self._users.update(ids)
        return is_free

    async def release(self, ids: Collection[str]) -> None:
        """Give up what `hold` reserved."""
        self._users.subtract(ids)
        self._users = +self._users  # without those that are zero
        with anyio.CancelScope(shield=True):
            await self._threads.run(self._release, _position(ids))

    @asynccontextmanager
    async def turn(self, part_id: str) -> AsyncIterator[PartResult | None]:
        """Wait until no other call of this server sends this part; yield its result if it is kept by then."""
        lock = self._turns.setdefault(part_id, anyio.Lock())
        is_shared = lock.locked() or self._users[part_id] > 1
        try:
            async with lock:
                yield (await self.find([part_id])).get(part_id) if is_shared else None
        finally:
            if not lock.locked():  # nobody waits for it
                self._turns.pop(part_id, None)

    def new_media(self) -> "PartMedia":
        """Create a file for the media of a part.

        Raises:
            DiskError: it cannot be created.
        """
        return PartMedia(self._folder / f"{secrets.token_hex(16)}{_INCOMPLETE}", self._threads)

    async def keep(self, part_id: str, reply: dict[str, Any], media: "PartMedia | None") -> PartResult:
        """Keep the result of a part.

        Raises:
            DiskError: it cannot be written.
        """
        with anyio.CancelScope(shield=True):  # it was paid for
            kept = await self._threads.run(self._keep, part_id, reply, media)
        return kept  # noqa: RET504 - mypy cannot know that a shield swallows no exception

    async def forget(self, ids: Iterable[str]) -> None:
        """Delete parts whose whole was delivered, but for those that another call holds, too."""
        unused = [part_id for part_id in ids if self._users[part_id] < 2]
        with anyio.CancelScope(shield=True):
            await self._threads.run(self._forget, unused)

    async def aclose(self) -> None:
        """Release all locks."""
        with anyio.CancelScope(shield=True):
            await self._threads.run(self._close)

    # The following methods run in a worker thread.

    def _path(self, part_id: str, suffix: str) -> Path:
        name = hashlib.sha256(f"{self._base_url}\n{part_id}".encode()).hexdigest()
        return self._folder / f"{name}{suffix}"

    def _find(self, ids: list[str]) -> dict[str, PartResult]:
        found: dict[str, PartResult] = {}
        for part_id in ids:
            with suppress(OSError, ValueError, KeyError, TypeError):
                kept = json.loads(read_private(self._path(part_id, _REPLY)))
                media = self._path(part_id, _MEDIA) if kept["media"] else None
                if media is None or media.stat(follow_symlinks=False).st_size == kept["media"]:
                    found[part_id] = PartResult(dict(kept["reply"]), media)
        return found

    def _prepare(self) -> None:
        try:
            make_private_folder(self._folder)
            os.close(open_private(self._folder / _LOCKS, os.O_RDWR | os.O_CREAT))
            probe = self._folder / f"{secrets.token_hex(16)}{_INCOMPLETE}"
            with os.fdopen(open_private(probe, _CREATE_NEW), "wb") as file:
                file.write(b"\x00")
            probe.unlink()
            self._prune()
        except OSError as error:
            raise self._unusable(error) from error

    def _prune(self) -> None:
        files: list[tuple[Path, os.stat_result]] = []
        for path in self._folder.iterdir():
            if path.suffix in {_REPLY, _MEDIA, _INCOMPLETE}:
                with suppress(FileNotFoundError):  # another call has just delivered or kept it
                    files.append((path, path.lstat()))
        newest_first = sorted(files, key=lambda file: file[1].st_mtime, reverse=True)
        total = 0
        for path, status in newest_first:
            total += status.st_size
            max_age = _MAX_AGE_OF_INCOMPLETE_SECONDS if path.suffix == _INCOMPLETE else _MAX_AGE_SECONDS
            if total > _MAX_BYTES or self._clock() - status.st_mtime > max_age:
                path.unlink(missing_ok=True)

    def _hold(self, position: int) -> bool:
        try:
            if self._locks is None:
                self._locks = ByteLocks(self._folder / _LOCKS)
        except OSError as error:
            raise self._unusable(error) from error
        return not self._locks.is_locked(position) and self._locks.lock(position)

    def _release(self, position: int) -> None:
        if self._locks is not None:
            self._locks.unlock(position)

    def _keep(self, part_id: str, reply: dict[str, Any], media: "PartMedia | None") -> PartResult:
        try:
            path = media.move_to(self._path(part_id, _MEDIA)) if media else None
            kept = {"reply": reply, "media": media.size if media else 0}
            replace_atomically(self._path(part_id, _REPLY), json.dumps(kept).encode())
        except OSError as error:
            raise self._unusable(error) from error
        return PartResult(reply, path)

    def _forget(self, ids: list[str]) -> None:
        for part_id in ids:
            for suffix in (_REPLY, _MEDIA):  # without its reply, the media counts as missing
                with suppress(OSError):
                    self._path(part_id, suffix).unlink()

    def _close(self) -> None:
        if self._locks is not None:
            self._locks.close()
            self._locks = None

    def _unusable(self, error: OSError) -> DiskError:
        reason = disk_error("keep parts of long work in", self._folder, error)
        return DiskError(f"{reason} The folder is in WEBVOICE_STATE_DIR.")


class PartMedia:
    """The file that the media of a part are written to while they arrive.

    Attributes:
        size: number of bytes that were written.
    """

    def __init__(self, path: Path, threads: WorkerThreads) -> None:
        self.size = 0
        self._path = path
        self._threads = threads
        try:
            self._file = os.fdopen(open_private(path, _CREATE_NEW), "w+b", buffering=0)
        except OSError as error:
            raise disk_error("write", path, error) from error

    def write(self, data: bytes) -> None:
        """Append data. Blocks briefly.

        Raises:
            DiskError: the file system refuses.
        """
        rest = memoryview(data)
        try:
            while rest:
                written = self._file.write(rest) or 0
                self.size += written
                rest = rest[written:]
        except OSError as error:
            raise disk_error("write", self._path, error) from error

    async def kind(self) -> Kind | None:
        """Return the kind of what was written, judged by its bytes; None if it is unknown."""
        return await self._threads.run(sniff, self._file)

    async def read(self) -> bytes:
        """Return what was written."""

        def read() -> bytes:
            self._file.seek(0)
            return self._file.readall()

        return await self._threads.run(read)

    def move_to(self, path: Path) -> Path:
        """Flush the file to the disk and rename it. Blocks."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(path)
        return path

    def discard(self) -> None:
        """Close the file and delete it, unless it was renamed."""
        self._file.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def _position(ids: Iterable[str]) -> int:
    """Return the byte of the lock file that stands for the work of these parts."""
    return int(digest_of(ids)[:10], 16)
