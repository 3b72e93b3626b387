"""Calls of all kinds, 64 at once: the time of a ping meanwhile, compared with a bare SDK server.

The calls are, in turn, a GET, a video of one mebibyte that is saved, a recording that is uploaded, and a streamed chat.
Both servers send the same requests; ours also checks, prices and records each call.
"""

import statistics
from functools import partial
from pathlib import Path

from _bench import BARE, OURS, Bench, Goal, measure_in_turns, print_table, ratio, warm
from _process import Message, Sample
from save import write_video
from send import write_silence

_CONCURRENCY = 64


def measure(bench: Bench) -> list[Goal]:
    """Print the table and return the goal."""
    recording = write_silence(bench.folder / "load.wav", 16_000, 8000)
    write_video(bench.folder / "1.b64", 1)
    methods = {name: partial(_ping_times, bench, name, recording) for name in (OURS, BARE)}
    samples = measure_in_turns(methods, bench.rounds(2, 7))
    print_table(f"load, {_CONCURRENCY} calls of all kinds at once", samples)
    slowdown = ratio(samples[OURS]["ping p99 ms"], samples[BARE]["ping p99 ms"])
    return [Goal(f"99th percentile of ping at {_CONCURRENCY} calls at once", slowdown, 1.5, "× bare")]


def _ping_times(bench: Bench, name: str, recording: Path) -> Sample:
    count = bench.rounds(256, 1024)
    calls = (_ours if name == OURS else _bare)(recording, count // 4)
    with bench.server(name, f"{bench.http}/1/api/v1") as server:
        warm(server, name)
        pings, seconds = server.run_calls_with_pings(calls, _CONCURRENCY)
    for video in recording.parent.glob("*.mp4"):
        video.unlink()
    return {
        "ping p50 ms": statistics.median(pings) * 1000,
        "ping p99 ms": statistics.quantiles(pings, n=100)[98] * 1000,
        "calls/s": count / seconds,
    }


def _ours(recording: Path, rounds: int) -> list[tuple[str, Message]]:
    return [
        ("webvoice_status", {}),
        ("webvoice_text_to_video", {"prompt": "x"}),
        ("webvoice_stt", {"audio_path": str(recording)}),
        ("webvoice_chat", {"prompt": "x", "stream": True}),
    ] * rounds


def _bare(recording: Path, rounds: int) -> list[tuple[str, Message]]:
    calls: list[tuple[str, Message]] = []
    for number in range(rounds):
        video = str(recording.with_name(f"bare-{number}.mp4"))
        calls += [("status", {}), ("save", {"path": video}), ("send", {"path": str(recording)})]
        calls += [("chat", {"prompt": "x"})]
    return calls
