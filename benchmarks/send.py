"""Uploads: a WAV file sent by `webvoice_stt`, compared with curl and the HTTP client's own form."""

import os
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _bench import BARE, OURS, PUBLISHED, Bench, Goal, difference, measure_in_turns, print_table, ratio, warm
from _process import Message, Sample

_CURL = "curl -F"
_MIB = 1024 * 1024
_SAMPLES_PER_SECOND = 48_000


def measure(bench: Bench) -> list[Goal]:
    """Print the table and return the goals."""
    size = bench.rounds(128, 512)
    recording = write_silence(bench.folder / "talk.wav", size * _MIB, _SAMPLES_PER_SECOND)
    base_url = f"{bench.http}/1/api/v1"
    methods: dict[str, Callable[[], Sample]] = {}
    if bench.curl:
        methods[_CURL] = partial(
            bench.run_curl, os.devnull, "-H", "Expect:", "-F", f"audio=@{recording}", f"{base_url}/stt/"
        )
    methods["httpx2 files="] = partial(bench.transfer, "form", base_url, recording)
    methods |= {name: partial(_send_with_server, bench, name, base_url, recording) for name in bench.servers}
    samples = measure_in_turns(methods, bench.rounds(3, 9))
    recording.unlink()
    curl = samples[_CURL]["ms"] if bench.curl else None
    print_table(f"send, {size} MiB", {name: {"× curl": ratio(row["ms"], curl), **row} for name, row in samples.items()})
    ours = samples[OURS]
    delay = difference(ours["ping ms"], ours["idle ms"])
    return [
        Goal(f"sending {size} MiB", ratio(ours["ms"], curl), 1.2, "× curl -F"),
        Goal("memory while sending", ours["peak MiB"], 8, "MiB above idle", is_strict=True),
        Goal("longest ping while sending", delay, 20, "ms above idle", is_strict=True),
    ]


def write_silence(path: Path, size: int, rate: int) -> Path:
    """Write a silent recording of `size` bytes with `rate` samples per second, and return its path."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        for start in range(0, size, _MIB):
            file.writeframesraw(bytes(min(_MIB, size - start)))
    return path


def _send_with_server(bench: Bench, name: str, base_url: str, recording: Path) -> Sample:
    tools: dict[str, tuple[str, Message]] = {
        OURS: ("webvoice_stt", {"audio_path": str(recording)}),
        BARE: ("send", {"path": str(recording)}),
        PUBLISHED: ("webvoice_stt", {"audio_path": str(recording)}),
    }
    with bench.server(name, base_url, MAX_UPLOAD_MB=1024) as server:
        warm(server, name)
        result, used = server.measure_call(*tools[name])
        if "bytes, complete" not in str(result):  # the form ended where Content-Length said
            raise RuntimeError(f"{name} sent an incomplete form: {result}")
        return {**used, "idle ms": server.longest_idle_ping(0.5), "ping ms": server.longest_ping(*tools[name])}
