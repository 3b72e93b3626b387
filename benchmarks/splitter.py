"""How fast a JSON answer is split, beside `json.loads` and `b64decode` on the same answer held in memory.

Usage: python benchmarks/splitter.py [MIB_OF_JSON] [ROUNDS]

The ways take turns in one process, in another order each round; medians are printed. Nothing goes to a disk. Rates are
MiB of JSON a second.
"""

import base64
import json
import os
import random
import re
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from webvoice_mcp.client.splitter import Splitter

PIECES = (64 << 10, 256 << 10)  # bytes, as a network read gives them


def spellings(size: int) -> dict[str, bytes]:
    """One answer of about `size` bytes for each way to write the same medium."""
    text = base64.b64encode(os.urandom(size * 3 // 4))
    slashes = text.replace(b"/", b"\\/")
    wrapped = re.sub(rb".{76}", rb"\g<0>\\r\\n", text)
    texts = {
        "plain": text,
        "data: URL": b"data:video/mp4;base64," + text,
        "no padding": text.rstrip(b"="),
        "URL-safe": text.translate(bytes.maketrans(b"+/", b"-_")),
        "\\/": slashes,
        "\\/ and \\u002b": slashes.replace(b"+", b"\\u002b"),
        "escaped line breaks": wrapped,
        "every character \\u": re.sub(rb".", lambda each: b"\\u%04x" % each[0][0], text[: size // 24 * 4]),
    }
    return {name: b'{"success":true,"video":"%b","duration":5}' % each for name, each in texts.items()}


def split(body: bytes, piece: int) -> None:
    """Through the splitter, the bytes dropped."""
    splitter = Splitter(frozenset({"video"}), lambda *_: lambda _: None)
    view = memoryview(body)
    for start in range(0, len(body), piece):
        splitter.feed(bytes(view[start : start + piece]))
    splitter.finish()


def read_whole(body: bytes) -> None:
    """As is usually done; the spellings that b64decode refuses are put right first."""
    text = json.loads(body)["video"].removeprefix("data:video/mp4;base64,")
    if len(text) % 4 or "-" in text or "\n" in text:
        text = text.translate(str.maketrans("-_", "+/", "\r\n")).rstrip("=")
        text += "=" * (-len(text) % 4)
    base64.b64decode(text)


def seconds(work: Callable[[], None]) -> float:
    """How long it takes once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def rates(body: bytes, rounds: int) -> list[float]:
    """MiB/s of each way: split in pieces of each size, then whole."""
    ways: list[Callable[[], None]] = [*(partial(split, body, piece) for piece in PIECES), partial(read_whole, body)]
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way in random.sample(range(len(ways)), len(ways)):
            times[way].append(seconds(ways[way]))
    return [len(body) / (1 << 20) / statistics.median(each) for each in times]


def main(mib: int = 32, rounds: int = 7) -> None:
    """Print the table."""
    print(f"{'MiB/s':22}{'64 KiB':>9}{'256 KiB':>9}{'whole':>9}{'ratio':>8}    ({mib} MiB, median of {rounds})")
    for name, body in spellings(mib << 20).items():
        small, large, whole = rates(body, rounds)
        print(f"{name:22}{small:9.0f}{large:9.0f}{whole:9.0f}{small / whole:7.1f}x")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
