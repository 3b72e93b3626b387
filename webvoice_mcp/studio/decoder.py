"""PyAV with limits: formats that are known, no other files and no network, bounded time and size."""

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from webvoice_mcp.studio._temporary import temporary_disk

_BUFFER_BYTES = 256 * 1024

# A file of 600 bytes can state millions of frames, for each of which FFmpeg takes 24 bytes.
_MAX_BLOCK_BYTES = 128 * 1024 * 1024  # of memory; enough for the frames of 24 hours at 60 a second, and an 8K picture
_MAX_TRACKS = 64

# What a track of sound is coded with. FFmpeg has hundreds of decoders, and a hostile file chooses among them.
_SOUND_CODECS = (
    "aac,aac_fixed,ac3,eac3,alac,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,adpcm_ima_qt,adpcm_ms,flac,mp1,mp1float,"
    "mp2,mp2float,mp3,mp3float,opus,libopus,vorbis,libspeex,speex,wmav1,wmav2,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16be,"
    "pcm_s16le,pcm_s24be,pcm_s24le,pcm_s32be,pcm_s32le,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le"
)
_FILM_CODECS = f"{_SOUND_CODECS},h264,hevc,mpeg4,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,mjpeg,mov_text"


class TimeIsUpError(Exception):
    """The work took longer than it may."""


class TooLargeError(Exception):
    """The result is larger than it may be."""


class DamagedError(Exception):
    """The file is damaged, or in a form that cannot be read."""


class Guard:
    """Ends work on a file that was cancelled, takes too long, or meets an error of the disk.

    Attributes:
        stopped: the exception that ended the work, since FFmpeg may hide it behind one of its own.
    """

    def __init__(self, checkpoint: Callable[[], None], max_seconds: float) -> None:
        self.stopped: BaseException | None = None
        self._checkpoint = checkpoint
        self._deadline = time.monotonic() + max_seconds

    def check(self) -> None:
        """Raise the exception that ends the work, if it shall end.

        Raises:
            TimeIsUpError: the time is up.
        """
        with self.noted():
            self._checkpoint()
            if time.monotonic() > self._deadline:
                raise TimeIsUpError

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raise the exception that ended the work in place of the one that FFmpeg made of it, or if it made none."""
        try:
            yield
        except BaseException as error:
            if self.stopped and self.stopped is not error:
                raise self.stopped from None
            raise
        if self.stopped:
            raise self.stopped

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the exception that ends the block."""
        try:
            yield
        except BaseException as error:
            self.stopped = error
            raise


class _File:
    """An open file as FFmpeg uses it, with a position of its own, so that several readers can share the file.

    No method raises: an exception inside FFmpeg's callback may get lost, and PyAV then writes it to stderr.
    """

    def __init__(self, file: BinaryIO, guard: Guard) -> None:
        self._file = file
        self._guard = guard
        self._position = 0

    def seek(self, position: int, whence: int = 0) -> int:
        """Go to a position and return it; -1 if there is none, which damaged files ask for."""
        try:
            self._file.seek(self._position)
            self._position = self._file.seek(position, whence)
        except (OSError, ValueError):
            return -1
        return self._position

    def tell(self) -> int:  # pragma: no cover - PyAV wants it, but calls it only where `seek` returns nothing
        """Return the position."""
        return self._position


class _Source(_File):
    """An open file to read, which FFmpeg does while it probes, too."""

    def read(self, size: int) -> bytes:
        """Return the next bytes; none once the work shall end."""
        try:
            self._guard.check()
            with self._guard.noted():
                self._file.seek(self._position)
                data = self._file.read(size)
        except BaseException:  # noqa: BLE001 - it is noted
            return b""
        self._position += len(data)
        return data


class _Sink(_File):
    """An open file to write, of a limited size."""

    def __init__(self, file: BinaryIO, guard: Guard, max_bytes: int) -> None:
        super().__init__(file, guard)
        self._max_bytes = max_bytes
        file.seek(0)
        file.truncate()

    def write(self, data: bytes) -> int:
        """Write all bytes; return -1 if the file would be too large, or the disk refuses."""
        try:
            with self._guard.noted():
                return self._write(data)
        except BaseException:  # noqa: BLE001 - it is noted
            return -1

    def _write(self, data: bytes) -> int:
        if self._position + len(data) > self._max_bytes:
            raise TooLargeError
        with temporary_disk():
            self._file.seek(self._position)
            self._position += self._file.write(data)
        return len(data)


def load() -> Any:
    """Return PyAV's module.

    Raises:
        ImportError: it is not installed.
    """
    av = import_module("av")
    _limit_memory(Path(str(av.__file__)).parent)
    return av


@cache
def _limit_memory(package: Path) -> None:
    """Limit each block of memory that FFmpeg takes, if it is the FFmpeg in PyAV's own wheel."""
    for library in chain(package.parent.glob("av.libs/*avutil*"), package.glob(".dylibs/*avutil*")):
        ctypes.CDLL(str(library)).av_max_alloc(ctypes.c_size_t(_MAX_BLOCK_BYTES))


def damage(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """Return the errors of PyAV that mean that a file is damaged, and more errors."""
    return load().error.FFmpegError, ValueError, *more  # ValueError for tags and changes that it does not expect


def open_source(file: BinaryIO, demuxer: str, guard: Guard, *, film: bool = False) -> Any:
    """Open a file of a known format, from its first byte.

    Args:
        film: the pictures are to be decoded, too.

    Raises:
        FFmpegError: it is damaged.
    """
    options = {
        "format_whitelist": demuxer,
        "protocol_whitelist": "none",  # of files and addresses that the file names
        "codec_whitelist": _FILM_CODECS if film else _SOUND_CODECS,
        "max_streams": str(_MAX_TRACKS),
    }
    if demuxer == "mov":
        options["enable_drefs"] = "0"
    container = load().open(
        _Source(file, guard), format=demuxer, options=options, buffer_size=_BUFFER_BYTES, metadata_errors="replace"
    )
    guard.check()
    return container


def open_sink(file: BinaryIO, muxer: str, guard: Guard, max_bytes: int, **options: str) -> Any:
    """Open an empty file to write; nothing in it tells of the time or the programs that made it."""
    return load().open(
        _Sink(file, guard, max_bytes),
        "w",
        format=muxer,
        options={"fflags": "+bitexact", **options},
        buffer_size=_BUFFER_BYTES,
    )
