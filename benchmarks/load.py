"""Calls of all kinds, 64 at once: how long a ping takes meanwhile, beside a bare SDK server with the same requests.

In turns a GET, a film of a mebibyte that is saved, a recording that is sent, and a streamed chat. Ours also checks,
prices and writes down what it orders.
"""

import statistics
from functools import partial
from pathlib import Path

from _bench import BARE, OURS, Bench, Goal, in_turns, ratio, table, warm
from _process import Message, Sample
from save import prepare
from send import silence

_AT_ONCE = 64


def measure(bench: Bench) -> list[Goal]:
    """Print the table; the goal."""
    recording = silence(bench.folder / "load.wav", 16_000, 8000)
    prepare(bench.folder / "1.b64", 1)
    ways = {name: partial(_pinged, bench, name, recording) for name in (OURS, BARE)}
    taken = in_turns(ways, bench.rounds(2, 7))
    table(f"load, {_AT_ONCE} calls of all kinds at once", taken)
    slower = ratio(taken[OURS]["ping p99 ms"], taken[BARE]["ping p99 ms"])
    return [Goal(f"ping at {_AT_ONCE} calls at once, 99 of 100", slower, 1.5, "× bare")]


def _pinged(bench: Bench, name: str, recording: Path) -> Sample:
    count = bench.rounds(256, 1024)
    calls = (_ours if name == OURS else _bare)(recording, count // 4)
    with bench.server(name, f"{bench.http}/1/api/v1") as server:
        warm(server, name)
        pings, seconds = server.pinged_calls(calls, _AT_ONCE)
    for film in recording.parent.glob("*.mp4"):
        film.unlink()
    return {
        "ping p50 ms": statistics.median(pings) * 1000,
        "ping p99 ms": statistics.quantiles(pings, n=100)[98] * 1000,
        "calls/s": count / seconds,
    }


def _ours(recording: Path, times: int) -> list[tuple[str, Message]]:
    return [
        ("webvoice_status", {}),
        ("webvoice_text_to_video", {"prompt": "x"}),
        ("webvoice_stt", {"audio_path": str(recording)}),
        ("webvoice_chat", {"prompt": "x", "stream": True}),
    ] * times


def _bare(recording: Path, times: int) -> list[tuple[str, Message]]:
    calls: list[tuple[str, Message]] = []
    for number in range(times):
        film = str(recording.with_name(f"bare-{number}.mp4"))
        calls += [("status", {}), ("save", {"path": film}), ("send", {"path": str(recording)})]
        calls += [("chat", {"prompt": "x"})]
    return calls
