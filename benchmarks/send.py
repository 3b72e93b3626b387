"""Uploads: a WAV file sent as `webvoice_stt` sends it, against curl and the HTTP client's own way."""

import os
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _bench import BARE, OURS, PUBLISHED, Bench, Goal, above, in_turns, ratio, table, warm
from _process import Message, Sample

_CURL = "curl -F"
_MIB = 1024 * 1024
_RATE = 48_000


def measure(bench: Bench) -> list[Goal]:
    """Print the table; the goals."""
    size = bench.rounds(128, 512)
    recording = silence(bench.folder / "talk.wav", size * _MIB, _RATE)
    base_url = f"{bench.http}/1/api/v1"
    ways: dict[str, Callable[[], Sample]] = {}
    if bench.curl:
        ways[_CURL] = partial(
            bench.curled, os.devnull, "-H", "Expect:", "-F", f"audio=@{recording}", f"{base_url}/stt/"
        )
    ways["httpx2 files="] = partial(bench.way, "form", base_url, recording)
    ways |= {name: partial(_sent, bench, name, base_url, recording) for name in bench.servers}
    taken = in_turns(ways, bench.rounds(3, 9))
    recording.unlink()
    curl = taken[_CURL]["ms"] if bench.curl else None
    table(f"send, {size} MiB", {name: {"× curl": ratio(row["ms"], curl), **row} for name, row in taken.items()})
    ours = taken[OURS]
    return [
        Goal(f"sending {size} MiB", ratio(ours["ms"], curl), 1.3, "× curl -F"),
        Goal("memory while sending", ours["peak MiB"], 8, "MiB above idle", firm=True),
        Goal("worst ping while sending", above(ours["ping ms"], ours["idle ms"]), 20, "ms above idle", firm=True),
    ]


def silence(path: Path, size: int, rate: int) -> Path:
    """A recording of so many bytes of sound, with so many samples a second."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        for start in range(0, size, _MIB):
            file.writeframesraw(bytes(min(_MIB, size - start)))
    return path


def _sent(bench: Bench, name: str, base_url: str, recording: Path) -> Sample:
    tools: dict[str, tuple[str, Message]] = {
        OURS: ("webvoice_stt", {"audio_path": str(recording)}),
        BARE: ("send", {"path": str(recording)}),
        PUBLISHED: ("webvoice_stt", {"audio_path": str(recording)}),
    }
    with bench.server(name, base_url, MAX_UPLOAD_MB=1024) as server:
        warm(server, name)
        result, used = server.measured(*tools[name])
        if "bytes, whole" not in str(result):  # the form ended exactly where Content-Length said
            raise RuntimeError(f"{name} sent something else: {result}")
        return {**used, "idle ms": server.worst_idle_ping(0.5), "ping ms": server.worst_ping(*tools[name])}
