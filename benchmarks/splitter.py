"""How fast a JSON answer is split, beside `json.loads` and `b64decode` on the same answer held in memory.

All in this process; nothing goes to a disk. Rates are MiB of JSON a second.
"""

import base64
import json
import os
import re
import time
from collections.abc import Callable
from functools import partial

from _bench import Bench, Goal, in_turns, ratio, table
from _process import Sample

from webvoice_mcp.client.splitter import Splitter

_PIECES = {"64 KiB": 64 << 10, "256 KiB": 256 << 10}  # as a network read gives them
_MIB = 1 << 20


def measure(bench: Bench) -> list[Goal]:
    """Print the table. No goal: `save` has them."""
    size = bench.rounds(8, 32)
    rows: dict[str, Sample] = {}
    for name, body in _spellings(size * _MIB).items():
        ways: dict[str, Callable[[], Sample]] = {each: partial(_rate, body, _split, _PIECES[each]) for each in _PIECES}
        ways["whole"] = partial(_rate, body, _read_whole)
        rates = {each: row["MiB/s"] for each, row in in_turns(ways, bench.rounds(3, 7)).items()}
        rows[name] = {**rates, "× whole": ratio(rates["64 KiB"], rates["whole"])}
    table(f"splitter, MiB/s of {size} MiB", rows)
    return []


def _spellings(size: int) -> dict[str, bytes]:
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


def _rate(body: bytes, work: Callable[..., None], *more: int) -> Sample:
    started = time.perf_counter()
    work(body, *more)
    return {"MiB/s": len(body) / _MIB / (time.perf_counter() - started)}


def _split(body: bytes, piece: int) -> None:
    """Through the splitter, the bytes dropped."""
    splitter = Splitter(frozenset({"video"}), lambda *_: lambda _: None)
    view = memoryview(body)
    for start in range(0, len(body), piece):
        splitter.feed(bytes(view[start : start + piece]))
    splitter.finish()


def _read_whole(body: bytes) -> None:
    """As is usually done; the spellings that b64decode refuses are put right first."""
    text = json.loads(body)["video"].removeprefix("data:video/mp4;base64,")
    if len(text) % 4 or "-" in text or "\n" in text:
        text = text.translate(str.maketrans("-_", "+/", "\r\n")).rstrip("=")
        text += "=" * (-len(text) % 4)
    base64.b64decode(text)
