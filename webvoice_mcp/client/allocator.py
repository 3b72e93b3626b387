"""The C library's memory allocator."""

import sys
from functools import cache

_M_MMAP_THRESHOLD = -3  # the parameter's number in glibc's malloc.h
_LARGE_BYTES = 4 << 20  # above the blocks in which files are sent, which are used again and again


@cache
def give_back_large_blocks() -> None:
    """Have large blocks given back to the system as soon as they are freed, where the C library is glibc.

    By default glibc keeps blocks of up to 32 MiB once one of their size has been freed: 100 MiB after a few answers of
    8 MiB.
    """
    if sys.platform != "linux":  # pragma: no cover - glibc is on Linux only
        return
    import ctypes  # noqa: PLC0415 - only needed after the first large answer

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:  # pragma: no branch - the tests run with glibc
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
