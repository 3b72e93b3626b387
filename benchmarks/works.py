"""Long work: a book is cut, MP3 files are joined, subtitles are written, the worker saves a film, and a page reads it.

The book has 300,000 characters, which is 75 requests. Joining is compared with FFmpeg's `concat`, which also copies the
frames, and with copying the bytes, which makes a file whose length no player knows. Cutting and subtitles are compared
with short Python that does something similar, without the care for other scripts, abbreviations and wide letters.

The first call that makes media starts the worker. The film of 20 MiB is read through `webvoice_read_file` in pieces.
"""

import re
import shutil
import subprocess
import textwrap
import time
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

from _bench import OURS, Bench, Goal, difference, measure_in_turns, print_table, ratio
from _process import Memory, Sample, find_process, memory_in_use
from save import write_video

from webvoice_mcp.studio.mp3 import join
from webvoice_mcp.studio.subtitles import format_srt, spread
from webvoice_mcp.studio.text import MAX_CHARACTERS, cut

_CHARACTERS = 300_000
_SENTENCE = "The keeper of the light climbed the stairs, as every evening, and looked for the ship. "
_PARAGRAPH = _SENTENCE * 5 + "\n\n"
_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)  # a silent frame of 128 kbit/s
_FRAMES = 10_000  # of one file: four minutes, as long as a part of a book
_SECONDS_OF_A_BOOK = 20_000.0
_JOIN, _FFMPEG, _COPY = "joined by webvoice-mcp", "ffmpeg -f concat -c copy", "bytes copied one after another"
_WORKER, _IN_PROCESS = "with the worker's start", "in the server"
_FILM_MIB = 20
_FILM = f"a film of {_FILM_MIB} MiB, read in pieces"
_CUT, _WRAP = "cut by webvoice-mcp", "textwrap.wrap"
_SUBTITLES, _SPLIT = "subtitles of webvoice-mcp", "re.split and a format string"


