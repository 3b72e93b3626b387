"""Answers that are made to cost memory or time: a picture of 178 megapixels, endless interim responses, large chats.

The picture is 0.8 MB of PNG, too large to be shown as it is; Pillow would decode it into half a gigabyte. The interim
responses (status 103) never end. The chats are 7.5 MB each.
"""

import base64
import struct
import zlib
from functools import partial

from _bench import OURS, Bench, Goal, difference, measure_in_turns, print_table, warm
from _process import Memory, Sample, memory_in_use

_PICTURE = "picture"
_SIDE = 13_350  # pixels
_ROWS = 89  # that are compressed at once, which divides all rows
_WORDS = 1_500_000  # of five characters


def measure(bench: Bench) -> list[Goal]:
    """Print the table and return the goals."""
    (bench.folder / f"{_PICTURE}.b64").write_bytes(base64.b64encode(make_picture(_SIDE)))
    chats = bench.rounds(8, 24)
    methods = {
        "a picture of 178 megapixels": partial(_call, bench, _PICTURE, "webvoice_image", {"prompt": "x"}),
        "endless interim responses": partial(_call, bench, "interim", "webvoice_status", {}),
        f"{chats} chats of 7.5 MB": partial(_chats, bench, chats),
    }
    samples = measure_in_turns(methods, bench.rounds(1, 3))
    print_table("hostile answers", samples)
    goals: list[Goal] = []
    for name, row in samples.items():
        goals.append(Goal(f"peak memory during {name}", row["peak MiB"], 128, "MiB above idle", is_strict=True))
        goals.append(Goal(f"memory after {name}", row["kept MiB"], 32, "MiB above idle", is_strict=True))
        goals.append(Goal(f"longest ping during {name}", row["+ ms"], 500, "ms above idle"))
    return goals


def make_picture(side: int) -> bytes:
    """Return a black square PNG picture."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    some = bytes((1 + 3 * side) * _ROWS)
    first, repeated = (packer.compress(some) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    checksum = 1
    for _ in range(side // _ROWS):
        checksum = zlib.adler32(some, checksum)
    rows = b"\x78\xda" + first + repeated * (side // _ROWS - 1) + packer.flush() + struct.pack(">I", checksum)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    comment = chunk(b"tEXt", b"Comment\x00" + b"x" * 300_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + comment + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _call(bench: Bench, amount: str, tool: str, arguments: dict[str, object]) -> Sample:
    with bench.server(OURS, f"{bench.http}/{amount}/api/v1", TIMEOUT=bench.rounds(2, 5)) as server:
        server.call("webvoice_account_links")  # by now everything is imported
        memory = Memory(server.pid)
        before = memory_in_use(server.pid)
        idle, busy = server.longest_idle_ping(0.5), server.longest_ping(tool, arguments, may_fail=True)
        return _sample(memory, before, memory_in_use(server.pid), idle, busy)


def _chats(bench: Bench, count: int) -> Sample:
    with bench.server(OURS, f"{bench.http}/{_WORDS}/api/v1") as server:
        warm(server, OURS)
        memory = Memory(server.pid)
        before = memory_in_use(server.pid)
        idle = server.longest_idle_ping(0.5)
        busy = max(server.longest_ping("webvoice_chat", {"prompt": "x", "stream": False}) for _ in range(count))
        return _sample(memory, before, memory_in_use(server.pid), idle, busy)


def _sample(memory: Memory, before: float | None, after: float | None, idle: float, busy: float) -> Sample:
    return {
        "peak MiB": memory.growth(),
        "kept MiB": difference(after, before),
        "idle ms": idle,
        "ping ms": busy,
        "+ ms": busy - idle,
    }
