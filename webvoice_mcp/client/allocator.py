"""The C library's memory allocator."""

import sys

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # the parameters' numbers in glibc's malloc.h
_LARGE_BYTES = 4 << 20  # above the blocks in which files are sent, which are used again and again


def keep_little_freed_memory() -> None:
    """Have the process keep little of the memory that it has freed, where the C library is glibc.

    By default glibc keeps blocks of up to 32 MiB once one of their size has been freed, and a heap for each thread: 100
    MiB after a few answers of 8 MiB.
    """
    if sys.platform != "linux":  # pragma: no cover - glibc is on Linux only
        return
    import ctypes  # noqa: PLC0415 - only needed here

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:  # pragma: no branch - the tests run with glibc
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, 1)