def measure(bench: Bench) -> list[Goal]:
    """Print the tables and return the goals."""
    book = (_PARAGRAPH * (_CHARACTERS // len(_PARAGRAPH) + 1))[:_CHARACTERS]
    methods: dict[str, Callable[[], Sample]] = {
        _CUT: partial(_timed, lambda: cut(book)),
        _WRAP: partial(_timed, lambda: textwrap.wrap(book, MAX_CHARACTERS)),
        _SUBTITLES: partial(_timed, lambda: format_srt(spread(book, 0, _SECONDS_OF_A_BOOK))),
        _SPLIT: partial(_timed, lambda: _plain_subtitles(book)),
    }
    rounds = bench.rounds(3, 9)
    texts = measure_in_turns(methods, rounds)
    print_table(f"works, a book of {_CHARACTERS:,} characters", texts)
    return [
        Goal("cutting a book", ratio(texts[_CUT]["ms"], texts[_WRAP]["ms"]), 4, "× textwrap.wrap"),
        Goal("memory while a book is cut", texts[_CUT]["peak MiB"], 16, "MiB", is_strict=True),
        Goal("memory while its subtitles are written", texts[_SUBTITLES]["peak MiB"], 16, "MiB", is_strict=True),
        *_joining(bench, bench.rounds(5, 75), rounds),
        *_worker(bench, rounds),
        *_page(bench, rounds),
    ]


def _worker(bench: Bench, rounds: int) -> list[Goal]:
    write_video(bench.folder / "1.b64", 1)
    methods = {name: partial(_first_film, bench, number) for name, number in ((_WORKER, 1), (_IN_PROCESS, 0))}
    samples = measure_in_turns(methods, rounds)
    print_table("works, the first film of a server", samples)
    return [
        Goal(
            "start of the worker", difference(samples[_WORKER]["ms"], samples[_IN_PROCESS]["ms"]), 650, "ms"
        ),  # half of a bare server's start
        Goal("memory of the worker", samples[_WORKER]["worker MiB"], 60, "MiB", is_strict=True),
    ]


def _first_film(bench: Bench, number_of_workers: int) -> Sample:
    with bench.server(OURS, f"{bench.http}/1/api/v1", WORKER=number_of_workers) as server:
        server.call("webvoice_account_links")  # by now everything is imported
        _, sample = server.measure_call("webvoice_text_to_video", {"prompt": "x"})
        worker = find_process("worker", str(bench.folder))
        return {"ms": sample["ms"], "worker MiB": memory_in_use(worker) if worker else None}


def _page(bench: Bench, rounds: int) -> list[Goal]:
    write_video(bench.folder / f"{_FILM_MIB}.b64", _FILM_MIB)
    samples = measure_in_turns({_FILM: partial(_read_film, bench)}, rounds)
    print_table("works, a page in the chat", samples)
    return [Goal("memory while a page reads a film", samples[_FILM]["peak MiB"], 8, "MiB above idle", is_strict=True)]


def _read_film(bench: Bench) -> Sample:
    extensions = {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}
    with bench.server(OURS, f"{bench.http}/{_FILM_MIB}/api/v1", {"extensions": extensions}) as server:
        (film,) = server.call("webvoice_text_to_video", {"prompt": "x"})["structuredContent"]["files"]
        memory, started, offset = Memory(server.pid), time.perf_counter(), 0
        while offset < film["size_bytes"]:
            result = server.call("webvoice_read_file", {"uri": film["uri"], "offset": offset})
            (blob,) = [block["resource"]["blob"] for block in result["content"] if block["type"] == "resource"]
            offset += len(b64decode(blob))
        elapsed = (time.perf_counter() - started) * 1000
        Path(film["path"]).unlink()
        return {"ms": elapsed, "peak MiB": memory.growth()}


def _joining(bench: Bench, count: int, rounds: int) -> list[Goal]:
    parts = [bench.folder / f"part-{number}.mp3" for number in range(count)]
    for part in parts:
        part.write_bytes(_FRAME * _FRAMES)
    whole, listed = bench.folder / "whole.mp3", bench.folder / "parts.txt"
    listed.write_text("".join(f"file '{part}'\n" for part in parts))
    methods: dict[str, Callable[[], Sample]] = {
        _JOIN: partial(_timed, lambda: _join(parts, whole)),
        _COPY: partial(_timed, lambda: _copy(parts, whole)),
    }
    if ffmpeg := shutil.which("ffmpeg"):
        options = ["-v", "fatal", "-y", "-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy", str(whole)]
        methods[_FFMPEG] = partial(_timed, lambda: subprocess.run([ffmpeg, *options], check=True), is_here=False)
    samples = measure_in_turns(methods, rounds)
    for path in (*parts, whole, listed):
        path.unlink()
    beside = samples.get(_FFMPEG, {}).get("ms")
    size = count * _FRAMES * len(_FRAME) / 1024**2
    rows = {name: {"× ffmpeg": ratio(row["ms"], beside), **row} for name, row in samples.items()}
    print_table(f"works, {count} MP3 files of {size:.0f} MiB together", rows)
    return [
        Goal("joining MP3 files", ratio(samples[_JOIN]["ms"], beside), 2, "× ffmpeg"),
        Goal("memory while MP3 files are joined", samples[_JOIN]["peak MiB"], 8, "MiB", is_strict=True),
    ]


def _timed(work: Callable[[], object], *, is_here: bool = True) -> Sample:
    memory, started = Memory("self"), time.perf_counter()
    work()
    elapsed = (time.perf_counter() - started) * 1000
    return {"ms": elapsed, "peak MiB": memory.growth() if is_here else None}


def _join(parts: list[Path], whole: Path) -> None:
    with whole.open("wb") as file:
        join(parts, file.write)


def _copy(parts: list[Path], whole: Path) -> None:
    with whole.open("wb") as file:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, file)


def _plain_subtitles(book: str) -> str:
    sentences = re.split(r"(?<=[.!?])\s+", book)
    times = [_SECONDS_OF_A_BOOK * number / len(sentences) for number in range(len(sentences) + 1)]
    return "\n".join(
        f"{number}\n{start:.3f} --> {end:.3f}\n{sentence}\n"
        for number, ((start, end), sentence) in enumerate(zip(pairwise(times), sentences, strict=True), 1)
    )
