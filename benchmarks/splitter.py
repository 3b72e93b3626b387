"""The speed of splitting a JSON reply, compared with `json.loads` and `b64decode` of the same reply in memory.

Everything runs in this process, without a disk. Rates are MiB of JSON per second.
"""

import base64
import json
import os
import re
import time
from collections.abc import Callable
from functools import partial

from _bench import Bench, Goal, measure_in_turns, print_table, ratio
from _process import Sample

from webvoice_mcp.client.splitter import Splitter

_CHUNK_BYTES = {"64 KiB": 64 << 10, "256 KiB": 256 << 10}  # sizes of network reads
_MIB = 1 << 20


def measure(bench: Bench) -> list[Goal]:
    """Print the table; there are no goals besides those of `save`."""
    size = bench.rounds(8, 32)
    rows: dict[str, Sample] = {}
    for name, body in _spellings(size * _MIB).items():
        methods: dict[str, Callable[[], Sample]] = {
            size_name: partial(_rate, body, _split, size_bytes) for size_name, size_bytes in _CHUNK_BYTES.items()
        }
        methods["whole"] = partial(_rate, body, _parse_whole)
        rates = {method: row["MiB/s"] for method, row in measure_in_turns(methods, bench.rounds(3, 7)).items()}
        rows[name] = {**rates, "× whole": ratio(rates["64 KiB"], rates["whole"])}
    print_table(f"splitter, MiB/s of {size} MiB", rows)
    return []


def _spellings(size: int) -> dict[str, bytes]:
    """Return a reply of about `size` bytes for each spelling of the same media."""
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
        "every character \\u": re.sub(rb".", lambda match: b"\\u%04x" % match[0][0], text[: size // 24 * 4]),
    }
    return {name: b'{"success":true,"video":"%b","duration":5}' % text for name, text in texts.items()}


def _rate(body: bytes, read: Callable[..., None], *arguments: int) -> Sample:
    started = time.perf_counter()
    read(body, *arguments)
    return {"MiB/s": len(body) / _MIB / (time.perf_counter() - started)}


def _split(body: bytes, chunk_bytes: int) -> None:
    """Feed the splitter and discard the media."""
    splitter = Splitter(frozenset({"video"}), lambda *_: lambda _: None)
    view = memoryview(body)
    for start in range(0, len(body), chunk_bytes):
        splitter.feed(bytes(view[start : start + chunk_bytes]))
    splitter.finish()


def _parse_whole(body: bytes) -> None:
    """Parse and decode the whole body; spellings that b64decode refuses are corrected first."""
    text = json.loads(body)["video"].removeprefix("data:video/mp4;base64,")
    if len(text) % 4 or "-" in text or "\n" in text:
        text = text.translate(str.maketrans("-_", "+/", "\r\n")).rstrip("=")
        text += "=" * (-len(text) % 4)
    base64.b64decode(text)
